from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from preprocess_pages import UNWARPING_GATE, Loaded, Recorder, as_page, options, text_page

from pipelines.engines.base import Session
from pipelines.engines.fake import fake_files
from pipelines.errors import WeightsError
from pipelines.preprocess import DocPreprocessor, Unwarper
from pipelines.preprocess.bend import as_seen_flat, bend_of, straightening
from pipelines.preprocess.paper import paper_share, rim_share
from pipelines.preprocess.unwarper import sample
from pipelines.read import iter_inputs
from pipelines.transform import turn

Bent = Callable[[np.ndarray], np.ndarray]


def _never() -> Session:
    raise AssertionError("the network was asked for")


def _unwarper(loaded: Loaded) -> Unwarper:
    session, files = loaded("UVDoc")
    return Unwarper(lambda: session, files)


def _grid(rows: int = 45, columns: int = 31, curl: float = 0.0) -> np.ndarray:
    y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    return np.stack([0.85 * x, 0.85 * y + curl * np.cos(2.4 * x)]).astype(np.float32)


def _photographed(page: np.ndarray, curl: float = 0.09) -> np.ndarray:
    """A page as it looks curled on a dark, uneven table."""
    height, width = page.shape[:2]
    rows, columns = np.mgrid[0 : int(height * 1.2), 0 : int(width * 1.2)].astype(np.float32)
    x = (columns - width * 0.6) / (width / 2)
    y = (rows - height * 0.6) / (height / 2) - curl * np.cos(2.4 * x)
    bent = cv2.remap(page, (x + 1) * width / 2, (y + 1) * height / 2, cv2.INTER_LINEAR)
    lit = bent * (0.95 - 1.2 * curl * np.sin(2.4 * x))[:, :, np.newaxis]
    table = cv2.resize(
        np.random.default_rng(5).integers(20, 110, (40, 30, 3)).astype(np.uint8), rows.shape[::-1]
    )
    outside = (np.abs(x) >= 1) | (np.abs(y) >= 1)
    return np.where(outside[:, :, np.newaxis], table, lit.clip(0, 255)).astype(np.uint8)


def test_a_curled_page_is_flattened(loaded: Loaded) -> None:
    photo = _photographed(text_page())
    done = DocPreprocessor(None, _unwarper(loaded))(as_page(photo), options(unwarping=UNWARPING_GATE))
    assert done.unwarping is not None
    assert (done.unwarping["applied"], done.unwarping["reason"]) == (True, "the page is bent")
    assert done.unwarping["bend"] * done.unwarping["straightening"] > UNWARPING_GATE
    assert done.image.shape == photo.shape
    assert done.rotated is not done.image
    assert rim_share(cv2.resize(photo, (488, 712))) < 0.5 < paper_share(cv2.resize(done.image, (488, 712)))


def test_a_flat_scan_is_left_as_it_is_without_asking_the_network() -> None:
    unwarper = Unwarper(_never, fake_files("UVDoc"))
    page = as_page(text_page())
    done = DocPreprocessor(None, unwarper)(page, options(unwarping=UNWARPING_GATE))
    assert done.image is page.image
    assert done.transform.grid is None
    assert done.unwarping == {
        "applied": False,
        "reason": "the paper reaches every edge, as in a flat scan",
        "bend": None,
        "straightening": None,
    }


def test_a_page_born_digital_is_left_as_it_is_without_asking_the_network() -> None:
    photo = as_page(_photographed(text_page()), origin="digital")
    done = DocPreprocessor(None, Unwarper(_never, fake_files("UVDoc")))(
        photo, options(unwarping=UNWARPING_GATE)
    )
    assert done.unwarping is not None
    assert (done.unwarping["reason"], done.unwarping["bend"]) == ("the page was born digital", None)


@pytest.mark.parametrize("origin", ["digital", "scan", "picture"])
def test_at_a_gate_of_0_every_page_is_unwarped(origin: str) -> None:
    unwarper = Unwarper(lambda: Recorder(_grid()), fake_files("UVDoc"))
    done = DocPreprocessor(None, unwarper)(as_page(text_page(), origin), options(unwarping=0.0))
    assert done.unwarping is not None
    assert done.unwarping["applied"]
    assert np.array_equal(done.image, sample(text_page(), _grid()))


def test_a_flat_page_on_a_table_is_left_as_it_is(loaded: Loaded) -> None:
    done = DocPreprocessor(None, _unwarper(loaded))(
        as_page(_photographed(text_page(), 0)), options(unwarping=UNWARPING_GATE)
    )
    assert done.unwarping is not None
    assert (done.unwarping["applied"], done.unwarping["reason"]) == (False, "the page is flat")


def test_where_there_is_no_sheet_of_paper_nothing_is_unwarped() -> None:
    scene = cv2.resize(
        np.random.default_rng(1).integers(0, 256, (6, 5, 3)).astype(np.uint8),
        (800, 1000),
        interpolation=cv2.INTER_NEAREST,
    )
    unwarper = Unwarper(lambda: Recorder(_grid(curl=0.1)), fake_files("UVDoc"))
    done = DocPreprocessor(None, unwarper)(as_page(scene), options(unwarping=1e-4))
    assert done.unwarping is not None
    assert (done.unwarping["applied"], done.unwarping["reason"]) == (False, "there is no sheet of paper")


def test_a_grid_that_bends_straight_lines_is_not_used() -> None:
    page = _photographed(text_page(), 0)
    unwarper = Unwarper(lambda: Recorder(_grid(curl=0.05)), fake_files("UVDoc"))
    done = DocPreprocessor(None, unwarper)(as_page(page), options(unwarping=UNWARPING_GATE))
    assert done.unwarping is not None
    assert done.unwarping["bend"] > UNWARPING_GATE
    assert (done.unwarping["applied"], done.unwarping["reason"]) == (False, "the page is flat")


def test_a_network_that_gives_a_picture_is_refused_with_the_reason() -> None:
    unwarper = Unwarper(lambda: Recorder(np.zeros((3, 712, 488))), fake_files("UVDoc"))
    with pytest.raises(WeightsError, match="hides the grid"):
        DocPreprocessor(None, unwarper)(as_page(text_page()), options(unwarping=0.0))


def test_the_network_sees_the_whole_page_red_first_from_0_to_1() -> None:
    recorder = Recorder(_grid())
    page = np.zeros((100, 300, 3), dtype=np.uint8)
    page[:, 150:] = (0, 0, 255)
    Unwarper(lambda: recorder, fake_files("UVDoc")).grid(cv2.resize(page, (488, 712)))
    (seen,) = recorder.batches
    assert seen.shape == (1, 3, 712, 488)
    assert seen[0, :, 300, [10, 480]].tolist() == [[0, 0, 0], [1, 0, 0]]


def test_perspective_is_no_bend() -> None:
    y, x = np.meshgrid(np.linspace(-1, 1, 45), np.linspace(-1, 1, 31), indexing="ij")
    depth = 1 + 0.2 * x - 0.1 * y
    seen_aslant = (np.stack([0.7 * x + 0.1 * y, 0.8 * y]) / depth).astype(np.float32)
    assert bend_of(seen_aslant, (1000, 1400)) < 1e-5
    assert np.allclose(as_seen_flat(seen_aslant, (1000, 1400)), seen_aslant, atol=1e-4)


def test_bend_is_a_share_of_the_diagonal_whatever_the_pages_size() -> None:
    grid = _grid(curl=0.1)
    assert bend_of(grid, (1000, 1400)) == pytest.approx(bend_of(grid, (500, 700)))
    assert bend_of(_grid(curl=0.05), (500, 700)) == pytest.approx(bend_of(grid, (500, 700)) / 2, rel=0.02)
    assert 0.01 < bend_of(grid, (500, 700)) < 0.03


def test_a_grid_without_extent_is_no_page() -> None:
    assert bend_of(np.full((2, 45, 31), 0.3, dtype=np.float32), (500, 700)) > 0.1


def test_lines_become_straighter_with_the_right_grid_and_not_with_the_wrong_one() -> None:
    page = cv2.resize(text_page(), (488, 712), interpolation=cv2.INTER_AREA)
    bent = sample(page, _grid(curl=-0.04))
    assert straightening(bent, _grid(curl=0.04), (488, 712)) > 1.5
    assert straightening(page, _grid(curl=0.04), (488, 712)) < 0.8
    assert straightening(np.full_like(page, 255), _grid(curl=0.04), (488, 712)) == 0


def test_a_dark_table_around_a_page_is_no_paper() -> None:
    framed = np.full((712, 488, 3), 30, dtype=np.uint8)
    framed[100:600, 80:400] = 250
    assert rim_share(framed) == 0
    assert rim_share(np.full((712, 488, 3), 250, dtype=np.uint8)) == 1


def test_the_shading_of_a_curl_is_paper() -> None:
    shade = np.linspace(250, 150, 488)[np.newaxis, :, np.newaxis]
    page = cv2.resize(text_page(), (488, 712)) * (shade / 255)
    assert paper_share(page.astype(np.uint8)) > 0.95


PHOTOS = {
    "mdp_fr_magazine_25_indoor_light_top_wrinkle_bend-in_hold.JPEG": 0,
    "mdp_zh_slide_45_indoor_light_right_bend-in.JPEG": 90,
    "mdp_zh_slide_45_outdoor_light_top.JPEG": 0,
}
FLAT = {"mdp_zh_slide_45_outdoor_light_top.JPEG"}  # or nearly so: it reads no better unwarped


def test_of_real_pages_only_photographed_ones_that_are_bent_are_unwarped(
    loaded: Loaded, dev_data: Path
) -> None:
    preprocessor = DocPreprocessor(None, _unwarper(loaded))
    unwarped = set()
    for path in sorted((dev_data / "images").iterdir()):
        page = next(iter(iter_inputs(path)))
        done = preprocessor(
            as_page(turn(page.image, PHOTOS.get(path.name, 0))), options(unwarping=UNWARPING_GATE)
        )
        assert done.unwarping is not None
        unwarped |= {path.name} if done.unwarping["applied"] else set()
    assert unwarped == set(PHOTOS) - FLAT

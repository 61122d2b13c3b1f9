from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.config.options import DetectionOptions
from pipelines.detection import Detections, DetectorSettings, TextDetector, network_size
from pipelines.pixels import Normalizer

OPTIONS = DetectionOptions(
    limit_side_len=960, limit_type="max", thresh=0.3, max_side_limit=4000, box_thresh=0.5, unclip_ratio=1.5
)
BOX = (slice(40, 56), slice(32, 160))  # 16 high, 128 wide, in the map's pixels


class MapSession:
    """A network that answers with a map of our own, whatever page it is shown."""

    streams = 1

    def __init__(self, *regions: tuple[tuple[slice, slice], float], paper: float = 0.0) -> None:
        self._regions = regions
        self._paper = paper
        self.seen: tuple[int, ...] = ()
        self.colour: list[float] = []

    def run(self, batch: np.ndarray) -> list[np.ndarray]:
        self.seen = batch.shape
        self.colour = batch[0, :, 0, 0].tolist()
        probabilities = np.full((1, 1, *batch.shape[2:]), self._paper, dtype=np.float32)
        for (rows, columns), value in self._regions:
            probabilities[0, 0, rows, columns] = value
        return [probabilities]


def _detect(
    session: MapSession,
    height: int = 128,
    width: int = 256,
    options: DetectionOptions = OPTIONS,
    **own: Any,
) -> Detections:
    detector = TextDetector(session, DetectorSettings(Normalizer.centred(), **own))
    return detector.detect(np.full((height, width, 3), 255, dtype=np.uint8), options)


def test_a_region_becomes_a_grown_quad_with_its_score() -> None:
    found = _detect(MapSession((BOX, 0.8)))
    assert found.scores == pytest.approx([0.8], abs=1e-4)
    (quad,) = found.quads.tolist()
    distance = 127 * 15 * 1.5 / (2 * (127 + 15))
    for corner, wanted in zip(quad, ((32, 40), (159, 40), (159, 55), (32, 55)), strict=True):
        assert np.abs(np.array(corner) - wanted) == pytest.approx([distance, distance], abs=1.5)
    assert found.quads.dtype == np.int16


def test_quads_are_in_the_pages_pixels_not_the_maps() -> None:
    small = _detect(MapSession((BOX, 0.8))).quads
    session = MapSession((BOX, 0.8))
    large = _detect(session, 512, 1024, replace(OPTIONS, limit_side_len=256)).quads
    assert session.seen == (1, 3, 128, 256)
    assert np.abs(large - small.astype(int) * 4).max() <= 2


def test_quads_end_at_the_pages_edge() -> None:
    found = _detect(MapSession(((slice(0, 20), slice(0, 256)), 0.9)))
    assert found.quads.min() == 0
    assert found.quads[..., 0].max() == 256


def test_what_is_less_probable_than_the_threshold_is_paper() -> None:
    assert len(_detect(MapSession((BOX, 0.3))).quads) == 0
    assert len(_detect(MapSession((BOX, 0.31)), options=replace(OPTIONS, box_thresh=0.0)).quads) == 1


def test_a_threshold_of_zero_is_zero() -> None:
    faint = MapSession((BOX, 0.01))
    assert len(_detect(faint).quads) == 0
    assert len(_detect(faint, options=replace(OPTIONS, thresh=0.0, box_thresh=0.0)).quads) == 1


def test_a_box_threshold_of_one_lets_nothing_but_certainty_pass() -> None:
    options = replace(OPTIONS, box_thresh=1.0)
    assert len(_detect(MapSession((BOX, 0.99)), options=options).quads) == 0
    assert len(_detect(MapSession((BOX, 1.0)), options=options).quads) == 1


def test_an_unclip_ratio_of_zero_keeps_the_region() -> None:
    (quad,) = _detect(MapSession((BOX, 0.8)), options=replace(OPTIONS, unclip_ratio=0.0)).quads.tolist()
    assert quad == [[32, 40], [159, 40], [159, 55], [32, 55]]


def test_specks_are_no_text() -> None:
    assert len(_detect(MapSession(((slice(40, 42), slice(40, 42)), 0.9))).quads) == 0


def test_more_regions_than_the_model_allows_are_cut_off() -> None:
    regions = [((slice(y, y + 12), slice(20, 120)), 0.9) for y in (10, 50, 90)]
    assert len(_detect(MapSession(*regions)).quads) == 3
    assert len(_detect(MapSession(*regions), max_candidates=2).quads) == 2


def test_lines_come_in_reading_order() -> None:
    right, left, top = ((slice(60, 72), slice(150, 220))), ((slice(62, 74), slice(10, 90))), BOX
    regions = ((right, 0.9), (left, 0.8), ((slice(10, 26), top[1]), 0.7))
    assert _detect(MapSession(*regions)).scores == pytest.approx([0.7, 0.8, 0.9], abs=1e-3)


def test_a_tiny_page_is_padded_and_its_quads_stay_on_it() -> None:
    session = MapSession(((slice(0, 32), slice(0, 32)), 0.9))
    found = _detect(session, 20, 30)
    assert session.seen == (1, 3, 32, 32)
    assert found.quads[..., 0].max() <= 30
    assert found.quads[..., 1].max() <= 20


@pytest.mark.parametrize(
    ("height", "width", "changes", "expected"),
    [
        (1684, 1191, {}, (960, 672)),
        (500, 400, {}, (512, 384)),
        (80, 5000, {}, (32, 960)),
        (300, 500, {"limit_type": "min", "limit_side_len": 736}, (736, 1216)),
        (1000, 2000, {"limit_type": "min", "limit_side_len": 736}, (992, 1984)),
        (6000, 9000, {"limit_type": "min", "limit_side_len": 64}, (2656, 4000)),
        (900, 800, {"max_side_limit": 320}, (320, 288)),
    ],
)
def test_pages_enter_the_network_at(
    height: int, width: int, changes: dict[str, Any], expected: tuple[int, int]
) -> None:
    assert network_size(height, width, replace(OPTIONS, **changes)) == expected


@settings(max_examples=200, deadline=None)
@given(
    height=st.integers(1, 30_000),
    width=st.integers(1, 30_000),
    limit=st.integers(1, 5000),
    kind=st.sampled_from(["max", "min"]),
)
def test_network_sizes_are_multiples_of_32_within_the_cap(
    height: int, width: int, limit: int, kind: str
) -> None:
    options = replace(OPTIONS, limit_side_len=limit, limit_type=kind)
    for side in network_size(height, width, options):
        assert side % 32 == 0
        assert 32 <= side <= 4000


@pytest.mark.parametrize(
    ("own", "size"),
    [
        ({}, (128, 256)),
        ({"fixed_size": (320, 640)}, (320, 640)),
        ({"fixed_size": (96, 640), "keep_ratio": True}, (96, 192)),
    ],
)
def test_a_model_may_want_pages_of_one_size(own: dict[str, Any], size: tuple[int, int]) -> None:
    session = MapSession((BOX, 0.8))
    _detect(session, **own)
    assert session.seen[2:] == size


def test_a_model_may_want_red_first() -> None:
    page = np.zeros((64, 64, 3), dtype=np.uint8)
    page[..., 0] = 255  # blue
    for rgb, seen in ((False, [1, -1, -1]), (True, [-1, -1, 1])):
        session = MapSession((BOX, 0.8))
        TextDetector(session, DetectorSettings(Normalizer.centred(), rgb=rgb)).detect(page, OPTIONS)
        assert session.colour == seen


def test_dilation_joins_what_a_pixel_parts() -> None:
    halves = [((slice(40, 56), slice(32, 96)), 0.8), ((slice(40, 56), slice(97, 160)), 0.8)]
    assert len(_detect(MapSession(*halves)).quads) == 2
    assert (
        len(_detect(MapSession(*halves), options=replace(OPTIONS, box_thresh=0.0), use_dilation=True).quads)
        == 1
    )


def test_the_slow_score_leaves_out_what_the_outline_leaves_out() -> None:
    corner = [((slice(40, 44), slice(32, 160)), 0.9), ((slice(40, 90), slice(32, 36)), 0.9)]
    loose = replace(OPTIONS, box_thresh=0.0)
    fast = _detect(MapSession(*corner), options=loose).scores[0]
    slow = _detect(MapSession(*corner), options=loose, inside_outline=True).scores[0]
    assert fast < 0.4
    assert slow == pytest.approx(0.9, abs=0.02)

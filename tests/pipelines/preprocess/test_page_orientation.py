from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from preprocess_pages import ORIENTATION_GATE, Recorder, as_page, options, text_page

from pipelines.engines.fake import fake_files
from pipelines.preprocess import Classifier, DocPreprocessor
from pipelines.preprocess.orientation import PageOrienter, around_ink
from pipelines.read import iter_inputs
from pipelines.transform import turn

UPRIGHT, QUARTER, HALF = [0.9, 0.04, 0.03, 0.03], [0.03, 0.9, 0.04, 0.03], [0.03, 0.04, 0.9, 0.03]
UNSURE = [0.3, 0.3, 0.2, 0.2]


def _orienter(*answers: list[float]) -> tuple[PageOrienter, Recorder]:
    recorder = Recorder(*answers)
    return PageOrienter(Classifier(recorder, fake_files("PP-LCNet_x1_0_doc_ori"))), recorder


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_a_turned_page_is_put_upright(page_classifier: Classifier, angle: int) -> None:
    page = text_page()
    done = DocPreprocessor(page_classifier, None)(
        as_page(turn(page, (360 - angle) % 360)), options(ORIENTATION_GATE)
    )
    assert done.angle == angle
    assert np.array_equal(done.image, page)
    assert done.orientation is not None
    assert (done.orientation["angle"], done.orientation["applied"]) == (angle, True)
    assert done.transform.turned_size == (page.shape[1], page.shape[0])


def test_a_page_whose_middle_is_blank_is_judged_by_its_text(page_classifier: Classifier) -> None:
    page = np.full((1400, 1000, 3), 255, dtype=np.uint8)
    page[40:190, 50:950] = text_page(900, 420, 6)[60:210]
    done = DocPreprocessor(page_classifier, None)(as_page(page[::-1, ::-1]), options(ORIENTATION_GATE))
    assert done.angle == 180


def test_switched_off_nothing_is_asked() -> None:
    recorder = Recorder(UPRIGHT)
    classifier = Classifier(recorder, fake_files("PP-LCNet_x1_0_doc_ori"))
    page = as_page(text_page())
    done = DocPreprocessor(classifier, None)(page, options())
    assert (done.angle, done.orientation, done.unwarping) == (-1, None, None)
    assert done.image is page.image
    assert not recorder.batches


def test_a_turn_that_the_turned_page_contradicts_is_not_made() -> None:
    orienter, recorder = _orienter(HALF, HALF)
    found = orienter(text_page(900, 900), ORIENTATION_GATE)
    assert (found.angle, found.confirmed, found.applied) == (180, False, False)
    assert found.score == pytest.approx(0.9)
    assert np.allclose(recorder.batches[1], recorder.batches[0][:, :, ::-1, ::-1], atol=0.02)


def test_a_turn_that_the_turned_page_confirms_is_made() -> None:
    orienter, _ = _orienter(QUARTER, UPRIGHT)
    found = orienter(text_page(), ORIENTATION_GATE)
    assert (found.angle, found.confirmed, found.applied) == (90, True, True)


def test_an_upright_page_is_looked_at_once() -> None:
    orienter, recorder = _orienter(UPRIGHT)
    assert orienter(text_page(), ORIENTATION_GATE).applied
    assert len(recorder.batches) == 1


def test_below_the_gate_nothing_is_turned() -> None:
    orienter, _ = _orienter(HALF)
    assert not orienter(text_page(), 0.95).applied


def test_at_a_gate_of_0_the_first_verdict_is_acted_on() -> None:
    orienter, recorder = _orienter([0.2, 0.2, 0.31, 0.29])
    found = orienter(text_page(), 0)
    assert (found.angle, found.confirmed, found.applied) == (180, None, True)
    assert len(recorder.batches) == 1


def test_where_no_class_has_the_majority_the_text_is_looked_at() -> None:
    orienter, recorder = _orienter(UNSURE, HALF, UPRIGHT)
    page = np.full((1200, 900, 3), 255, dtype=np.uint8)
    page[20:80, 100:800] = 0
    assert orienter(page, ORIENTATION_GATE).angle == 180
    assert np.ptp(recorder.batches[0]) < 1  # the blank middle
    assert np.ptp(recorder.batches[1]) > 3


def test_the_square_around_ink_holds_all_of_it() -> None:
    page = np.full((1200, 900, 3), 240, dtype=np.uint8)
    page[20:80, 100:800] = 0
    view = around_ink(page)
    assert view.shape[0] == view.shape[1] == pytest.approx(700 * 1.14, abs=2)
    assert (view < 100).sum() == (page < 100).sum()
    assert view[0].min() == view[-1].min() == 240


def test_a_blank_page_has_no_ink_to_look_at() -> None:
    blank = np.full((60, 40, 3), 250, dtype=np.uint8)
    assert around_ink(blank) is blank


TURNED = {
    "tess_phototest-rotated-180.png": 180,
    "tess_phototest-rotated-L.png": 270,
    "tess_phototest-rotated-R.png": 90,
    "mdp_zh_slide_45_indoor_light_right_bend-in.JPEG": 90,
}


def test_real_pages_stand_as_they_should(page_classifier: Classifier, dev_data: Path) -> None:
    preprocessor = DocPreprocessor(page_classifier, None)
    found = {}
    for path in sorted((dev_data / "images").iterdir()):
        page = next(iter(iter_inputs(path)))
        found[path.name] = preprocessor(page, options(ORIENTATION_GATE)).angle
    assert {name: angle for name, angle in found.items() if angle} == TURNED


@pytest.mark.parametrize(
    ("name", "angles"),
    [
        ("docling__right_to_left_01.pdf", [0]),  # Arabic: the classifier is sure that it is upside down
        ("docling__nemotron_multipage.pdf", [0, 180, 90, 270]),  # three lines at the top of the page
        ("pdfjs__vertical.pdf", [0, 0, 0]),
        ("olmocr__edgar-rotated90.pdf", [90]),
    ],
)
def test_real_pages_that_are_hard_to_tell(
    page_classifier: Classifier, dev_data: Path, name: str, angles: list[int]
) -> None:
    preprocessor = DocPreprocessor(page_classifier, None)
    pages = iter_inputs(dev_data / "pdfs" / name)
    assert [preprocessor(page, options(ORIENTATION_GATE)).angle for page in pages] == angles

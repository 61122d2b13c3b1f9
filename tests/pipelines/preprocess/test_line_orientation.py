from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from preprocess_pages import SENTENCES, Loaded, Recorder

from pipelines.decoding import ReadLine
from pipelines.engines.fake import fake_files
from pipelines.preprocess import Classifier, LineAngle, LineOrienter, read_upright

MODELS = ("PP-LCNet_x1_0_textline_ori", "ch_ppocr_mobile_v2.0_cls")


def _line(text: str, scale: float = 1.0) -> np.ndarray:
    (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 2)
    line = np.full((height + below + 12, width + 16, 3), 245, dtype=np.uint8)
    cv2.putText(line, text, (8, height + 6), cv2.FONT_HERSHEY_SIMPLEX, scale, (30, 30, 30), 2, cv2.LINE_AA)
    return line


LINES = [_line(text, scale) for text in (*SENTENCES, "Total 12.50") for scale in (0.6, 1.0)]


def _down(line: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(line[::-1, ::-1])


@pytest.mark.parametrize("model", MODELS)
def test_a_lines_verdict_does_not_depend_on_its_batch(loaded: Loaded, model: str) -> None:
    classifier = Classifier(*loaded(model))
    mixed = [line if number % 3 else _down(line) for number, line in enumerate(LINES)]
    alone = LineOrienter(classifier, 1)(mixed, 0.9)
    together = LineOrienter(classifier, 7)(mixed, 0.9)
    assert [angle.index for angle in together] == [angle.index for angle in alone]
    assert [angle.score for angle in together] == pytest.approx([angle.score for angle in alone], abs=1e-5)


@pytest.mark.parametrize(
    ("scores", "thresh", "expected"),
    [
        ([0.95, 0.05], 0.9, (False, 0, False)),  # surely upright
        ([0.85, 0.15], 0.9, (False, 0, True)),
        ([0.05, 0.95], 0.9, (True, 1, True)),  # what would be turned is always read both ways
        ([0.15, 0.85], 0.9, (False, 1, True)),
        ([0.49, 0.51], 0.0, (True, 1, False)),
        ([0.51, 0.49], 0.0, (False, 0, False)),
    ],
)
def test_what_a_gate_does(scores: list[float], thresh: float, expected: tuple[bool, int, bool]) -> None:
    classifier = Classifier(Recorder(scores), fake_files("PP-LCNet_x0_25_textline_ori"))
    (angle,) = LineOrienter(classifier, 8)([LINES[0]], thresh)
    assert (angle.turned, angle.index, angle.doubtful) == expected
    assert angle.score == pytest.approx(max(scores))


class Reader:
    """Reads a line by its first pixel: the text is its value, the score what was told for it."""

    def __init__(self, scores: dict[int, float], texts: dict[int, str] | None = None) -> None:
        self._scores = scores
        self._texts = texts or {}
        self.asked: list[list[int]] = []

    def __call__(self, crops: Sequence[np.ndarray]) -> list[ReadLine]:
        values = [int(crop[0, 0, 0]) for crop in crops]
        self.asked.append(values)
        return [
            ReadLine(self._texts.get(v, str(v)), self._scores[v], (), (), 1.0, (), "reader") for v in values
        ]


def _crop(first: int, last: int) -> np.ndarray:
    crop = np.zeros((10, 30, 3), dtype=np.uint8)
    crop[0, 0], crop[-1, -1] = first, last
    return crop


def test_doubtful_lines_are_read_both_ways_and_the_better_reading_stays() -> None:
    crops = [_crop(1, 2), _crop(3, 4), _crop(5, 6), _crop(7, 8), _crop(9, 10)]
    angles = [
        LineAngle(turned=False, index=0, score=0.99, doubtful=False),
        LineAngle(turned=False, index=0, score=0.6, doubtful=True),
        LineAngle(turned=True, index=1, score=0.95, doubtful=True),
        LineAngle(turned=True, index=1, score=0.95, doubtful=True),
        LineAngle(turned=True, index=1, score=0.99, doubtful=False),
    ]
    reader = Reader({1: 0.1, 3: 0.5, 4: 0.8, 6: 0.9, 5: 0.2, 8: 0.905, 7: 0.9, 10: 0.1})
    settled, lines = read_upright(crops, angles, reader)
    assert reader.asked == [[1, 3, 6, 8, 10], [4, 5, 7]]
    assert [line.text for line in lines] == ["1", "4", "6", "7", "10"]
    assert [angle.turned for angle in settled] == [False, True, True, False, True]
    assert [angle.index for angle in settled] == [0, 0, 1, 1, 1]


def test_a_row_of_signs_is_not_turned() -> None:
    doubtful = [LineAngle(turned=True, index=1, score=0.95, doubtful=True)]
    (angle,), (line,) = read_upright([_crop(1, 2)], doubtful, Reader({1: 0.0, 2: 0.9}, {1: "", 2: "*****"}))
    assert not angle.turned
    assert line.text == ""


def test_lines_without_doubt_are_read_once() -> None:
    reader = Reader({1: 0.5})
    angles = [LineAngle(turned=False, index=0, score=0.99, doubtful=False)]
    assert read_upright([_crop(1, 2)], angles, reader)[0] == angles
    assert len(reader.asked) == 1


def test_a_page_without_lines_reads_as_none() -> None:
    assert read_upright([], [], Reader({})) == ([], [])


def test_a_line_that_reads_badly_either_way_stays_as_it_is() -> None:
    doubtful = [LineAngle(turned=False, index=0, score=0.5, doubtful=True)]
    for upside_down, turned in ((0.79, False), (0.8, True)):
        angles, _ = read_upright([_crop(1, 2)], doubtful, Reader({1: 0.7, 2: upside_down}))
        assert angles[0].turned is turned


def test_a_short_line_must_read_much_better_to_be_turned() -> None:
    doubtful = [LineAngle(turned=False, index=0, score=0.5, doubtful=True)]
    for text, turned in (("%9 = 5", False), ("%9 = 5678", True)):
        reader = Reader({1: 0.85, 2: 0.9}, {1: "S = 6%", 2: text})
        angles, _ = read_upright([_crop(1, 2)], doubtful, reader)
        assert angles[0].turned is turned

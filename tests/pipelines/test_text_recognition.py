from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.decoding import CtcDecoder
from pipelines.engines.base import best_classes
from pipelines.recognition import LineShape, TextRecognizer
from pipelines.widths import BUCKETS, WidthMode

GREYS = "0123456789"


class GreySession:
    """A network that answers with the grey of each step: a tenth of the way to white is a 1, and so on.

    Every second step is a blank. Padding reads as a 4 or 5, the middle of the range, so that a text tells
    whether the canvas behind it was read too.
    """

    streams = 1

    def __init__(self) -> None:
        self.batches: list[np.ndarray] = []

    def run(self, batch: np.ndarray) -> list[np.ndarray]:
        self.batches.append(batch.copy())
        means = batch.mean(axis=(1, 2))[:, : batch.shape[3] // 8 * 8]
        steps = means.reshape(len(batch), -1, 8).mean(axis=2)
        classes = np.clip((steps + 1) * 5, 0, 9).astype(np.int32) + 1
        classes[:, ::2] = 0
        classes[steps == 0] = 0
        return [classes, np.full(classes.shape, 0.75, dtype=np.float32)]


def _recognizer(
    mode: WidthMode = "bucket", batch_size: int = 8, height: int = 48
) -> tuple[TextRecognizer, GreySession]:
    session = GreySession()
    shape = LineShape(height, 320, mode)
    return TextRecognizer(session, CtcDecoder(list(GREYS)), shape, batch_size), session


def _crop(grey: int, width: int = 200, height: int = 48) -> np.ndarray:
    return np.full((height, width, 3), grey, dtype=np.uint8)


def test_each_crop_gets_the_text_that_is_its_own_in_the_order_they_came() -> None:
    recognizer, _ = _recognizer()
    crops = [_crop(250), _crop(5, 900), _crop(100), _crop(200, 2500), _crop(250)]
    lines = recognizer.read(crops)
    assert [line.text[0] for line in lines] == ["9", "0", "3", "7", "9"]
    assert all(set(line.text) == {line.text[0]} for line in lines)
    assert [line.score for line in lines] == pytest.approx([0.75] * 5)


def test_lines_of_one_width_share_batches_of_a_closed_set_of_sizes() -> None:
    recognizer, session = _recognizer()
    recognizer.read([_crop(200, 300)] * 7)
    assert [batch.shape for batch in session.batches] == [
        (4, 3, 48, 320),
        (2, 3, 48, 320),
        (1, 3, 48, 320),
    ]


def test_a_smaller_batch_may_be_asked_for() -> None:
    recognizer, session = _recognizer(batch_size=3)
    recognizer.read([_crop(200)] * 5)
    assert [len(batch) for batch in session.batches] == [2, 2, 1]


def test_exact_widths_go_alone() -> None:
    recognizer, session = _recognizer("exact")
    recognizer.read([_crop(200, 517), _crop(200, 517), _crop(200, 100)])
    assert sorted(batch.shape for batch in session.batches) == [
        (1, 3, 48, 320),
        (1, 3, 48, 517),
        (1, 3, 48, 517),
    ]


def test_behind_a_short_line_are_zeros_and_a_longer_one_fills_its_canvas() -> None:
    recognizer, session = _recognizer()
    recognizer.read([_crop(255, 100), _crop(255, 500)])
    long, short = session.batches
    assert short.shape[3] == 192
    assert (short[..., :100] == 1).all()
    assert not short[..., 100:].any()
    assert long.shape[3] == 512
    assert (long == 1).all()


def test_crops_are_scaled_to_the_models_height() -> None:
    recognizer, session = _recognizer(height=32)
    recognizer.read([_crop(255, 300, 60)])
    assert session.batches[0].shape == (1, 3, 32, 224)
    assert (session.batches[0][..., :160] == 1).all()
    assert not session.batches[0][..., 160:].any()


def test_steps_are_counted_on_the_line_not_on_its_padding() -> None:
    recognizer, _ = _recognizer()
    (line,) = recognizer.read([_crop(255, 160)])
    assert line.steps == pytest.approx(20)
    assert max(line.columns) < 20


def test_no_crops_need_no_network() -> None:
    recognizer, session = _recognizer()
    assert recognizer.read([]) == []
    assert session.batches == []


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 255), st.integers(1, 4000), st.integers(4, 80)), min_size=1, max_size=12
    )
)
def test_a_line_reads_the_same_alone_and_in_company(crops: list[tuple[int, int, int]]) -> None:
    pictures = [_crop(grey, width, height) for grey, width, height in crops]
    recognizer, session = _recognizer()
    together = recognizer.read(pictures)
    assert all(batch.shape[3] in BUCKETS for batch in session.batches)
    for picture, line in zip(pictures, together, strict=True):
        assert recognizer.read([picture]) == [line]


def test_the_best_class_of_each_step_is_found_with_its_probability() -> None:
    probabilities = np.array([[[0.1, 0.7, 0.2], [0.5, 0.1, 0.4]]], dtype=np.float64)
    classes, best = best_classes(probabilities)
    assert classes.tolist() == [[1, 0]]
    assert best.dtype == np.float32
    assert best[0] == pytest.approx([0.7, 0.5])


def test_a_model_may_want_red_first() -> None:
    blue = np.zeros((48, 320, 3), dtype=np.uint8)
    blue[..., 0] = 255
    for rgb, seen in ((False, [1, -1, -1]), (True, [-1, -1, 1])):
        session = GreySession()
        TextRecognizer(session, CtcDecoder("abcdefghij"), LineShape(rgb=rgb), 1).read([blue])
        assert session.batches[0][0, :, 0, 0].tolist() == seen

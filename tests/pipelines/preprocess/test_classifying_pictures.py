from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipelines.engines.fake import fake_files
from pipelines.errors import WeightsError
from pipelines.models import InferenceConfig, ModelFiles
from pipelines.preprocess import Classifier

PAGES, LINES, OLDER = "PP-LCNet_x1_0_doc_ori", "PP-LCNet_x1_0_textline_ori", "ch_ppocr_mobile_v2.0_cls"


class Recorder:
    """A session that keeps its batch and is equally sure of every class but the last, which it prefers."""

    streams = 1

    def __init__(self, classes: int) -> None:
        self._scores = np.linspace(0.1, 0.4, classes, dtype=np.float32)
        self.batch = np.zeros(0, dtype=np.float32)

    def run(self, batch: np.ndarray) -> list[np.ndarray]:
        self.batch = batch
        return [np.repeat(self._scores[np.newaxis], len(batch), axis=0)]


def _with(name: str, **said: Any) -> ModelFiles:
    return replace(fake_files(name), inference=InferenceConfig(model_name=name, **said))


def _seen(files: ModelFiles, image: np.ndarray, classes: int = 2) -> np.ndarray:
    recorder = Recorder(classes)
    Classifier(recorder, files).classify([image])
    return recorder.batch[0]


def _columns(height: int, width: int) -> np.ndarray:
    """An image whose blue channel rises from left to right, 0 to 255; green is 100, red 200."""
    image = np.zeros((height, width, 3), dtype=np.uint8)
    image[:, :, 0] = np.linspace(0, 255, width)
    image[:, :, 1:] = 100, 200
    return image


def test_a_page_is_seen_in_its_middle_red_first() -> None:
    seen = _seen(fake_files(PAGES), _columns(512, 1024), classes=4)
    assert seen.shape == (3, 224, 224)
    red, green, blue = (seen[c] * std + mean for c, (mean, std) in enumerate(_IMAGENET))
    assert red == pytest.approx(200 / 255, abs=1e-3)
    assert green == pytest.approx(100 / 255, abs=1e-3)
    # At 256 x 512 the middle 224 columns are 144 to 368.
    assert blue[112, [0, -1]] == pytest.approx([144 / 512, 368 / 512], abs=0.01)


_IMAGENET = ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))


def test_a_line_is_stretched_to_the_whole_input() -> None:
    seen = _seen(fake_files(LINES), _columns(30, 90))
    assert seen.shape == (3, 80, 160)
    blue = seen[2] * 0.225 + 0.406
    assert blue[40, [0, -1]] == pytest.approx([0, 1], abs=0.01)


def test_the_older_classifier_keeps_proportions_and_sees_blue_first() -> None:
    seen = _seen(fake_files(OLDER), _columns(24, 60))
    assert seen.shape == (3, 48, 192)
    assert np.abs(seen[:, :, 120:]).max() == 0
    assert seen[0, 20, [0, 119]] == pytest.approx([-1, 1], abs=0.02)
    assert seen[2, 20, 60] == pytest.approx(200 / 127.5 - 1, abs=0.01)


def test_a_long_line_is_squashed_into_the_older_classifier() -> None:
    seen = _seen(fake_files(OLDER), _columns(24, 600))
    assert seen[0, 20, [0, 191]] == pytest.approx([-1, 1], abs=0.02)


def test_what_a_users_configuration_says_is_done() -> None:
    files = _with(LINES, resize=(96, 32), mean=(0.0,) * 3, std=(1.0,) * 3, img_mode="BGR")
    seen = _seen(files, _columns(32, 96))
    assert seen.shape == (3, 32, 96)
    assert seen[0, 0] == pytest.approx(_columns(32, 96)[0, :, 0] / 255, abs=1e-3)
    assert seen[2, 0, 0] == pytest.approx(200 / 255, abs=1e-3)


def test_labels_decide_what_a_class_means() -> None:
    files = _with(LINES, labels=("180_degree", "0_degree"))
    (verdict,) = Classifier(Recorder(2), files).classify([_columns(30, 90)])
    assert (verdict.label, verdict.index, verdict.degrees) == ("0_degree", 1, 0)
    assert verdict.score == pytest.approx(0.4)


def test_labels_that_name_no_quarter_turn_are_refused() -> None:
    with pytest.raises(WeightsError, match="'upside down'"):
        Classifier(Recorder(2), _with(LINES, labels=("0", "upside down")))
    with pytest.raises(WeightsError, match="'45'"):
        Classifier(Recorder(2), _with(PAGES, labels=("0", "45")))


def test_a_network_with_other_classes_than_its_labels_is_refused() -> None:
    with pytest.raises(WeightsError, match=r"tells 3 classes apart, its inference\.yml names 2"):
        Classifier(Recorder(3), fake_files(LINES)).classify([_columns(30, 90)])


def test_a_strip_is_not_blown_up() -> None:
    strip = np.zeros((2, 30_000, 3), dtype=np.uint8)
    strip[:, 14_980:15_020] = 255
    seen = _seen(fake_files(PAGES), strip, classes=4)
    assert seen.shape == (3, 224, 224)
    assert seen.min() > 1.5  # its middle is white


def test_no_picture_asks_nothing() -> None:
    assert Classifier(Recorder(2), fake_files(LINES)).classify([]) == []

from __future__ import annotations

import numpy as np
import pytest

from pipelines.decoding import CtcDecoder, ReadLine
from pipelines.errors import WeightsError

ABC = CtcDecoder(["a", "b", "c"])  # 0 is the blank, 4 the space


def _decode(classes: list[int], probabilities: list[float] | None = None) -> ReadLine:
    chances = np.array(probabilities or [0.5] * len(classes), dtype=np.float32)
    return ABC.decode(np.array(classes), chances, steps=len(classes))


def test_repeats_are_merged_and_blanks_dropped() -> None:
    assert _decode([0, 1, 1, 0, 0, 2, 3, 3]).text == "abc"


def test_a_blank_between_keeps_a_doubled_letter() -> None:
    assert _decode([1, 0, 1, 1]).text == "aa"


def test_the_class_after_the_dictionary_is_the_space() -> None:
    assert _decode([1, 4, 2]).text == "a b"


def test_the_score_is_the_mean_of_the_characters_kept() -> None:
    line = _decode([0, 1, 1, 0, 2], [0.9, 0.8, 0.1, 0.9, 0.6])
    assert line.score == pytest.approx(0.7)
    assert line.columns == (1, 4)


def test_nothing_read_scores_nothing() -> None:
    assert _decode([0, 0, 0]) == ReadLine("", 0.0, (), (), 3)


def test_a_character_of_several_code_points_is_one_entry() -> None:
    line = CtcDecoder(["ffi", "é"]).decode(np.array([1, 2]), np.ones(2, dtype=np.float32), steps=2)
    assert line.text == "ffié"


def test_right_to_left_text_is_put_in_reading_order() -> None:
    letters = ["\u0627", "\u0644", "\u0645"]
    decoder = CtcDecoder(letters, right_to_left=True)
    line = decoder.decode(np.array([3, 0, 2, 1]), np.ones(4, dtype=np.float32), steps=4)
    assert line.text == "\u0627\u0644\u0645"
    assert "".join(line.characters) == "\u0645\u0644\u0627"


def test_a_dictionary_shorter_than_the_models_classes_is_an_error_with_both_numbers() -> None:
    with pytest.raises(WeightsError, match=r"class 9.*ends at 4"):
        _decode([9])

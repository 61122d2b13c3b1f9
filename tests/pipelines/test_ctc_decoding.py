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
    assert _decode([0, 0, 0]) == ReadLine("", 0.0, (), (), 3, (), "")


def test_a_character_of_several_code_points_is_one_entry() -> None:
    line = CtcDecoder(["ffi", "é"]).decode(np.array([1, 2]), np.ones(2, dtype=np.float32), steps=2)
    assert line.text == "ffié"


def test_each_character_keeps_its_own_probability() -> None:
    line = _decode([1, 1, 0, 2, 3], [0.9, 0.2, 0.8, 0.5, 0.7])
    assert line.scores == pytest.approx((0.9, 0.5, 0.7))


def test_a_line_names_the_model_that_read_it() -> None:
    decoder = CtcDecoder(["a"], model="en_PP-OCRv5_mobile_rec")
    assert decoder.decode(np.array([1]), np.ones(1, dtype=np.float32), 1).model == "en_PP-OCRv5_mobile_rec"


def test_right_to_left_text_is_put_in_reading_order_with_its_places_and_scores() -> None:
    letters = ["\u0627", "\u0644", "\u0645"]
    decoder = CtcDecoder(letters, right_to_left=True)
    line = decoder.decode(np.array([3, 0, 2, 1]), np.array([0.9, 0.5, 0.8, 0.7], dtype=np.float32), steps=4)
    assert line.text == "".join(line.characters) == "\u0627\u0644\u0645"
    assert line.columns == (3, 2, 0)
    assert line.scores == pytest.approx((0.7, 0.8, 0.9))


def test_a_dictionary_shorter_than_the_models_classes_is_an_error_with_both_numbers() -> None:
    with pytest.raises(WeightsError, match=r"class 9.*ends at 4"):
        _decode([9])


def test_a_model_without_the_space_has_one_class_less() -> None:
    decoder = CtcDecoder("ab", space=False)
    with pytest.raises(WeightsError, match="class 3"):
        decoder.decode(np.array([3]), np.array([0.9], dtype=np.float32), 1)

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from real_lines import drawn_line, real_recognizer

from pipelines.decoding import CtcDecoder, ReadLine
from pipelines.multilingual import MultilingualRecognizer, evidence, is_doubtful
from pipelines.recognition import TextRecognizer

MAIN, JAPANESE, SLAVIC, ENGLISH = (
    "PP-OCRv4_mobile_rec",
    "japan_PP-OCRv3_mobile_rec",
    "eslav_PP-OCRv5_mobile_rec",
    "en_PP-OCRv5_mobile_rec",
)
LATIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
ALPHABETS = {
    MAIN: LATIN + "進化我便利",
    JAPANESE: LATIN + "進化我便利してきたはの々に",
    SLAVIC: LATIN + "".join(map(chr, range(0x410, 0x450))),
    ENGLISH: LATIN,
}
STEPS = 40


class Known(TextRecognizer):
    """Answers with what it was told to read; crops are numbers of lines. Notes which it was asked for."""

    streams = 1

    def __init__(self, model: str, lines: Sequence[ReadLine]) -> None:
        self.decoder = CtcDecoder(ALPHABETS[model], model=model)
        self.lines = lines
        self.asked: list[int] = []

    def read(self, crops: Sequence[np.ndarray]) -> list[ReadLine]:
        numbers = [int(crop.flat[0]) for crop in crops]
        self.asked += numbers
        return [self.lines[number] for number in numbers]


def _line(model: str, text: str, score: float, *, every: int = 0) -> ReadLine:
    """A reading spread evenly over the line, or with a character at `every` so many steps."""
    every = every or STEPS // max(1, len(text))
    columns = tuple(1 + every * at for at in range(len(text)))
    return ReadLine(text, score, columns, tuple(text), STEPS, (score,) * len(text), model)


def _read(*readings: tuple[str, Sequence[ReadLine]]) -> tuple[list[ReadLine], list[list[int]]]:
    main, *others = (Known(model, lines) for model, lines in readings)
    crops = [np.full((1, 1, 3), number, dtype=np.uint8) for number in range(len(readings[0][1]))]
    return MultilingualRecognizer(main, others).read(crops), [other.asked for other in others]


def test_a_sure_line_is_nobody_elses_business() -> None:
    sure = _line(MAIN, "abcdefghij", 0.99)
    (line,), (asked,) = _read((MAIN, [sure]), (JAPANESE, [_line(JAPANESE, "進化してきた", 0.99)]))
    assert line is sure
    assert asked == []


def test_a_line_with_characters_left_out_goes_to_the_recogniser_that_reads_them() -> None:
    gappy = _line(MAIN, "進化我便利", 0.99, every=2)  # sure of the ideographs, silent about the kana
    whole = _line(JAPANESE, "進化してきた我々に", 0.95)
    assert is_doubtful(gappy)
    (line,), _ = _read((MAIN, [gappy]), (JAPANESE, [whole]))
    assert line is whole
    assert line.model == JAPANESE


def test_an_unsure_line_stays_where_nobody_is_surer() -> None:
    unsure = _line(MAIN, "便利便利便利便利", 0.8)
    (line,), (asked,) = _read((MAIN, [unsure]), (JAPANESE, [_line(JAPANESE, "便利便利便利便利", 0.85)]))
    assert line is unsure
    assert asked == [0]


def test_a_recogniser_takes_over_only_what_is_in_its_own_script() -> None:
    unsure = _line(MAIN, "pnce 12 abcd", 0.75)
    (line,), _ = _read((MAIN, [unsure]), (JAPANESE, [_line(JAPANESE, "price 12 abcd", 0.99)]))
    assert line is unsure
    (line,), _ = _read((MAIN, [unsure]), (ENGLISH, [_line(ENGLISH, "price 12 abcd", 0.99)]))
    assert line.text == "price 12 abcd"


def test_digits_alone_stay_with_the_main_recogniser() -> None:
    unsure = _line(MAIN, "12 30", 0.6)
    (line,), _ = _read((MAIN, [unsure]), (ENGLISH, [_line(ENGLISH, "12 80", 0.99)]))
    assert line is unsure


def test_letters_that_look_alike_are_checked_though_the_line_is_sure() -> None:
    alike = _line(MAIN, "COBETbl", 0.96)
    latin = _line(MAIN, "COMPANY", 0.99)
    slavic = [_line(SLAVIC, "СОВЕТЫ", 0.99), _line(SLAVIC, "COMPANY", 0.99)]
    lines, (asked,) = _read((MAIN, [alike, latin]), (SLAVIC, slavic))
    assert asked == [0, 1]
    assert [line.text for line in lines] == ["СОВЕТЫ", "COMPANY"]
    assert lines[1] is latin


def test_the_surest_of_several_has_the_line() -> None:
    unsure = _line(MAIN, "ab", 0.3)
    readings = [_line(JAPANESE, "進化した", 0.92), _line(SLAVIC, "Слово", 0.99)]
    (line,), _ = _read((MAIN, [unsure]), (JAPANESE, readings[:1]), (SLAVIC, readings[1:]))
    assert line is max(readings, key=evidence)


def test_nothing_read_is_doubted_and_no_evidence() -> None:
    nothing = _line(MAIN, "", 0.0)
    assert is_doubtful(nothing)
    assert evidence(nothing) == 0
    (line,), _ = _read((MAIN, [nothing]), (JAPANESE, [_line(JAPANESE, "して", 0.95)]))
    assert line.text == "して"


def test_no_lines_need_no_recogniser() -> None:
    assert _read((MAIN, []), (JAPANESE, [])) == ([], [[]])


def test_a_page_of_several_languages_is_read_by_the_two_that_know_them() -> None:
    texts = {
        "人工智能技术的发展与应用": MAIN,
        "Invoice number 20451 of May": MAIN,
        "キャンセルの場合は手数料がかかります": "PP-OCRv6_small_rec",
        "這個問題還沒有解決請稍後再試": "PP-OCRv6_small_rec",
        "Größe und Übermut im Straßenbau": "PP-OCRv6_small_rec",
    }
    crops = [drawn_line(text)[0] for text in texts]
    chinese, all_round = real_recognizer(MAIN), real_recognizer("PP-OCRv6_small_rec")
    lines = MultilingualRecognizer(chinese, [all_round]).read(crops)
    assert [line.text for line in lines] == list(texts)
    assert [line.model for line in lines] == list(texts.values())
    alone = chinese.read(crops)
    assert sum(line.text == text for line, text in zip(alone, texts, strict=True)) == 2
    assert [MultilingualRecognizer(chinese, [all_round]).read([crop])[0].text for crop in crops] == list(
        texts
    )

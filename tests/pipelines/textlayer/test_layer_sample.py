"""Which lines are read to verify a layer, and what follows from them."""

from __future__ import annotations

import string
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.decoding import ReadLine
from pipelines.textlayer.lines import LayerLine
from pipelines.textlayer.sample import AGREEMENT, chosen, judged
from pipelines.textlayer.similarity import distance, folded

WORDS = st.text("abcd", max_size=80)


def _line(text: str, fonts: dict[int, int] | None = None) -> LayerLine:
    letters = Counter(fonts or {0: sum(map(str.isalnum, text))})
    count = len(text)
    return LayerLine(
        ReadLine(text, 1.0, tuple(range(count)), tuple(text), count, (1.0,) * count, "", ((0, 1),) * count),
        turned=False,
        letters=letters,
    )


def _by_rows(a: str, b: str) -> int:
    """The distance by its definition, row by row."""
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, right in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (left != right))
    return row[-1]


@given(WORDS, WORDS)
def test_the_distance_is_levenshteins(a: str, b: str) -> None:
    assert distance(a, b) == distance(b, a) == _by_rows(a, b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("well\u2013known", "well-known"),
        ("\u201cyes\u201d", '"yes"'),
        ("Contents . . . . . 5", "Contents.....5"),
        ("\uff21\uff22 \uff13", "AB3"),
        ("it\u2019s", "it's"),
    ],
)
def test_right_readings_differ_in_nothing_that_counts(a: str, b: str) -> None:
    assert folded(a) == folded(b)


def test_case_and_letters_count() -> None:
    assert folded("Ab") != folded("ab")
    assert folded("rn") != folded("m")


def test_the_sample_is_spread_over_the_page_and_always_the_same() -> None:
    lines = {number: _line(f"line number {number} with some words") for number in range(80)}
    sample = chosen(lines)
    assert sample == chosen(dict(reversed(lines.items())))
    assert [number // 10 for number in sample] == list(range(8))
    other = chosen({number: _line(f"another line {number} of text") for number in range(80)})
    assert other != sample


def test_long_lines_are_preferred() -> None:
    lines = {number: _line("x" * (60 if number % 10 == 3 else 2)) for number in range(80)}
    assert chosen(lines) == list(range(3, 80, 10))


def test_few_lines_are_all_read() -> None:
    assert chosen({2: _line("a"), 5: _line("b")}) == [2, 5]
    assert chosen({}) == []


def test_every_font_of_weight_is_in_the_sample() -> None:
    lines = {number: _line("x" * 50) for number in range(80)}
    lines[33] = _line("heading of ten", {7: 12})
    lines[34] = _line("ab", {8: 2})
    sample = chosen(lines)
    assert 33 in sample
    assert 34 not in sample


def test_agreement_is_the_share_of_characters_read_alike() -> None:
    text = string.ascii_lowercase[:20]
    assert judged([(_line(text), text)]).agreement == 1
    assert judged([(_line(text), text[:-1] + "X")]).agreement == pytest.approx(0.95)
    assert judged([(_line(text), "")]).agreement == 0
    assert judged([]).agreement == 0
    assert not judged([]).agrees
    assert judged([(_line(text), text)]).agrees
    assert not judged([(_line(text), text[::-1])]).agrees


def test_a_font_that_reads_otherwise_is_not_believed_elsewhere() -> None:
    text = string.ascii_lowercase
    verdict = judged([*[(_line(text, {1: 26}), text)] * 9, (_line(text, {2: 26}), text[::-1])])
    assert verdict.fonts == {1}
    assert verdict.agrees
    assert verdict.holds_for(_line("x", {1: 10}))
    assert verdict.holds_for(_line("x", {1: 10, 2: 2}))
    assert not verdict.holds_for(_line("x", {1: 10, 2: 9}))
    assert not verdict.holds_for(_line("x", {3: 10}))
    assert verdict.holds_for(_line("...", {3: 0}))
    assert AGREEMENT < 1

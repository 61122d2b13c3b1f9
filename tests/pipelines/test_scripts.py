from __future__ import annotations

import pytest

from pipelines.scripts import script_of


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Hello, Größe 12", "Latn"),
        ("\uff21\uff22\uff23", "Latn"),
        ("Ελλάδα", "Grek"),
        ("Привет", "Cyrl"),
        ("发票", "Hani"),
        ("發票 ㄈㄚ", "Hani"),
        ("デジタル", "Jpan"),
        ("ｶﾀｶﾅ", "Jpan"),
        ("課題と現状の対応策", "Jpan"),
        ("한국어", "Kore"),
        ("大學 입학", "Kore"),
        ("سلام", "Arab"),
        ("שלום", "Hebr"),
        ("नमस्ते", "Deva"),
        ("สวัสดี", "Thai"),
        ("தமிழ்", "Taml"),
        ("తెలుగు", "Telu"),
        ("ಕನ್ನಡ", "Knda"),
        ("", None),
        ("12:30 — 45 %", None),
        ("é", "Latn"),
        ("e\u0301", "Latn"),
        ("\u0301", None),
    ],
)
def test_the_script_of_a_text(text: str, script: str | None) -> None:
    assert script_of(text) == script


def test_the_script_of_most_letters_wins() -> None:
    assert script_of("Das Wort 发票 heißt Rechnung") == "Latn"
    assert script_of("增值税发票 VAT") == "Hani"


def test_one_kana_in_a_long_line_of_ideographs_is_taken_for_a_misreading() -> None:
    assert script_of("中华人民共和国增值税专用发票ー") == "Hani"

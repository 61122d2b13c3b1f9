"""Which script a text is written in, as ISO 15924 names it."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache

# The word that a letter's Unicode name begins with, and the script it stands for.
_CODES = {
    "LATIN": "Latn",
    "GREEK": "Grek",
    "COPTIC": "Copt",
    "CYRILLIC": "Cyrl",
    "ARMENIAN": "Armn",
    "GEORGIAN": "Geor",
    "HEBREW": "Hebr",
    "ARABIC": "Arab",
    "SYRIAC": "Syrc",
    "DEVANAGARI": "Deva",
    "BENGALI": "Beng",
    "GURMUKHI": "Guru",
    "GUJARATI": "Gujr",
    "ORIYA": "Orya",
    "TAMIL": "Taml",
    "TELUGU": "Telu",
    "KANNADA": "Knda",
    "MALAYALAM": "Mlym",
    "SINHALA": "Sinh",
    "THAI": "Thai",
    "LAO": "Laoo",
    "TIBETAN": "Tibt",
    "MYANMAR": "Mymr",
    "KHMER": "Khmr",
    "ETHIOPIC": "Ethi",
    "MONGOLIAN": "Mong",
    "HANGUL": "Hang",
    "HIRAGANA": "Kana",
    "KATAKANA": "Kana",
    "KATAKANA-HIRAGANA": "Kana",
    "BOPOMOFO": "Bopo",
    "CJK": "Hani",
    "IDEOGRAPHIC": "Hani",
}
_TOLD_FROM = 0.1  # share of kana or Hangul from which the ideographs beside them are Japanese or Korean


def script_of(text: str) -> str | None:
    """The script that most of the letters of `text` belong to, or None for a text without letters.

    Ideographs are `Hani`, alone or with bopomofo, since a line seldom tells Chinese from Japanese. With kana
    among them they are `Jpan`, with Hangul `Kore`, which are also the codes of kana and of Hangul alone.
    """
    letters = Counter(code for character in text if (code := _code(character)) is not None)
    if not letters:
        return None
    kana, hangul = letters.pop("Kana", 0), letters.pop("Hang", 0)
    east_asian = letters.pop("Hani", 0) + letters.pop("Bopo", 0) + kana + hangul
    told = max(kana, hangul) > _TOLD_FROM * east_asian
    letters["Hani" if not told else "Jpan" if kana > hangul else "Kore"] = east_asian
    return max(letters, key=lambda code: letters[code])


@lru_cache(maxsize=4096)
def _code(character: str) -> str | None:
    """The script of a letter; the first word of its name tells it, or the second after its width."""
    if unicodedata.category(character)[0] != "L":
        return None
    words = unicodedata.name(character, "").split()
    return next((_CODES[word] for word in words[:2] if word in _CODES), None)

"""How alike two texts of the same line are."""

from __future__ import annotations

import re
import unicodedata

_ALIKE = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63", "-"),
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4`\u02bc", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2022\u25cf\u00b7\u30fb\u2219\u22c5", "."),
    }
)
_LEADERS = re.compile(r"\.{2,}")


def folded(text: str) -> str:
    """`text` less what right readings differ in: widths, kinds of dashes and quotes, spaces, leaders."""
    plain = unicodedata.normalize("NFKC", text.translate(_ALIKE)).translate(_ALIKE)
    return _LEADERS.sub(".", "".join(plain.split()))


def distance(a: str, b: str) -> int:
    """The Levenshtein distance, all of a column at a time in the bits of whole numbers.

    Myers, "A fast bit-vector algorithm for approximate string matching based on dynamic programming" (J. ACM
    1999), in the form of Hyyro (2003) for whole strings.
    """
    if not a or not b:
        return len(a) + len(b)
    places: dict[str, int] = {}
    for at, character in enumerate(a):
        places[character] = places.get(character, 0) | 1 << at
    every, last = (1 << len(a)) - 1, 1 << (len(a) - 1)
    plus, minus, score = every, 0, len(a)
    for character in b:
        equal = places.get(character, 0)
        across = (((equal & plus) + plus) ^ plus) | equal | minus
        up, down = minus | ~(across | plus) & every, plus & across
        score += bool(up & last) - bool(down & last)
        up, down = (up << 1 | 1) & every, (down << 1) & every
        plus, minus = down | ~(equal | minus | up) & every, up & (equal | minus)
    return score

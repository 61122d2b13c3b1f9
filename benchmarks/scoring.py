"""Figures for a benchmark: how alike two readings are, and how right one is."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_SAME_LINE = 12  # pixels between corners, beyond which two boxes are not the same line


@dataclass
class Agreement:
    """How two readings of the same pages agree.

    Attributes:
        lines: of the longer reading of each page, added up.
        same_text: lines at the same place with the same text.
        close: lines whose corners lie within 2 pixels of each other.
        same_page: pages whose lists of texts are equal, order included.
        pages: compared.
    """

    lines: int = 0
    same_text: int = 0
    close: int = 0
    same_page: int = 0
    pages: int = 0

    def add(self, ours: dict[str, Any], theirs: dict[str, Any]) -> list[tuple[str, str]]:
        """Count one page; return the pairs of texts that differ."""
        pairs = pair_lines(ours["rec_polys"], theirs["rec_polys"])
        texts = [(ours["rec_texts"][i], theirs["rec_texts"][j]) for i, j, _ in pairs]
        self.lines += max(len(ours["rec_texts"]), len(theirs["rec_texts"]))
        self.same_text += sum(a == b for a, b in texts)
        self.close += sum(distance <= 2 for *_, distance in pairs)
        self.same_page += ours["rec_texts"] == theirs["rec_texts"]
        self.pages += 1
        return [(a, b) for a, b in texts if a != b]


def pair_lines(ours: list[Any], theirs: list[Any]) -> list[tuple[int, int, float]]:
    """(index, index, largest distance of a corner in pixels) of lines at the same place, nearest first."""
    if not ours or not theirs:
        return []
    a, b = (np.array(polys, dtype=float).reshape(-1, 1, 8) for polys in (ours, theirs))
    distances = np.abs(a - b.transpose(1, 0, 2)).max(axis=2)
    pairs: list[tuple[int, int, float]] = []
    left, right = set(range(len(ours))), set(range(len(theirs)))
    for flat in np.argsort(distances, axis=None, kind="stable"):
        i, j = divmod(int(flat), len(theirs))
        if distances[i, j] > _SAME_LINE:
            break
        if i in left and j in right:
            left.remove(i)
            right.remove(j)
            pairs.append((i, j, float(distances[i, j])))
    return pairs


def word_f1(truth: Path, results: Path) -> float:
    """F1 over bags of words, upper-cased, of the pages whose truth has spaces that count."""
    return _f1(truth, results, _words, lambda row: bool(row["space"] == "significant"))


def character_f1(truth: Path, results: Path) -> float:
    """F1 over bags of characters, upper-cased and without spaces, of all pages."""
    return _f1(truth, results, _characters, lambda _row: True)


def _f1(
    truth: Path,
    results: Path,
    pieces: Callable[[Iterable[str]], Counter[str]],
    counts: Callable[[dict[str, Any]], bool],
) -> float:
    right = wanted = found = 0
    for row in filter(counts, map(json.loads, truth.read_text(encoding="utf-8").splitlines())):
        file = results / f"{Path(row['file']).stem}_res.json"
        nothing: dict[str, Any] = {"rec_texts": [], "rec_polys": []}
        res = json.loads(file.read_text(encoding="utf-8")) if file.exists() else nothing
        got = pieces(_outside(res, row.get("ignore", [])))
        true = pieces(line["text"] for line in row["lines"])
        right += (true & got).total()
        wanted += true.total()
        found += got.total()
    return 2 * right / max(1, wanted + found)


def _outside(res: dict[str, Any], regions: list[Any]) -> list[str]:
    """The texts whose box lies, for the most part, in none of the regions that have no truth."""
    polys = res.get("page", {}).get("source_polys", res["rec_polys"])
    return [
        text
        for text, poly in zip(res["rec_texts"], polys, strict=True)
        if not any(_covered(poly, region) > 0.5 for region in regions)
    ]


def _covered(poly: Any, region: Any) -> float:
    (left, top), (right, bottom) = np.min(poly, axis=0), np.max(poly, axis=0)
    (r_left, r_top), (r_right, r_bottom) = np.min(region, axis=0), np.max(region, axis=0)
    width = max(0.0, min(right, r_right) - max(left, r_left))
    height = max(0.0, min(bottom, r_bottom) - max(top, r_top))
    return float(width * height / max(1e-9, (right - left) * (bottom - top)))


def _words(texts: Iterable[str]) -> Counter[str]:
    return Counter(word for text in texts for word in re.findall(r"[^\W_]+", _normal(text)))


def _characters(texts: Iterable[str]) -> Counter[str]:
    return Counter(character for text in texts for character in _normal(text) if not character.isspace())


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text).upper()

"""From the characters of a text layer to glyphs: what stands on the page as one, in one place, once."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipelines.read.layer import Corners, TextLayer

_SOFT_HYPHEN = "\u00ad"  # painted where a file holds it, and painted as a hyphen
_SPACES = frozenset({"Zs", "Zl", "Zp"})
_MEANINGLESS = frozenset({"Cc", "Cn", "Co", "Cs"})
_RIGHT_TO_LEFT = frozenset({"R", "AL"})
# Accents that stand for themselves, as older fonts have them, and those that belong to a letter.
_ACCENTS = {
    "`": "\u0300",
    "\u00b4": "\u0301",
    "\u02c6": "\u0302",
    "\u02dc": "\u0303",
    "\u00af": "\u0304",
    "\u02d8": "\u0306",
    "\u02d9": "\u0307",
    "\u00a8": "\u0308",
    "\u02da": "\u030a",
    "\u02dd": "\u030b",
    "\u02c7": "\u030c",
    "\u00b8": "\u0327",
    "\u02db": "\u0328",
}
# Latin ligatures, and the forms of Hebrew and Arabic letters by their place in the word.
_FORMS = ((0xFB00, 0xFB06), (0xFB1D, 0xFDFF), (0xFE70, 0xFEFC))
# Lengths below are in heights of a glyph.
_SAME_PLACE = 0.12
_JUMP_ALONG, _JUMP_ACROSS, _JUMP_DOWN = 0.8, 0.7, 1.5


@dataclass(frozen=True, eq=False)
class Glyphs:
    """What a text layer shows, K glyphs in its order, spaces left out.

    Attributes:
        texts: what each stands for, in reading order; more than one character for a ligature.
        quads: (K, 4, 2), see `pipelines.read.layer.Corners`.
        fonts: (K,) int32.
        words: (K,) intp, rising; equal for those between which there is neither a space nor a jump.
        spaced: (K,) bool, whether there is a space or a line's end before its word.
        meant: (K,) bool, False where the code says nothing: private, unassigned, a control character.
    """

    texts: tuple[str, ...]
    quads: Corners
    fonts: NDArray[np.int32]
    words: NDArray[np.intp]
    spaced: NDArray[np.bool_]
    meant: NDArray[np.bool_]

    @property
    def heights(self) -> NDArray[np.float32]:
        """(K,) pixels."""
        return np.asarray(np.linalg.norm(self.quads[:, 3] - self.quads[:, 0], axis=1), dtype=np.float32)

    def only(self, kept: NDArray[np.intp]) -> Glyphs:
        """The glyphs with these indices."""
        return Glyphs(
            tuple(self.texts[at] for at in kept),
            self.quads[kept],
            self.fonts[kept],
            self.words[kept],
            self.spaced[kept],
            self.meant[kept],
        )


def glyphs_of(layer: TextLayer, size: tuple[int, int], *, unpainted: bool = False) -> Glyphs:
    """The glyphs of a page of that width and height that stand on it, without bold type's second strokes.

    Args:
        layer: the characters.
        size: pixels.
        unpainted: take text that leaves no mark as well, such as OCR programs lay over a scan.
    """
    texts, first, spaced, meant = [], [], [], []
    for text, at, after_space in _clusters(layer, _standing(layer, size, unpainted=unpainted)):
        clean = _cleaned(text)
        if clean:
            texts.append(clean)
            first.append(at)
            # PDFium sees a gap where a mark stands back over its letter.
            spaced.append(after_space and not all(map(unicodedata.combining, clean)))
            meant.append(all(_has_meaning(character) for character in text))
    quads = layer.quads[first].reshape(-1, 4, 2)
    starts = np.array(spaced, dtype=np.bool_)
    words = np.cumsum(starts | _jumps(quads), dtype=np.intp)
    glyphs = Glyphs(
        tuple(texts),
        quads,
        layer.fonts[first],
        words,
        starts[np.searchsorted(words, words)],
        np.array(meant, dtype=np.bool_),
    )
    return _accented(glyphs.only(_once(glyphs)))


def _standing(layer: TextLayer, size: tuple[int, int], *, unpainted: bool) -> NDArray[np.bool_]:
    centres = layer.quads.mean(axis=1)
    inside = ((centres >= 0) & (centres <= np.array(size))).all(axis=1)
    return np.asarray(inside & (layer.painted | unpainted))


def _clusters(layer: TextLayer, standing: NDArray[np.bool_]) -> Iterator[tuple[str, int, bool]]:
    """Runs of characters in one box, the index of the first, and whether a space stands before them."""
    same = np.zeros(len(standing), dtype=np.bool_)
    same[1:] = (layer.quads[1:] == layer.quads[:-1]).all(axis=(1, 2))
    codes, follows, stands = layer.codes.tolist(), same.tolist(), standing.tolist()
    text, start, spaced, after_space = "", 0, False, False
    for at, code in enumerate(codes):
        character = chr(code) if code <= 0x10FFFF else "\ufffd"  # noqa: PLR2004  -- Unicode's last
        if _is_space(character):
            after_space = True
        elif stands[at]:
            if text and follows[at] and not after_space:
                text += character
                continue
            if text:
                yield text, start, spaced
            text, start, spaced, after_space = character, at, after_space, False
    if text:
        yield text, start, spaced


@lru_cache(maxsize=4096)
def _is_space(character: str) -> bool:
    return character in "\t\n\r\f\v" or unicodedata.category(character) in _SPACES


@lru_cache(maxsize=4096)
def _has_meaning(character: str) -> bool:
    return character != "\ufffd" and unicodedata.category(character) not in _MEANINGLESS


@lru_cache(maxsize=4096)
def _cleaned(cluster: str) -> str:
    """What a cluster reads as; of what runs from the right, PDFium turns the letters of a ligature round."""
    if any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in cluster):
        cluster = cluster[::-1]
    plain = (_plain(character) for character in cluster.replace(_SOFT_HYPHEN, "-"))
    return unicodedata.normalize("NFC", "".join(plain))


def _plain(character: str) -> str:
    if any(low <= ord(character) <= high for low, high in _FORMS):
        return unicodedata.normalize("NFKC", character)
    return "" if unicodedata.category(character) == "Cf" else character


def _jumps(quads: Corners) -> NDArray[np.bool_]:
    """(K,) whether a glyph does not stand next to the one before it, on either side of it."""
    jumps = np.zeros(len(quads), dtype=np.bool_)
    if len(quads) > 1:
        along, down = quads[:-1, 1] - quads[:-1, 0], quads[:-1, 3] - quads[:-1, 0]
        width, height = (np.maximum(np.linalg.norm(side, axis=1), 1e-3) for side in (along, down))
        step = np.diff(quads.mean(axis=1), axis=0)
        # A glyph without a width still has a direction: across its height.
        upright = down / height[:, np.newaxis]
        across = np.abs((step * upright).sum(axis=1))
        beside = np.abs(step[:, 0] * upright[:, 1] - step[:, 1] * upright[:, 0])
        next_width = np.linalg.norm(quads[1:, 1] - quads[1:, 0], axis=1)
        far = beside > (width + next_width) / 2 + _JUMP_ALONG * height
        downwards = (across > _JUMP_ACROSS * height) & (beside > _JUMP_ACROSS * width)
        jumps[1:] = far | downwards | (across > _JUMP_DOWN * height)
    return jumps


def _once(glyphs: Glyphs) -> NDArray[np.intp]:
    """The indices of all but those that stand where the same glyph stood before.

    Two points nearer than half a cell share a cell of one of four grids, each moved by half a cell.
    """
    heights = np.maximum(glyphs.heights, 1.0)
    centres = glyphs.quads.mean(axis=1)
    cell = 2 * _SAME_PLACE * float(np.median(heights)) if len(heights) else 1.0
    places = centres / cell
    kept = np.ones(len(heights), dtype=np.bool_)
    for shift in ((0, 0), (0.5, 0), (0, 0.5), (0.5, 0.5)):
        cells: dict[tuple[str, int, int], list[int]] = defaultdict(list)
        rows = np.floor(places + np.array(shift)).astype(int).tolist()
        for at, (x, y) in enumerate(rows):
            cells[glyphs.texts[at], x, y].append(at)
        for same in (members for members in cells.values() if len(members) > 1):
            near = np.abs(centres[same[1:]] - centres[same[0]]).max(axis=1) < cell / 2
            kept[np.array(same[1:])[near]] = False
    return np.flatnonzero(kept)


def _accented(glyphs: Glyphs) -> Glyphs:
    """Letters that an accent stands over or under with the accent, which comes before or behind them."""
    texts, lone = list(glyphs.texts), []
    for at in (at for at, text in enumerate(glyphs.texts) if text in _ACCENTS):
        for other in (at + 1, at - 1):
            if 0 <= other < len(texts) and texts[other].isalpha() and _is_over(glyphs, at, other):
                texts[other] = unicodedata.normalize("NFC", texts[other] + _ACCENTS[texts[at]])
                lone.append(at)
                break
    kept = np.setdiff1d(np.arange(len(texts)), lone)
    return replace(glyphs, texts=tuple(texts)).only(kept) if lone else glyphs


def _is_over(glyphs: Glyphs, accent: int, letter: int) -> bool:
    begin, end, _, below = glyphs.quads[letter].astype(np.float64)
    off = glyphs.quads[accent].mean(axis=0) - begin
    along, down = end - begin, below - begin
    beside, under = off @ along / max(along @ along, 1e-6), off @ down / max(down @ down, 1e-6)
    return bool(0 < beside < 1 and -_SAME_PLACE < under < 1 + _SAME_PLACE)

"""Where each character of a line stands: a quad that follows the line's skew and turn.

A recognition network only tells at which step it saw a character. A step is a sixth of the line's height
wide, and some networks see characters early, others late. So the steps are evened out with what is known of
type: how wide each character usually is, and that detection leaves the same margin at both ends of a line.
"""

from __future__ import annotations

import unicodedata

import numpy as np
from numpy.typing import NDArray

from pipelines.crops import reading_corners
from pipelines.decoding import ReadLine

# Widths in ems, between those of Helvetica and Times.
_WIDTHS = {
    **dict.fromkeys("ijl'|", 0.25),
    **dict.fromkeys("ft.,:;!I/\\[]` ", 0.28),
    **dict.fromkeys('r()-{}"', 0.35),
    **dict.fromkeys("scavxyzkJ?*^", 0.48),
    **dict.fromkeys("+<=>~LEFPSTZ", 0.58),
    **dict.fromkeys("wGOQ&", 0.75),
    **dict.fromkeys("mMW%@", 0.86),
}
_OTHER, _CAPITAL, _IDEOGRAPH, _LEAST = 0.52, 0.68, 1.0, 0.1
# Standard deviations: of where in its step a character is, in steps; of the distance between two characters
# and to a space, as a share of the distance that is usual.
_STEP = 0.3
_DISTANCE, _TO_SPACE = 0.05, 0.3
_MOST_SHIFT = 0.3  # steps


def character_quads(line: ReadLine, quad: NDArray[np.int16], *, turned: bool = False) -> NDArray[np.float32]:
    """(K, 4, 2) corners in the page's pixels, one quad for each of `line.characters`, in their order.

    The first corner is where the character begins, above; the second where it ends, above. For a line that
    runs downwards or stands on its head these are not the upper ones.

    Args:
        line: what was read.
        quad: (4, 2) corners of the line, pixels of the page that was read.
        turned: whether the line's crop was turned by 180 degrees before it was read.
    """
    above_start, above_end, below_end, below_start = reading_corners(quad, turned=turned)
    spans = character_spans(line)[:, :, np.newaxis]
    above = above_start + spans * (above_end - above_start)
    below = below_start + spans * (below_end - below_start)
    return np.concatenate([above, below[:, ::-1]], axis=1).astype(np.float32)


def character_spans(line: ReadLine) -> NDArray[np.float64]:
    """(K, 2): where each of its characters begins and ends, 0 at the line's left end and 1 at its right."""
    if not line.characters:
        return np.zeros((0, 2))
    if line.spans is not None:
        return np.array(line.spans, dtype=np.float64)
    from_left = np.argsort(line.columns, kind="stable")
    steps = np.array(line.columns, dtype=np.float64)[from_left] + 0.5
    entries = [line.characters[at] for at in from_left]
    widths = np.array([usual_width(entry) for entry in entries])
    spaces = np.array([entry.isspace() for entry in entries])
    bounds = _bounds(_evened(steps, widths, spaces), widths)
    off_centre = (line.steps - bounds[0] - bounds[-1]) / 2
    bounds = (bounds + np.clip(off_centre, -_MOST_SHIFT, _MOST_SHIFT)) / max(line.steps, 1.0)
    spans = np.empty((len(entries), 2))
    spans[from_left] = np.stack([bounds[:-1], bounds[1:]], axis=1)
    return np.clip(spans, 0, 1)


def _evened(
    steps: NDArray[np.float64], widths: NDArray[np.float64], spaces: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The likeliest middles of the characters, given their steps and usual widths (least squares)."""
    usual = (widths[:-1] + widths[1:]) / 2
    to_space = spaces[:-1] | spaces[1:]
    if to_space.all():
        return steps
    usual *= np.diff(steps)[~to_space].sum() / usual[~to_space].sum()
    weights = 1 / (np.where(to_space, _TO_SPACE, _DISTANCE) * usual) ** 2
    differences = np.diff(np.eye(len(steps)), axis=0)
    system = np.eye(len(steps)) / _STEP**2 + differences.T @ (weights[:, np.newaxis] * differences)
    target = steps / _STEP**2 + differences.T @ (weights * usual)
    return np.asarray(np.linalg.solve(system, target), dtype=np.float64)


def _bounds(middles: NDArray[np.float64], widths: NDArray[np.float64]) -> NDArray[np.float64]:
    """The K + 1 places where a character ends and the next begins, each pair's distance shared by width."""
    halves = widths / 2
    distances, usual = np.diff(middles), halves[:-1] + halves[1:]
    # A lone character has no neighbour to tell its width from: two steps are about that of a letter.
    scale = distances.sum() / usual.sum() if len(usual) else 2 / _OTHER
    between = middles[:-1] + distances * halves[:-1] / usual
    first, last = middles[0] - halves[0] * scale, middles[-1] + halves[-1] * scale
    # Very uneven steps can leave two middles in the wrong order.
    return np.maximum.accumulate(np.concatenate([[first], between, [last]]))


def usual_width(entry: str) -> float:
    """The usual width of an alphabet's entry, in ems."""
    return max(_LEAST, sum(_character_width(character) for character in entry))


def _character_width(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF":
        return _IDEOGRAPH
    letter = unicodedata.normalize("NFD", character)[0]
    kind = unicodedata.category(letter)
    if kind.startswith("M"):
        return 0.0
    return _WIDTHS.get(letter, _CAPITAL if kind == "Lu" else _OTHER)

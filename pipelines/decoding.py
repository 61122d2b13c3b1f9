"""From a recognition network's steps to text: greedy CTC (Graves et al. 2006, best-path decoding)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.engines.base import Array
from pipelines.errors import WeightsError

_BLANK = 0


@dataclass(frozen=True)
class ReadLine:
    """What was read in one line.

    Attributes:
        text: the characters, in the order a person reads them.
        score: the mean probability of the characters, 0 when there are none.
        columns: for each entry of `characters`, the step it was read at.
        characters: the alphabet's entries in the network's own (visual) order. Most are one character, a
            flag's two; joined they are `text` but for scripts written right to left.
        steps: how many steps the line's content has; fractional, since it need not end on one.
    """

    text: str
    score: float
    columns: tuple[int, ...]
    characters: tuple[str, ...]
    steps: float


class CtcDecoder:
    """Knows one model's alphabet: the blank, its dictionary, and a space."""

    def __init__(self, dictionary: Sequence[str], *, right_to_left: bool = False) -> None:
        self._alphabet = ["", *dictionary, " "]
        self._right_to_left = right_to_left

    def decode(self, classes: Array, probabilities: NDArray[np.float32], steps: float) -> ReadLine:
        """Merge repeats and drop blanks.

        Args:
            classes: (T,) integers, the best class of each step.
            probabilities: (T,) float32, its probability.
            steps: how many of the steps lie on the line and not on the padding behind it.

        Raises:
            WeightsError: when the model has more classes than the dictionary has characters.
        """
        kept = classes != _BLANK
        kept[1:] &= classes[1:] != classes[:-1]
        columns = np.flatnonzero(kept)
        characters = tuple(self._character(int(number)) for number in classes[columns])
        score = float(np.mean(probabilities[columns])) if columns.size else 0.0
        text = "".join(characters)
        text = _logical(text) if self._right_to_left else text
        return ReadLine(text, score, tuple(columns.tolist()), characters, steps)

    def _character(self, number: int) -> str:
        if number >= len(self._alphabet):
            raise WeightsError(
                f"recognition: the model answers with class {number}, its dictionary ends at "
                f"{len(self._alphabet) - 1}; weights and dictionary do not belong together"
            )
        return self._alphabet[number]


def _logical(visual: str) -> str:
    from bidi.algorithm import get_display  # noqa: PLC0415  -- for two models out of thirty

    return str(get_display(visual))

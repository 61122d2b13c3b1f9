"""From a recognition network's steps to text: greedy CTC (Graves et al. 2006, best-path decoding)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.ctc import BLANK, kept_steps
from pipelines.engines.base import Array
from pipelines.errors import WeightsError
from pipelines.logical import logical_order


@dataclass(frozen=True)
class ReadLine:
    """What was read in one line.

    Attributes:
        text: the characters, in the order a person reads them.
        score: the mean probability of the characters, 0 when there are none.
        columns: for each entry of `characters`, the step it was read at, counted from the line's left; in
            scripts written from right to left they fall.
        characters: the alphabet's entries in the order a person reads them; joined they are `text`. Most are
            one character, a flag's two.
        steps: how many steps the line's content has; fractional, since it need not end on one.
        scores: the probability of each entry of `characters`.
        model: the name of the model that read it; empty where the text was not read but taken from a PDF.
        spans: where each entry of `characters` begins and ends, from 0 at the line's left to 1 at its right;
            None where a network read it, which tells only the steps.
    """

    text: str
    score: float
    columns: tuple[int, ...]
    characters: tuple[str, ...]
    steps: float
    scores: tuple[float, ...]
    model: str
    spans: tuple[tuple[float, float], ...] | None = None


class CtcDecoder:
    """Knows one model's alphabet: the blank, its dictionary, and a space.

    Attributes:
        model: the model's name.
    """

    def __init__(
        self, dictionary: Sequence[str], *, right_to_left: bool = False, model: str = "", space: bool = True
    ) -> None:
        self._alphabet = ["", *dictionary, *([" "] if space else [])]
        self._right_to_left = right_to_left
        self.model = model

    @property
    def entries(self) -> frozenset[str]:
        """What the model can write, the space included."""
        return frozenset(self._alphabet[BLANK + 1 :])

    def decode(self, classes: Array, probabilities: NDArray[np.float32], steps: float) -> ReadLine:
        """Merge repeats and drop blanks.

        Args:
            classes: (T,) integers, the best class of each step.
            probabilities: (T,) float32, its probability.
            steps: how many of the steps lie on the line and not on the padding behind it.

        Raises:
            WeightsError: when the model has more classes than the dictionary has characters.
        """
        columns = np.flatnonzero(kept_steps(classes))
        characters = tuple(self._character(int(number)) for number in classes[columns])
        score = float(np.mean(probabilities[columns])) if columns.size else 0.0
        if self._right_to_left:
            order, characters = logical_order(characters)
            columns = columns[order]
        return ReadLine(
            text="".join(characters),
            score=score,
            columns=tuple(columns.tolist()),
            characters=characters,
            steps=steps,
            scores=tuple(probabilities[columns].tolist()),
            model=self.model,
        )

    def _character(self, number: int) -> str:
        if number >= len(self._alphabet):
            raise WeightsError(
                f"recognition: the model answers with class {number}, its dictionary ends at "
                f"{len(self._alphabet) - 1}; weights and dictionary do not belong together"
            )
        return self._alphabet[number]

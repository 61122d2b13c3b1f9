"""Several recognisers for one page: each line is read by the one that is surest of it.

The main one reads every line. Another reads a line when the main one doubts it, or when it may have taken the
letters of one script for those of another (Latin, Greek, Cyrillic). It takes the line over when what it read
is in a script it is made for and its evidence is stronger: by a margin, unless it found letters that the main
one does not have.

Evidence counts the width that was read, each character by how far its probability is above chance: a model
that does not know a script leaves its characters out, and is quite sure of the rest. All of this is settled
line by line, so that a line's text depends on no other line.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipelines.characters import usual_width
from pipelines.decoding import CtcDecoder, ReadLine
from pipelines.languages import scripts_of
from pipelines.recognition import TextRecognizer
from pipelines.scripts import script_of

_DOUBTFUL = 0.95  # mean probability below which the main recogniser's reading is doubted
_GAP = 1.5  # ems without a character from which on it is doubted, too
_STEPS_OF_EM = 4.5
_MARGIN_AT_END = 0.3  # ems that detection leaves before and behind the text
_CHANCE = 0.7  # the probability of characters that are as often wrong as right
_SURE = 0.9  # mean probability that a line taken over must have
# How much more evidence per em another reading must have that the main recogniser could have written, too.
_MARGIN = 0.1
_LOOK_ALIKE = frozenset({"Latn", "Grek", "Cyrl"})
_MANY = 20  # letters that the main recogniser lacks, from which on it may have taken one for another


class MultilingualRecognizer:
    """Reads as a `TextRecognizer` does, with several of them."""

    def __init__(self, main: TextRecognizer, others: Sequence[TextRecognizer]) -> None:
        self._main = main
        self.streams = main.streams
        self._writes = main.decoder.entries
        self._others = [(other, _adds_letters(other.decoder, self._writes)) for other in others]

    def read(self, crops: Sequence[NDArray[np.uint8]]) -> list[ReadLine]:
        """The text of each crop, (h, w, 3) BGR of any size, by the recogniser that is surest of it."""
        readings = [[line] for line in self._main.read(crops)]
        for other, adds_letters in self._others:
            asked = [
                index
                for index, (line, *_) in enumerate(readings)
                if is_doubtful(line) or (adds_letters and script_of(line.text) in _LOOK_ALIKE)
            ]
            for index, line in zip(asked, other.read([crops[index] for index in asked]), strict=True):
                readings[index].append(line)
        return [self._surest(main, others) for main, *others in readings]

    def _surest(self, main: ReadLine, others: Sequence[ReadLine]) -> ReadLine:
        better = [line for line in others if self._takes_over(line, main)]
        return max(better, key=evidence, default=main)

    def _takes_over(self, line: ReadLine, main: ReadLine) -> bool:
        script = script_of(line.text)
        # Digits and signs look alike to all of them.
        if script is None or line.score < _SURE or script not in (scripts_of(line.model) or {script}):
            return False
        lacking = any(script_of(entry) for entry in line.characters if entry not in self._writes)
        margin = 0.0 if lacking else _MARGIN * sum(map(usual_width, main.characters))
        return evidence(line) > evidence(main) + margin


def evidence(line: ReadLine) -> float:
    """How much was read and how surely: ems, weighted by probability above chance; may be negative."""
    return sum(
        usual_width(entry) * (score - _CHANCE)
        for entry, score in zip(line.characters, line.scores, strict=True)
    )


def is_doubtful(line: ReadLine) -> bool:
    """Whether the reading is unsure, or leaves out part of the line."""
    return line.score < _DOUBTFUL or _widest_gap(line) > _GAP


def _adds_letters(decoder: CtcDecoder, known: frozenset[str]) -> bool:
    """Whether the decoder has many letters that one who lacks them takes for others, as é for e."""
    scripts = _LOOK_ALIKE & (scripts_of(decoder.model) or _LOOK_ALIKE)
    return sum(script_of(entry) in scripts for entry in decoder.entries - known) >= _MANY


def _widest_gap(line: ReadLine) -> float:
    """The widest stretch of the line, in ems, that the characters read do not account for."""
    places = sorted(
        ((column + 0.5) / _STEPS_OF_EM, usual_width(entry))
        for column, entry in zip(line.columns, line.characters, strict=True)
    )
    start, end = (_MARGIN_AT_END, 0.0), (line.steps / _STEPS_OF_EM - _MARGIN_AT_END, 0.0)
    edges = [start, *places, end]
    return max(b - a - (wide + narrow) / 2 for (a, wide), (b, narrow) in pairwise(edges))

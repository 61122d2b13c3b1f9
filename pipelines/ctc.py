"""What counts of a recognition network's steps (CTC, Graves et al. 2006)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BLANK = 0


def kept_steps(classes: NDArray[Any]) -> NDArray[np.bool_]:
    """Which steps write something: neither the blank nor what the step before wrote already.

    Args:
        classes: (..., T) integers, the best class of each step.

    Returns:
        booleans of the same shape.
    """
    kept: NDArray[np.bool_] = classes != BLANK
    kept[..., 1:] &= classes[..., 1:] != classes[..., :-1]
    return kept

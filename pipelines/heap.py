"""Giving freed memory back to the system."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache


def trim_heap() -> None:
    """Hand back the pages of the heap that nothing lies on any more; a millisecond or two.

    Engines prepare kernels for each new shape and let old ones go, thousands of small blocks. The GNU
    allocator keeps the holes: 100 MB of them after some hundred pages of many sizes. With another allocator
    this does nothing.
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):  # no GNU allocator; on Windows there is no None to open
        return None
    trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int
    return trim

"""Parts of files, as RFC 9110 has them asked for: one range at a time."""

from __future__ import annotations

import re

from worker.http.problems import Refusal

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def part_of(header: str | None, size: int) -> tuple[int, int] | None:
    """Return the first byte asked for and the one behind the last; None for the whole.

    What is no range of bytes, or asks for several, asks for the whole. Raises `Refusal` with 416 for one that
    lies behind the end.
    """
    match = _RANGE.fullmatch(header.strip()) if header is not None else None
    if match is None or match.groups() == ("", ""):
        return None
    if match[1] == "":
        start, end = max(0, size - int(match[2])), size
    else:
        start, end = int(match[1]), min(size, int(match[2]) + 1 if match[2] else size)
        if match[2] and int(match[2]) < start:
            return None
    if start >= size or start >= end:
        raise Refusal(416, f"There are only {size} bytes.", headers={"Content-Range": f"bytes */{size}"})
    return start, end

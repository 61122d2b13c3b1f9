"""Argument checks that every storage shares."""

from __future__ import annotations

from infra.errors import InvalidKey

_MAX_BYTES = 1024


def check_key(key: str) -> None:
    """Refuse a key that no storage takes: empty, with NUL, of more than 1,024 bytes. Raises `InvalidKey`."""
    size = len(key.encode("utf-8", "surrogatepass"))
    if not key or "\0" in key:
        raise InvalidKey(f"{key!r} is no key: it is empty or contains a NUL")
    if size > _MAX_BYTES:
        raise InvalidKey(f"a key has {size} bytes, {_MAX_BYTES} are allowed: {key[:80]}…")


def check_range(start: int | None, end: int | None) -> tuple[int, int | None]:
    """Return the first byte and the one after the last (None: to the end); `ValueError` for no range."""
    first = 0 if start is None else start
    if first < 0 or (end is not None and end < first):
        raise ValueError(f"bytes {start} to {end} are no range: 0 <= start <= end must hold")
    return first, end

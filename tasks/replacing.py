"""Objects are created once; a later generation of a document may replace what it has judged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from infra.errors import AlreadyExists, NotFound, PreconditionFailed, StorageUnavailable
from infra.storage import Storage
from infra.storage.base import NO_CACHE

_RACES = 5  # others that may come first: each of them ends the race for its generation
Kept = TypeVar("Kept")


def create_or_replace(
    storage: Storage,
    key: str,
    data: bytes | Path,
    *,
    content_type: str,
    kept: Callable[[], Kept | None],
    cache_control: str = NO_CACHE,
) -> Kept | None:
    """Create an object, or replace the one that is there unless `kept` finds that it stays.

    `kept` looks at what is there and returns something that tells of it, or None for it to be replaced. It is
    asked once the ETag to be replaced is known: whatever comes after that refuses the replacement, and is
    looked at in turn.

    Returns None when `data` is there now, otherwise what `kept` returned.
    """
    for _ in range(_RACES):
        try:
            storage.create(key, data, content_type=content_type, cache_control=cache_control)
        except AlreadyExists:
            pass
        else:
            return None
        try:
            etag = storage.head(key).etag
            found = kept()
            if found is not None:
                return found
            storage.replace(key, data, if_match=etag, content_type=content_type, cache_control=cache_control)
        except (NotFound, PreconditionFailed):
            continue
        else:
            return None
    raise StorageUnavailable(f"{key} is changed by others all the time")

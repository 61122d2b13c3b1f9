"""The storage port: what every storage can do, whatever it is made of.

Keys are whole keys within a bucket, or paths below a directory; they never start with a slash.
Every error is a class of `infra.errors`; nothing of boto3 and no `OSError` about the storage gets out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from infra.storage.location import Location

# What browsers and proxies may do with a result. It may be somebody's letter, so no shared cache keeps it.
IMMUTABLE: Final = "private, max-age=31536000, immutable"
NO_CACHE: Final = "private, no-cache"


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What is known of an object without reading it.

    Attributes:
        key: The whole key.
        size: Bytes.
        etag: Identifies the content within its key, without quotes.
        version: The version's id; None in a bucket without versions, and in listings of any bucket.
        modified: Time of the last change, in UTC.
        content_type: None when the storage does not say (listings of a bucket).
        metadata: User metadata with lower-case names; empty where the storage keeps none.
    """

    key: str
    size: int
    etag: str
    version: str | None
    modified: datetime
    content_type: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


def unheard(size: int) -> None:
    """Take no notice of how many bytes there are."""


class Storage(Protocol):
    """One bucket, or one directory."""

    def head(self, key: str, version: str | None = None) -> ObjectInfo:
        """Describe an object. Raises `NotFound`."""
        ...

    def read(
        self, key: str, *, start: int | None = None, end: int | None = None, version: str | None = None
    ) -> bytes:
        """Read from byte `start` up to but not including byte `end`, cut to the object as a slice would be.

        Raises `NotFound`; `ValueError` unless `0 <= start <= end`.
        """
        ...

    def fetch(
        self,
        key: str,
        path: Path,
        *,
        version: str | None = None,
        etag: str | None = None,
        told: Callable[[int], None] = unheard,
    ) -> ObjectInfo:
        """Copy an object to the local file `path`, which appears whole or not at all.

        `told` is told the size before anything is copied, then again and again how many bytes have come:
        what it raises ends the copy.

        Raises `NotFound`, and `Changed` when the object is not (or during the copy no longer) the one named
        by `version` or `etag`. Local troubles (no space) stay `OSError`: they are not the storage's.
        """
        ...

    def create(
        self,
        key: str,
        data: bytes | Path,
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        cache_control: str = NO_CACHE,
    ) -> ObjectInfo:
        """Create an object, durable on return, unless there is one: then `AlreadyExists`."""
        ...

    def replace(
        self,
        key: str,
        data: bytes | Path,
        *,
        if_match: str | None,
        content_type: str,
        cache_control: str = NO_CACHE,
    ) -> ObjectInfo:
        """Put `data` in the place of the object whose ETag is `if_match`; None replaces whatever is there.

        Raises `PreconditionFailed` when the ETag is another, or given and there is no object.
        """
        ...

    def list(self, prefix: str, *, start_after: str | None = None) -> Iterator[ObjectInfo]:
        """Yield objects whose key starts with `prefix` and comes after `start_after`, page by page.

        The order is that of the keys' bytes. (SeaweedFS, against S3's rules, sorts a folder by its name
        without the slash.) To go on after the last key seen loses nothing anywhere.
        """
        ...

    def delete(self, key: str, *, version: str | None = None, etag: str | None = None) -> None:
        """Remove an object; that there is none is no error.

        With a `version`, that one alone; with an `etag`, only if it is the object's: otherwise `Changed`.
        """
        ...

    def copy(
        self, key: str, to: Location, *, version: str | None = None, etag: str | None = None
    ) -> ObjectInfo:
        """Copy an object, with all that is known of it, to another place in storage of the same kind.

        Raises `NotFound`; `Changed` when the object is not the one named by `version` or `etag`;
        `AlreadyExists` when there is something in that place.
        """
        ...

    def tag(self, key: str, tags: Mapping[str, str], *, version: str | None = None) -> None:
        """Add tags to an object, in the place of those with the same names.

        Raises `NotFound`, and `StorageError` where objects have no tags.
        """
        ...

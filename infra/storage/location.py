"""Locations: `s3://bucket/prefix`, `file:///directory`, or a plain path."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote, unquote_to_bytes

from infra.errors import InvalidLocation

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
# Amazon's rule for bucket names, widened by the underscores and capitals of old buckets and other servers.
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a storage.

    Attributes:
        scheme: What kind of storage.
        bucket: The bucket's name; for `file`, the absolute path of the root directory.
        key: A key or prefix within it, without slashes at its ends; empty for the whole of it.
    """

    scheme: Literal["s3", "file"]
    bucket: str
    key: str = ""

    @classmethod
    def parse(cls, text: str | Path) -> Self:
        """Read a URL or path. A directory becomes the root itself, with an empty key.

        In a `file` URL, percent escapes count; in an `s3` one, the key is taken as it stands, as S3's own
        tools do. Raises `InvalidLocation`.
        """
        if isinstance(text, Path):
            return cls("file", _absolute(str(text)))
        return cls(*_of_url(text)) if _SCHEME.match(text) is not None else cls("file", _absolute(text))

    @classmethod
    def of_object(cls, text: str | Path) -> Self:
        """Read the location of one object: its key is taken as it is, slashes at its ends too.

        Raises `InvalidLocation`.
        """
        found = cls.parse(text)
        return replace(found, key=str(text).split("/", 3)[3]) if found.scheme == "s3" and found.key else found

    def at(self, key: str) -> Self:
        """Return the location of an object below this one; its key is taken as it is."""
        return replace(self, key=f"{self.key}/{key}" if self.key else key)

    def join(self, *parts: str) -> Self:
        """Return the location of a key below this one."""
        joined = "/".join(filter(None, (self.key, *(part.strip("/") for part in parts))))
        return replace(self, key=joined)

    def locate(self, uri: str | Path) -> Self:
        """Return the location that `uri` names, with this one's bucket or root.

        The inverse of `uri` for everything below this location. Raises `InvalidLocation` when `uri` lies
        elsewhere.
        """
        other = Location.parse(uri)
        if not self.contains(other):
            raise InvalidLocation(f"{other.uri} does not lie within {self.uri}")
        if self.scheme == "s3":
            return replace(self, key=other.key)
        return replace(self, key=_relative(other.path, Path(self.bucket)))

    def key_of(self, inside: Location) -> str:
        """Return the key that something within this location has there."""
        key = inside.key if self.scheme == "s3" else self.locate(inside.uri).key
        return key.removeprefix(f"{self.key}/") if self.key else key

    def contains(self, other: Location) -> bool:
        """Say whether `other` is this location or lies below it, links resolved."""
        if self.scheme != other.scheme:
            return False
        if self.scheme == "file":
            return other.path.resolve().is_relative_to(self.path.resolve())
        below = not self.key or other.key == self.key or other.key.startswith(f"{self.key}/")
        return self.bucket == other.bucket and below

    @property
    def path(self) -> Path:
        """The path in the file system; `InvalidLocation` for anything but `file`."""
        if self.scheme != "file":
            raise InvalidLocation(f"{self.uri} is no directory")
        return Path(self.bucket, self.key)

    @property
    def uri(self) -> str:
        """The location as a URL."""
        if self.scheme == "s3":
            return f"s3://{self.bucket}/{self.key}" if self.key else f"s3://{self.bucket}"
        return "file://" + quote(os.fsencode(self.path))

    def __str__(self) -> str:
        return self.uri


def innermost(places: Iterable[Location], place: Location) -> Location | None:
    """Return the one of `places` that a place belongs to: of several that contain it, the inner one."""
    around = [one for one in places if one.contains(place)]
    return max(around, key=lambda one: len(one.uri), default=None)


@lru_cache(4096)  # the same few places are looked up for every document
def _of_url(text: str) -> tuple[Literal["s3", "file"], str, str]:
    scheme = _SCHEME.match(text)
    assert scheme is not None  # noqa: S101  -- looked at above
    rest = text[scheme.end() :]
    if scheme[1].lower() == "s3":
        return "s3", *_bucket_and_key(text, rest)
    if scheme[1].lower() == "file":
        return "file", _absolute(_file_path(text, rest)), ""
    raise InvalidLocation(f"'{scheme[1]}://' is no storage this program knows; use s3:// or file://")


def _absolute(path: str) -> str:
    if not path or "\0" in path:
        raise InvalidLocation(f"{path!r} is no path")
    return os.path.normpath(Path.cwd() / Path(path).expanduser())


def _bucket_and_key(text: str, rest: str) -> tuple[str, str]:
    bucket, _, key = rest.partition("/")
    if _BUCKET.fullmatch(bucket) is None:
        raise InvalidLocation(f"{text} has no valid bucket name; expected s3://bucket/prefix")
    return bucket, key.strip("/")


def _file_path(text: str, rest: str) -> str:
    host, slash, path = rest.partition("/")
    if host not in ("", "localhost") or not slash:
        raise InvalidLocation(f"{text} is no absolute path on this machine; expected file:///directory")
    return os.fsdecode(unquote_to_bytes(f"/{path}"))


def _relative(path: Path, root: Path) -> str:
    if path.is_relative_to(root):
        relative = path.relative_to(root)
    else:  # the same place through a link
        relative = path.resolve().relative_to(root.resolve())
    return "" if relative == Path() else relative.as_posix()

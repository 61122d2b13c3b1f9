"""Changes of a SeaweedFS filer: files below `/buckets/NAME/` are the objects of a bucket.

A versioned object is a folder `KEY.versions` of files named `v_ID`. Parts of unfinished uploads are files
below `.uploads`, and no objects yet.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from infra.errors import InvalidEvent
from infra.events.event import Kind, ObjectEvent, etag_at, mapping_at, optional_text, size_at, text_at

_BUCKETS = "/buckets/"
_UPLOADS = ".uploads/"
_VERSIONS = ".versions"
_NANOSECOND_DIGITS = 19  # of now, and for 250 years


def from_filer(change: Mapping[str, Any]) -> list[ObjectEvent]:
    """Return what a change says of objects; nothing for folders and for files that are no objects.

    Raises `InvalidEvent`.
    """
    return list(_from_filer(change))


def _from_filer(change: Mapping[str, Any]) -> Iterator[ObjectEvent]:
    event = mapping_at(change, "eventNotification")
    moment = _moment(change)
    old, new = _file(event, "oldEntry"), _file(event, "newEntry")
    before = _path(optional_text(change, "directory"), old)
    after = _path(optional_text(event, "newParentPath"), new)
    if old is not None and before != after:
        yield from _event("removed", before, old, moment)
    if new is not None and not (old is not None and before == after and _version(new) is not None):
        kind: Kind = "removed" if _extended(new, "Seaweed-X-Amz-Delete-Marker") == "true" else "created"
        yield from _event(kind, after, new, moment)


def _event(kind: Kind, path: str, entry: Mapping[str, Any], moment: int) -> Iterator[ObjectEvent]:
    bucket, slash, key = path.removeprefix(_BUCKETS).partition("/")
    if not path.startswith(_BUCKETS) or not slash or key.startswith(_UPLOADS):
        return
    version = _version(entry)
    if version is not None:
        key = key.rpartition("/")[0].removesuffix(_VERSIONS)
    if bucket and key:
        yield ObjectEvent(
            kind=kind,
            bucket=bucket,
            key=key,
            version=version,
            etag=_etag(entry),
            size=size_at(_attributes(entry), "fileSize"),
            sequencer=f"{moment:016X}",
            source="seaweedfs",
            time=str(moment),
        )


def _moment(change: Mapping[str, Any]) -> int:
    """Return when it happened, in nanoseconds since the epoch."""
    text = str(change.get("tsNs"))
    if not (text.isascii() and text.isdigit() and len(text) <= _NANOSECOND_DIGITS):
        raise InvalidEvent("the change has no time 'tsNs'")
    return int(text)


def _file(event: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    if event.get(name) is None:
        return None
    entry = mapping_at(event, name)
    return None if entry.get("isDirectory") else entry


def _path(folder: str | None, entry: Mapping[str, Any] | None) -> str:
    return "" if entry is None else f"{folder or ''}/{text_at(entry, 'name')}"


def _version(entry: Mapping[str, Any]) -> str | None:
    return _extended(entry, "Seaweed-X-Amz-Version-Id")


def _etag(entry: Mapping[str, Any]) -> str | None:
    """Return the ETag that S3 clients are told; of files put in another way it is their MD5 digest."""
    told = _extended(entry, "Seaweed-X-Amz-ETag")
    if told is not None:
        return told.strip('"') or None
    digest = _decoded(optional_text(_attributes(entry), "md5"))
    return digest.hex() if digest else None


def _attributes(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    found = entry.get("attributes")
    return found if isinstance(found, dict) else {}


def _extended(entry: Mapping[str, Any], name: str) -> str | None:
    extended = entry.get("extended")
    data = _decoded(optional_text(extended, name)) if isinstance(extended, dict) else b""
    try:
        return etag_at({name: data.decode()}, name)
    except UnicodeDecodeError as error:
        raise InvalidEvent(f"the change's {name!r} is not Unicode") from error


def _decoded(text: str | None) -> bytes:
    try:
        return base64.b64decode(text or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidEvent("a value of the change is not base64") from error

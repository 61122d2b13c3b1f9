"""What an event says of an object, and the checks that every shape shares."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from infra.errors import InvalidEvent

Kind = Literal["created", "removed"]
_HEX = frozenset(string.hexdigits)
_MOST_DIGITS = 19  # of a 64-bit number


@dataclass(frozen=True, slots=True)
class ObjectEvent:
    """One object that was created, replaced or removed.

    Attributes:
        kind: What happened to it.
        bucket: Where it lies.
        key: Its whole key, decoded.
        version: The version's id; None in a bucket without versions.
        etag: Without quotes; None where the event has none, as of removals.
        size: Bytes; None where the event does not say.
        sequencer: Orders the events of one key: hexadecimal digits, see `in_order`.
        source: Which shape the event came in.
        time: When it happened, as the event writes it; tells a repeated event from a repeated upload.
    """

    kind: Kind
    bucket: str
    key: str
    version: str | None
    etag: str | None
    size: int | None
    sequencer: str | None
    source: str
    time: str | None = None


def in_order(sequencer: str, width: int = 64) -> str:
    """Return a sequencer such that those of one key compare as text: shorter ones are padded on the right."""
    return sequencer.upper().ljust(width, "0")


def mapping_at(where: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the object called `name`. Raises `InvalidEvent`."""
    found = where.get(name)
    if not isinstance(found, dict):
        raise InvalidEvent(f"the event has no object {name!r}")
    return found


def text_at(where: Mapping[str, Any], name: str) -> str:
    """Return the text called `name`, which is not empty. Raises `InvalidEvent`."""
    found = optional_text(where, name)
    if found is None:
        raise InvalidEvent(f"the event has no text {name!r}")
    return found


def optional_text(where: Mapping[str, Any], name: str) -> str | None:
    """Return the text called `name`; None for an empty one, or none. Raises `InvalidEvent`."""
    found = where.get(name)
    if found is None or found == "":
        return None
    if not isinstance(found, str):
        raise InvalidEvent(f"the event's {name!r} is no text")
    try:
        found.encode()
    except UnicodeEncodeError as error:
        raise InvalidEvent(f"the event's {name!r} is not Unicode") from error
    return found


def version_at(where: Mapping[str, Any], name: str) -> str | None:
    """Return a version's id; `null` is what buckets without versions say. Raises `InvalidEvent`."""
    found = optional_text(where, name)
    return None if found == "null" else found


def etag_at(where: Mapping[str, Any], name: str) -> str | None:
    """Return an ETag without quotes. Raises `InvalidEvent`."""
    found = optional_text(where, name)
    return found.strip('"') or None if found is not None else None


def size_at(where: Mapping[str, Any], name: str) -> int | None:
    """Return a size in bytes; None for anything that is none."""
    found = where.get(name)
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) <= _MOST_DIGITS:
        return int(found)  # SeaweedFS writes 64-bit numbers as text
    return found if type(found) is int and found >= 0 else None


def sequencer_at(where: Mapping[str, Any], name: str) -> str | None:
    """Return a sequencer; None for one that is not hexadecimal: it could not be compared."""
    found = optional_text(where, name)
    return found.upper() if found is not None and _HEX.issuperset(found) else None

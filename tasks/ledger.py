"""What storage knows of a document as a whole: storage is the ledger, Redis only its fast memory."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from pydantic import ValidationError

from infra.errors import InfraError, NotFound
from infra.storage import Storage
from tasks.places import Folder
from tasks.records import Cancelling, Manifest, Owing, Record, Reopening, Request
from tasks.replacing import create_or_replace

_log = logging.getLogger(__name__)
_JSON = "application/json"
Found = TypeVar("Found", bound=Record)
Generational = TypeVar("Generational", Manifest, Owing, Reopening, Cancelling)


class RequestLost(InfraError):  # noqa: N818  -- it says what happened
    """Somebody has removed or changed what a document's results began with: nothing can be done for it."""

    public: ClassVar[str] = "What was asked for (request.json) is gone from the results, or damaged."


@dataclass(frozen=True, slots=True)
class Records:
    """A document's records; None for one that is not there, or that is damaged."""

    request: Request
    manifest: Manifest | None
    reopening: Reopening | None
    cancelling: Cancelling | None = None

    @property
    def open_generation(self) -> int | None:
        """The generation that has begun and not ended, or None."""
        ended = self.manifest.generation if self.manifest is not None else 0
        begun = self.reopening.generation if self.reopening is not None else 1
        return begun if begun > ended else None

    @property
    def cancelled(self) -> bool:
        """Whether the generation that is open is to end as it stands."""
        return self.cancelling is not None and self.cancelling.generation == self.open_generation


def read_records(storage: Storage, folder: Folder) -> Records:
    """Read all of a document's records. Raises `RequestLost`."""
    return Records(
        read_request(storage, folder),
        read_manifest(storage, folder),
        read_reopening(storage, folder),
        _read(storage, folder.cancelling, Cancelling),
    )


def read_request(storage: Storage, folder: Folder) -> Request:
    """Read what was asked. Raises `RequestLost`."""
    request = _read(storage, folder.request, Request)
    if request is None:
        raise RequestLost(f"{folder.request} is gone or damaged")
    return request


def read_manifest(storage: Storage, folder: Folder) -> Manifest | None:
    """Read how a document ended; None when it has not, or its manifest is damaged and so worth nothing."""
    return _read(storage, folder.manifest, Manifest)


def read_reopening(storage: Storage, folder: Folder) -> Reopening | None:
    """Read what a document is worked on again for; None when it is not."""
    return _read(storage, folder.reopening, Reopening)


def write_manifest(storage: Storage, folder: Folder, manifest: Manifest) -> Manifest:
    """Write a manifest in the place of an earlier generation's; returns the one that counts.

    That is another one where this generation or a later one has ended before. Whatever said that the
    document was being worked on again, or was to end, is taken away.
    """
    written = _put(storage, folder.manifest, manifest)
    if written.generation > 1:
        reopening = read_reopening(storage, folder)
        if reopening is not None and reopening.generation <= written.generation:
            storage.delete(folder.reopening)
    if written.state == "cancelled":
        storage.delete(folder.cancelling)
    return written


def write_reopening(storage: Storage, folder: Folder, reopening: Reopening) -> Reopening:
    """Say that a document is worked on again; returns what counts: somebody may have said so before."""
    return _put(storage, folder.reopening, reopening)


def write_cancelling(storage: Storage, folder: Folder, cancelling: Cancelling) -> None:
    """Say that a generation of a document is to end as it stands."""
    _put(storage, folder.cancelling, cancelling)


def read_owing(storage: Storage, folder: Folder) -> Owing | None:
    """Read of which end somebody has yet to be told; None when nobody has."""
    return _read(storage, folder.owing, Owing)


def write_owing(storage: Storage, folder: Folder, owing: Owing) -> None:
    """Say that somebody has yet to be told of an end."""
    _put(storage, folder.owing, owing)


def settle_owing(storage: Storage, folder: Folder, generation: int) -> None:
    """Say that everybody has been told of an end; a later one stays owed."""
    owing = read_owing(storage, folder)
    if owing is not None and owing.generation <= generation:
        storage.delete(folder.owing)


def _put(storage: Storage, key: str, record: Generational) -> Generational:
    """Create `record`, or replace a damaged or an earlier generation's one; returns what is there then."""

    def kept() -> Generational | None:
        found = _read(storage, key, type(record))
        return found if found is not None and found.generation >= record.generation else None

    data = record.model_dump_json(indent=1).encode()
    return create_or_replace(storage, key, data, content_type=_JSON, kept=kept) or record


def _read(storage: Storage, key: str, record: type[Found]) -> Found | None:
    try:
        return record.model_validate_json(storage.read(key))
    except NotFound:
        return None
    except ValidationError as error:
        _log.error("%s is damaged: %s", key, error)
        return None

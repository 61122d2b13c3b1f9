"""Keeps `latest.json`: which of the documents of one source, of those that have ended, is the newest.

It is written when a document ends, between its manifest and its last state: whoever follows it finds a
manifest, and a process that dies in between is followed by another that ends the document again.
"""

from __future__ import annotations

from pydantic import ValidationError

from infra.storage import Storage
from tasks.places import Folder
from tasks.records import Latest, Manifest, Request
from tasks.replacing import create_or_replace

_JSON = "application/json"


def note_newest(storage: Storage, folder: Folder, request: Request, manifest: Manifest) -> None:
    """Have `latest.json` name a document that has ended, unless it names a newer one. Raises `StorageError`.

    A superseded document is never named: nobody has read it, and what replaced it is another. Nor is a trial.
    """
    if manifest.state == "superseded" or request.options.get("trial"):
        return
    source = request.source
    ours = Latest(
        id=request.id,
        state=manifest.state,
        created=request.created,
        version=source.version,
        etag=source.etag,
        sequencer=request.sequencer,
    )

    def kept() -> Latest | None:
        try:
            found = Latest.model_validate_json(storage.read(folder.latest))
        except ValidationError:
            return None
        return found if found == ours or (found.id != ours.id and not newer(ours, found)) else None

    data = ours.model_dump_json(indent=1).encode()
    create_or_replace(storage, folder.latest, data, content_type=_JSON, kept=kept)


def newer(one: Latest, other: Latest) -> bool:
    """Say whether a document is newer: by what the source's storage says, else by when it was announced."""
    if one.sequencer and other.sequencer:
        width = max(len(one.sequencer), len(other.sequencer))
        ours, theirs = (each.sequencer.upper().ljust(width, "0") for each in (one, other) if each.sequencer)
        if ours != theirs:
            return ours > theirs
    return (one.created, one.id) > (other.created, other.id)

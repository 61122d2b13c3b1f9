"""What people may ask of the status: documents, their pages, the latest ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import redis

from infra.status.keys import Keys
from infra.status.scripts import translated
from infra.status.states import TERMINAL, DocumentState, PageState


@dataclass(frozen=True, slots=True)
class DocumentStatus:
    """A document at one moment; times in seconds since the epoch, `pages` None until they were counted."""

    id: str
    state: DocumentState
    generation: int
    tenant: str
    priority: str
    device: str | None
    source: str
    folder: str
    pages: int | None
    done: int
    failed: int
    megapixels: float
    created: float
    updated: float
    finished: float | None
    reason: str | None

    @property
    def terminal(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in TERMINAL


class Listing:
    """Reads documents; changes nothing."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def document(self, document: str) -> DocumentStatus | None:
        """Return one document, or None when Redis does not know it (never, or no longer)."""
        return next(iter(self.documents([document])), None)

    def documents(self, ids: Iterable[str]) -> list[DocumentStatus]:
        """Return those documents that are known, in the order asked."""
        ids = list(ids)
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for one in ids:
                pipe.hgetall(self._keys("doc", one))
            found = cast("list[dict[str, str]]", pipe.execute())
        return [_document(one, fields) for one, fields in zip(ids, found, strict=True) if "state" in fields]

    def recent(self, limit: int = 100) -> list[DocumentStatus]:
        """Return the latest documents, newest first."""
        with translated():
            ids = cast("list[str]", self._client.zrange(self._keys("recent"), 0, limit - 1, desc=True))
        return self.documents(ids)

    def active(self, limit: int = 1000) -> list[str]:
        """Return ids of documents not at their end, those without progress for longest first."""
        with translated():
            return cast("list[str]", self._client.zrange(self._keys("active"), 0, limit - 1))

    def pages(self, document: str) -> list[PageState]:
        """Return the states of all pages; empty until they were counted."""
        with translated():
            states = cast("str | None", self._client.get(self._keys("pages", document)))
        return [PageState(state) for state in states or ""]

    def reasons(self, document: str) -> dict[int, str]:
        """Return why pages failed, by page; pages being tried again have the reason of their last failure."""
        with translated():
            found = cast("dict[str, str]", self._client.hgetall(self._keys("reasons", document)))
        return {int(page): reason for page, reason in found.items()}

    def field(self, document: str, name: str) -> str | None:
        """Return one field of a document's record."""
        with translated():
            return cast("str | None", self._client.hget(self._keys("doc", document), name))


def _document(document: str, fields: dict[str, Any]) -> DocumentStatus:
    counted = int(fields.get("pages", 0))
    finished = fields.get("finished")
    return DocumentStatus(
        id=document,
        state=DocumentState(fields["state"]),
        generation=int(fields["generation"]),
        tenant=fields.get("tenant", ""),
        priority=fields.get("priority", ""),
        device=fields.get("device") or None,
        source=fields.get("source", ""),
        folder=fields.get("folder", ""),
        pages=counted if counted > 0 else None,
        done=int(fields.get("done", 0)),
        failed=int(fields.get("failed", 0)),
        megapixels=float(fields.get("megapixels", 0)),
        created=float(fields.get("created", 0)),
        updated=float(fields.get("updated", 0)),
        finished=float(finished) if finished is not None else None,
        reason=fields.get("reason") or None,
    )

"""What people may ask of the status: documents, their pages, the latest ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, cast

import redis

from infra.lines import ingest_lane
from infra.status.keys import Keys, lane
from infra.status.scripts import translated
from infra.status.states import TERMINAL, DocumentState, PageState, Priority
from infra.status.work import Step

_BATCH = 500  # documents that are looked at for one of a tenant
_LOOKS = 5  # batches that one look at the list takes


@dataclass(frozen=True, slots=True)
class DocumentStatus:
    """A document at one moment; times in seconds since the epoch.

    `pages` are those that are to be read, None until they were counted.
    """

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


@dataclass(frozen=True, slots=True)
class TenantStatus:
    """What a tenant has at work.

    Attributes:
        documents: Documents in flight: begun and not ended.
        pages: Their pages, as far as they are counted.
        waiting: Documents that are announced or received, and wait.
        reason: Which quota they wait for; None when for none.
    """

    tenant: str
    documents: int
    pages: int
    waiting: int
    reason: str | None


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
        known = [_document(one, fields) for one, fields in zip(ids, found, strict=True) if "state" in fields]
        return self._explained(known)

    def _explained(self, found: list[DocumentStatus]) -> list[DocumentStatus]:
        """Say of documents that wait for their tenant's quota that they do."""
        waiting = [one for one in found if one.state is DocumentState.RECEIVED]
        if not waiting:
            return found
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for one in waiting:
                pipe.hget(self._keys("held"), one.tenant)
                pipe.hexists(self._keys("inflight", one.tenant), one.id)
            answers = iter(pipe.execute())
        why = {one.id: (held, begun) for one, held, begun in zip(waiting, answers, answers, strict=True)}
        return [
            replace(one, reason=_held(held)) if held and not begun else one
            for one in found
            for held, begun in [why.get(one.id, (None, False))]
        ]

    def tenants(self, names: Iterable[str]) -> list[TenantStatus]:
        """Return how much each of these tenants has in flight and in line."""
        names = list(names)
        lanes = [lane(name, priority, Step.SPLIT) for name in names for priority in Priority]
        with translated(), self._client.pipeline(transaction=False) as pipe:
            pipe.hmget(self._keys("held"), names)
            for name in names:
                pipe.hvals(self._keys("inflight", name))
                pipe.zcard(self._keys("waiting", ingest_lane(name)))
            for each in lanes:
                pipe.zcard(self._keys("waiting", each))
            held, *counts = pipe.execute()
        split = iter(counts[2 * len(names) :])
        return [
            TenantStatus(
                name,
                documents=len(pages),
                pages=sum(map(int, pages)),
                waiting=announced + sum(islice(split, len(Priority))),
                reason=_held(why) if why else None,
            )
            for name, why, pages, announced in zip(names, held, counts[::2], counts[1::2], strict=False)
        ]

    def generations(self, ids: Sequence[str]) -> dict[str, tuple[DocumentState, int]]:
        """Return state and generation of those documents that are known."""
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for one in ids:
                pipe.hmget(self._keys("doc", one), "state", "generation")
            found = cast("list[list[str | None]]", pipe.execute())
        return {
            one: (DocumentState(state), int(generation))
            for one, (state, generation) in zip(ids, found, strict=True)
            if state is not None and generation is not None
        }

    def recent(self, limit: int = 100, tenant: str | None = None) -> list[DocumentStatus]:
        """Return the latest documents, of one tenant or of all, newest first."""
        found: list[DocumentStatus] = []
        for ids in self._recent_ids(limit if tenant is None else _BATCH):
            found += [one for one in self.documents(ids) if tenant in (None, one.tenant)]
            if tenant is None or len(found) >= limit:
                break
        return found[:limit]

    def _recent_ids(self, batch: int) -> Iterator[list[str]]:
        start = 0
        while True:
            with translated():
                ids = self._client.zrange(self._keys("recent"), start, start + batch - 1, desc=True)
            if not ids:
                return
            yield cast("list[str]", ids)
            start += batch

    def browse(
        self, limit: int, after: tuple[float, str] | None, fits: Callable[[DocumentStatus], bool]
    ) -> tuple[list[DocumentStatus], tuple[float, str] | None]:
        """Return documents that fit, newest first, from behind a place in the list on.

        The second is the place to go on from, None at the list's end. Since only so many are looked at in one
        call, there may be fewer than `limit`, or none, although the list goes on.
        """
        found: list[DocumentStatus] = []
        for _ in range(_LOOKS):
            places = self._places_behind(after)
            by_id = {one.id: one for one in self.documents(identity for identity, _ in places)}
            for identity, at in places:
                after = at, identity
                if identity in by_id and fits(by_id[identity]):
                    found.append(by_id[identity])
                    if len(found) == limit:
                        return found, after
            if len(places) < _BATCH:
                return found, None
        return found, after

    def _places_behind(self, after: tuple[float, str] | None) -> list[tuple[str, float]]:
        """Return ids and times of receipt behind a place, newest first; those of one time by their ids."""
        end = "+inf" if after is None else repr(after[0])
        start, behind = 0, list[tuple[str, float]]()
        while len(behind) < _BATCH:
            with translated():
                found = cast(
                    "list[tuple[str, float]]",
                    self._client.zrange(
                        self._keys("recent"),
                        end,
                        "-inf",
                        desc=True,
                        byscore=True,
                        withscores=True,
                        offset=start,
                        num=_BATCH,
                    ),
                )
            behind += [each for each in found if after is None or (each[1], each[0]) < after]
            if len(found) < _BATCH:
                return behind
            start += _BATCH
        return behind[:_BATCH]

    def page_states(self, ids: Sequence[str]) -> list[str]:
        """Return, for each document, the bytes of its pages' states; an empty text where none are counted."""
        with translated():
            found = self._client.mget([self._keys("pages", one) for one in ids])
        return [states or "" for states in cast("list[str | None]", found)]

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

    def fields(self, document: str, *names: str) -> list[str | None]:
        """Return some fields of a document's record."""
        with translated():
            return cast("list[str | None]", self._client.hmget(self._keys("doc", document), names))


def _held(quota: str) -> str:
    """Turn `documents:2` into a sentence."""
    what, _, count = quota.partition(":")
    what = what.removesuffix("s") if count == "1" else what
    return f"It waits for the tenant's quota of {int(count):,} {what} in work."


def _document(document: str, fields: dict[str, Any]) -> DocumentStatus:
    counted = int(fields.get("pages", 0)) - int(fields.get("skipped", 0))
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

"""Leases around the steps that one process at a time does for a whole document."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from infra.errors import StorageError
from infra.status.work import Claim, DocumentStep
from tasks.context import Context
from tasks.hold import Hold


@contextmanager
def leased(context: Context, step: DocumentStep) -> Iterator[tuple[Claim, Hold]]:
    """Claim a step and hold its lease while the context is open; says what became of the claim.

    The lease is given back at the end. An error of the storage, or of this host, gives the attempt back too:
    it is not the document's fault.
    """
    status = context.store.status
    with context.heart.hold() as hold:
        claim, _ = status.claim(step, hold.owner)
        if claim not in (Claim.GO, Claim.EXHAUSTED):
            yield claim, hold
            return
        hold.add(step.lease)
        refund = False
        try:
            yield claim, hold
        except (StorageError, OSError):
            refund = True
            raise
        finally:
            hold.drop(step.lease)
            status.let_go(step, hold.owner, refund=refund)

"""Leases around the steps that one process at a time does for a whole document."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from infra.errors import BrokerUnavailable, StorageError
from infra.status.work import Claim, DocumentStep
from tasks.context import Context
from tasks.hold import Hold

_NO_ROOM = "The service had no room on its disks to work on the document, each time it was tried."


@contextmanager
def leased(context: Context, step: DocumentStep) -> Iterator[tuple[Claim, Hold, int]]:
    """Claim a step and hold its lease while the context is open.

    Says what became of the claim, and which attempt it is. The lease is given back at the end. An error of
    the storage gives the attempt back too, and one of Redis if it hears of that: neither is the document's
    fault. So does one of this host, a full disk perhaps, but only `queue.host_tries` times.
    """
    status = context.store.status
    with context.heart.hold() as hold:
        claim, attempts = status.claim(step, hold.owner)
        if claim not in (Claim.GO, Claim.EXHAUSTED):
            yield claim, hold, attempts
            return
        hold.add(step.lease)
        refund = False
        try:
            yield claim, hold, attempts
        except (StorageError, BrokerUnavailable):
            refund = True
            raise
        except OSError:
            refund = status.host_failed(step) <= context.settings.queue.host_tries
            raise
        finally:
            hold.drop(step.lease)
            status.let_go(step, hold.owner, refund=refund)


def exhausted(context: Context, step: DocumentStep, otherwise: str) -> str:
    """Say why a step was tried too often; `otherwise` where no host had troubles of its own."""
    failed = context.store.listing.field(step.document, f"host_failed:{step.step}")
    return _NO_ROOM if failed is not None and int(failed) > context.settings.queue.host_tries else otherwise

"""Delivers what is due in the outbox: a few letters at a time, side by side, for a few seconds.

Then the worker is somebody else's: whoever is slow to take his letters holds nobody up for long.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

from pydantic import ValidationError

from infra.errors import BrokerUnavailable, NotifyError, StorageError, TargetRefused, TargetUnreachable
from infra.log import log_context
from infra.notify import DocumentFinished, Message, Target
from infra.notify.connecting import Address
from infra.notify.send import Sender
from infra.notify.stream import Streams
from infra.notify.targets import kind_of
from infra.settings import Settings
from infra.status.outbox import Delivery, Settled
from infra.storage.presign import presigned
from infra.telemetry.meter import METER
from infra.telemetry.tracing import span, traceparent
from pipelines.read.url import is_public
from tasks.context import Context
from tasks.ledger import settle_owing

_log = logging.getLogger(__name__)
_SIDE_BY_SIDE = 16
_SECONDS = 2.0  # after which a new message goes to the end of the queue


def deliver(context: Context) -> int:
    """Deliver what is due; returns how many letters were taken. Raises `BrokerUnavailable`."""
    settings, store = context.settings, context.store
    sender = Sender(settings.notify, Streams(store.client, store.keys, settings.notify.stream_length))
    until, count = time.monotonic() + _SECONDS, 0
    with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="deliver") as pool:
        while not context.draining() and time.monotonic() < until:
            taken = store.outbox.take(_SIDE_BY_SIDE)
            if not taken:
                break
            count += sum(1 for _ in pool.map(partial(_deliver, context, sender), taken))
    return count


def _deliver(context: Context, sender: Sender, delivery: Delivery) -> None:
    with log_context(document=delivery.document):
        try:
            _send(context.settings, sender, delivery)
        except NotifyError as error:
            outcome = Settled.AGAIN if error.retryable else Settled.DEAD
            unreachable = isinstance(error, TargetUnreachable)
            _settle(context, delivery, outcome, str(error), unreachable=unreachable)
        except BrokerUnavailable:
            raise
        except Exception as error:  # noqa: BLE001  -- the others must not suffer for it
            _log.exception("an error nobody expected")
            _settle(context, delivery, Settled.AGAIN, f"an internal error ({type(error).__name__})")
        else:
            _settle(context, delivery, Settled.DELIVERED)


def _send(settings: Settings, sender: Sender, delivery: Delivery) -> None:
    try:
        event = DocumentFinished.model_validate_json(delivery.event)
    except ValidationError as error:
        raise TargetRefused("the letter is damaged") from error
    target, tenant = Target.parse(delivery.target), event.data.tenant
    permitted = _permitted(settings, tenant, target)
    secrets = settings.notify.signing(tenant, delivery.target)
    with span(
        "tell", parent=event.traceparent, kind="client", document=event.data.id, target=target.kind.value
    ):
        message = Message(
            id=event.id,
            group=event.data.id,
            body=_linked(settings, event).body(),
            labels={"type": event.type, "tenant": tenant, "state": event.data.state},
            traceparent=traceparent() or event.traceparent,
        )
        sender.send(target, message, secrets=secrets, permitted=permitted)


def _permitted(settings: Settings, tenant: str, target: Target) -> Callable[[Address], bool] | None:
    """Return what judges addresses, None where any will do. Raises `TargetRefused`.

    What the settings name is the operator's own choice; the rest was named by somebody who may only upload.
    """
    notify = settings.notify
    if target.text in notify.told(tenant):
        return None
    if target.kind not in notify.client_schemes:
        raise TargetRefused(f"{target.name}: a document may not name a target of the kind {target.kind}")
    return None if notify.allow_private else is_public


def _linked(settings: Settings, event: DocumentFinished) -> DocumentFinished:
    """Return the event with links, if they are asked for: they are made as it is sent, since they end."""
    seconds = settings.notify.presign_seconds
    if seconds == 0 or event.data.manifest is None:
        return event
    link = partial(presigned, s3=settings.s3, seconds=seconds)
    data = event.data.model_copy(
        update={
            "manifest_url": link(event.data.manifest),
            "outputs": [each.model_copy(update={"url": link(each.uri)}) for each in event.data.outputs],
            "links_expire": datetime.now(UTC) + timedelta(seconds=seconds),
        }
    )
    return event.model_copy(update={"data": data})


def _settle(
    context: Context, delivery: Delivery, outcome: Settled, reason: str = "", *, unreachable: bool = False
) -> None:
    found, left = context.store.outbox.settle(delivery, outcome, reason, unreachable=unreachable)
    METER.count("letters_total", found, kind_of(delivery.target))
    if found is Settled.DEAD:
        _log.error("a letter is given up after %d tries: %s", delivery.tries, reason)
    elif found is Settled.AGAIN:
        _log.warning("a letter is to be delivered later: %s", reason)
    if found in (Settled.DELIVERED, Settled.DEAD) and left <= 0:
        _note_told(context, delivery)


def _note_told(context: Context, delivery: Delivery) -> None:
    folder = context.folder(delivery.document)
    if folder is None:
        return
    try:
        settle_owing(context.results, folder, delivery.generation)
    except StorageError as error:
        _log.warning("that everybody has been told will be noted later: %s", error)

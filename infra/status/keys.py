"""Every key in Redis: its type, what it holds, and what bounds it.

Scripts build the same names from the same table, so keys but `answer` are not declared to them; that rules
out Redis Cluster, on which the queue's transport does not run either. The queues themselves (`control`,
`ocr.*`, `unacked*`, `_kombu.*`) are Celery's, under the same prefix.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from infra.lines import INGEST, RELEASED, TURNS, WAITING
from infra.status.work import Step

_AFTER_THE_END = "expires queue.keep_seconds after the document's end"


@dataclass(frozen=True, slots=True)
class Key:
    """One kind of key: its name with `%s` for what varies, Redis's type, content, lifetime or bound."""

    template: str
    type: str
    holds: str
    bound: str


KEYS: Mapping[str, Key] = {
    "doc": Key("doc:%s", "hash", "state, generation, places, counters, times, reason", _AFTER_THE_END),
    "pages": Key("doc:%s:pages", "string", "one byte a page: its state", _AFTER_THE_END),
    "attempts": Key("doc:%s:attempts", "string", "one byte a page: attempts charged", "deleted at the end"),
    "ranges": Key("doc:%s:ranges", "string", "four bytes a range: its first page", "deleted at the end"),
    "reasons": Key("doc:%s:reasons", "hash", "page: why it failed last", _AFTER_THE_END),
    "leases": Key("leases", "zset", "id:generation:unit by expiry", "one per unit in work; swept when over"),
    "owners": Key("lease:owners", "hash", "id:generation:unit: its holder", "as leases"),
    "swept": Key(
        "swept",
        "hash",
        "when leases were looked at last, until when none is taken, pauses before",
        "three fields",
    ),
    "released": Key(
        RELEASED,
        "zset",
        "per lane: what is sent and not over, by when it was, or is to be, sent",
        "the window, and one per page set aside",
    ),
    "placed": Key(
        "placed",
        "hash",
        "released range: the kind of device it was sent to, megapixels, when, 1 if that was wished",
        "as `released`; pruned by the sweep",
    ),
    "speeds": Key("speeds", "hash", "kind of device: megapixels per second of one worker", "one per kind"),
    "absent": Key("absent:%s", "string", "a kind of device that did not start when asked to", "expires"),
    "line": Key("line:%s", "list", "per lane: documents with ranges to release", "one per active document"),
    "waiting": Key(
        WAITING,
        "zset",
        "per lane of control workers: announcements, id:generation:step, by their coming",
        "one per announcement, one per active document",
    ),
    "turns": Key(TURNS, "zset", "lanes in use by their last turn", "tenants times priorities times kinds"),
    "inflight": Key("inflight:%s", "hash", "per tenant: pages of each document in flight", "as `active`"),
    "held": Key("held", "hash", "tenant: the quota that its documents wait for", "one per tenant"),
    "active": Key("docs:active", "zset", "documents at work by last change", "one per active document"),
    "recent": Key("docs:recent", "zset", "documents by time of receipt", "queue.keep_recent"),
    "delayed": Key("delayed", "zset", "messages by the time to send them", "one per unit that is retried"),
    "dropped": Key(
        "dropped",
        "zset",
        "announcements that were given up, by when",
        "queue.keep_recent; expires queue.keep_seconds after the last",
    ),
    "workers": Key("workers", "zset", "names by last heartbeat", "the dead are swept when listed"),
    "worker": Key("worker:%s", "string", "a heartbeat as JSON", "expires after three heartbeats"),
    "outbox": Key(
        "outbox", "zset", "letters by when they are due; inf: behind another", "one per letter not delivered"
    ),
    "letter": Key(
        "letter:%s",
        "hash",
        "id:generation:target: event, target, tries, reason",
        "deleted when delivered, or as it falls out of the dead letters",
    ),
    "order": Key("outbox:%s", "zset", "id:target: its letters by generation", "letters in the outbox"),
    "owed": Key(
        "owed:%s",
        "string",
        "id:generation: letters neither delivered nor dead",
        "expires queue.keep_seconds after it is 0",
    ),
    "dead": Key("outbox:dead", "zset", "dead letters by time of death", "notify.keep_dead"),
    "trouble": Key(
        "trouble:%s",
        "hash",
        "target: how often it was unreachable, until when it is left alone",
        "expires when it has been left alone for long",
    ),
    "called": Key("outbox:called", "string", "a message to deliver is under way", "expires"),
    "stream": Key("stream:%s", "stream", "events for who follows the stream", "about notify.stream_length"),
    "pass": Key("pass", "hash", "how far storage was looked through for open documents", "four fields"),
    "cursor": Key("cursor:%s", "string", "how far a listing or a log was announced", "expires in two weeks"),
    "counters": Key(
        "counters", "hash", "what the fleet has counted, by metric and labels", "metrics times few labels"
    ),
    "rhythms": Key("rhythms", "hash", "rhythm: when it last did its work", "one field per rhythm"),
    "asked": Key(
        "asked:%s",
        "string",
        "what a request with an Idempotency-Key was answered",
        "expires after a day or so",
    ),
    "answer": Key(
        "answer:%s",
        "string",
        "the name of a script's call, and its answer",
        "expires in ten minutes; one per call that a process makes at a time",
    ),
    "lock": Key("lock:%s", "string", "who leads a rhythm", "expires after some beats of it"),
}


@dataclass(frozen=True, slots=True)
class Keys:
    """The names under one prefix."""

    prefix: str

    def __call__(self, name: str, *parts: str) -> str:
        """Return the key `name` with its placeholders filled; `KeyError` for one that is not in the table."""
        return self.prefix + KEYS[name].template % parts


def lane(tenant: str, priority: str, device: str | None) -> str:
    """Name the line that documents of a tenant and priority wait in.

    Those that wish for a kind of device have a line of their own: waiting for it, they hold nobody up. So do
    those that wait for a step of control workers, whose name stands for the device.
    """
    return f"{tenant}:{priority}:{device}" if device else f"{tenant}:{priority}"


def is_control_lane(lane: str) -> bool:
    """Say whether what waits in a lane is for control workers: announcements, or steps of whole documents."""
    return lane.rpartition(":")[2] in {INGEST, *Step}

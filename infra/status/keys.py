"""Every key in Redis: its type, what it holds, and what bounds it.

Scripts build the same names from the same table, so keys are not declared to them; that rules out Redis
Cluster, on which the queue's transport does not run either. The queues themselves (`control`, `ocr.*`,
`unacked*`, `_kombu.*`) are Celery's, under the same prefix.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
    "released": Key(
        "released:%s",
        "zset",
        "per lane: id:generation:first:last:mode by time of release",
        "the window, and one per page set aside",
    ),
    "line": Key("line:%s", "list", "per lane: documents with ranges to release", "one per active document"),
    "lanes": Key("lanes", "set", "tenant:priority[:device] in use", "tenants times priorities times kinds"),
    "active": Key("docs:active", "zset", "documents at work by last change", "one per active document"),
    "recent": Key("docs:recent", "zset", "documents by time of receipt", "queue.keep_recent"),
    "delayed": Key("delayed", "zset", "messages by the time to send them", "one per unit that is retried"),
    "workers": Key("workers", "zset", "names by last heartbeat", "the dead are swept when listed"),
    "worker": Key("worker:%s", "string", "a heartbeat as JSON", "expires after three heartbeats"),
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

    Those that wish for a kind of device have a line of their own: waiting for it, they hold nobody up.
    """
    return f"{tenant}:{priority}:{device}" if device else f"{tenant}:{priority}"

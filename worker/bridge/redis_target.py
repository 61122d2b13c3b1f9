"""What an S3 server such as MinIO puts into Redis: events in a list, or in a hash by object."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Sequence
from typing import cast
from urllib.parse import parse_qs, urlsplit, urlunsplit

from redis.exceptions import ResponseError

from infra.errors import InvalidEvent, SettingsError
from infra.settings import redis_url
from infra.status.scripts import connect, translated
from worker.bridge.announcer import Announcer
from worker.bridge.patience import patiently

_log = logging.getLogger(__name__)
_BATCH = 100
_PAUSE_SECONDS = 0.2
_HASH_PAUSE_SECONDS = 2.0
_REFUSED = 10_000  # messages that are kept for somebody to look at


class RedisTarget:
    """A list (`access` format) or a hash (`namespace` format) that a server writes events to.

    From a list, a message is removed when all it speaks of is announced; one that is no event is moved to
    `KEY:refused`. Several bridges at one list announce some twice and lose none. A hash is the server's: it
    is looked through again and again, and each entry that has changed is taken.

    Args:
        url: Redis, with the key as `?key=NAME`.

    Raises:
        SettingsError: the URL names no key.
        BrokerUnavailable: Redis does not answer.
    """

    def __init__(self, url: str) -> None:
        place, self._key = _parted(url)
        self._client = connect(redis_url(place))
        self._seen: dict[str, bytes] = {}
        with translated():
            self._client.ping()

    def serve(self, announcer: Announcer) -> None:
        """Take messages until an exception ends it, Ctrl-C and SIGTERM among them."""
        while True:
            patiently(lambda: self._take_some(announcer))

    def _take_some(self, announcer: Announcer) -> None:
        with translated():
            kind = self._client.type(self._key)
        if kind == "hash":
            self._look_through(announcer)
            time.sleep(_HASH_PAUSE_SECONDS)
        elif not self._take_from_list(announcer):
            time.sleep(_PAUSE_SECONDS)

    def _take_from_list(self, announcer: Announcer) -> bool:
        """Take the first messages; False when there is none."""
        try:
            with translated():
                bodies = cast("list[str]", self._client.lrange(self._key, 0, _BATCH - 1))
        except ResponseError as error:
            raise SettingsError(f"{self._key} in Redis is neither a list nor a hash") from error
        done: list[str] = []
        refused: list[str] = []

        def take_next() -> None:
            body = bodies[len(done) + len(refused)]
            (done if _taken(announcer, body) else refused).append(body)

        try:
            for _ in bodies:
                patiently(take_next)
        finally:
            self._remove(done, refused)
        return bool(bodies)

    def _remove(self, done: Sequence[str], refused: Sequence[str]) -> None:
        """Remove messages by their text: another bridge may have removed some since."""
        with translated(), self._client.pipeline(transaction=True) as pipe:
            for body in refused:
                pipe.rpush(f"{self._key}:refused", body)
                pipe.ltrim(f"{self._key}:refused", -_REFUSED, -1)
            for body in (*done, *refused):
                pipe.lrem(self._key, 1, body)
            pipe.execute()

    def _look_through(self, announcer: Announcer) -> None:
        """Take the entries of the hash that are not as they were at the last look."""
        seen: dict[str, bytes] = {}
        with translated():
            for field, body in self._client.hscan_iter(self._key, count=_BATCH):
                digest = hashlib.blake2b(body.encode(), digest_size=16).digest()
                if self._seen.get(field) != digest:
                    _taken(announcer, body)
                    self._seen[field] = digest
                seen[field] = digest
        self._seen = seen


def _taken(announcer: Announcer, body: str) -> bool:
    """Take a message; False when it is no event. Raises `BrokerUnavailable`."""
    try:
        announcer.take(body)
    except InvalidEvent as error:
        _log.warning("a message is refused: %s", error)
        return False
    return True


def _parted(url: str) -> tuple[str, str]:
    """Return a URL without `key`, and what that says."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    keys = query.pop("key", [])
    if not keys:
        raise SettingsError("the Redis URL names no key; expected redis://HOST:PORT/0?key=NAME")
    rest = "&".join(f"{name}={value}" for name, values in query.items() for value in values)
    return urlunsplit(parts._replace(query=rest)), keys[0]

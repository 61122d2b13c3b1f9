"""Who is at work: heartbeats of workers, who leads a rhythm, messages for later, depths of queues."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

import redis
from pydantic import BaseModel, ConfigDict

from infra.settings import QueueSettings
from infra.status.keys import Keys
from infra.status.scripts import Scripts, translated
from infra.status.work import PageRange, parse_work

_BEATS = 3  # a worker that misses so many heartbeats is taken for dead
CONTROL = "control"


class Heartbeat(BaseModel):
    """What a worker says of itself.

    Attributes:
        name: Unique among the living, and the same for all processes that follow each other in one worker.
        device: `cpu`, `gpu:0` ..., or `control`.
        kind: The device without its number.
        pages_per_second: Measured over recent work; None until there was any.
        megapixels_per_second: As above.
        digest: Of configuration and weights of the pipeline; None in a control worker.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    host: str
    pid: int
    device: str
    kind: str
    state: Literal["warming", "idle", "busy"]
    started: float
    pages_per_second: float | None = None
    megapixels_per_second: float | None = None
    digest: str | None = None


class Fleet:
    """Heartbeats, leadership, delayed messages and queue depths."""

    def __init__(self, client: redis.Redis, scripts: Scripts, keys: Keys, queue: QueueSettings) -> None:
        self._client = client
        self._scripts = scripts
        self._keys = keys
        self._queue = queue

    def beat(self, heartbeat: Heartbeat) -> None:
        """Say that a worker lives."""
        milliseconds = int(self._queue.heartbeat_seconds * _BEATS * 1000)
        with translated(), self._client.pipeline(transaction=False) as pipe:
            pipe.set(self._keys("worker", heartbeat.name), heartbeat.model_dump_json(), px=milliseconds)
            pipe.zadd(self._keys("workers"), {heartbeat.name: time.time()})
            pipe.execute()

    def leave(self, name: str) -> None:
        """Say that a worker has ended."""
        with translated(), self._client.pipeline(transaction=False) as pipe:
            pipe.delete(self._keys("worker", name))
            pipe.zrem(self._keys("workers"), name)
            pipe.execute()

    def workers(self) -> list[Heartbeat]:
        """Return the last heartbeat of every living worker; names of the dead are swept away."""
        with translated():
            names = cast("list[str]", self._client.zrange(self._keys("workers"), 0, -1))
            if not names:
                return []
            beats = cast(
                "list[str | None]", self._client.mget([self._keys("worker", name) for name in names])
            )
            dead = [name for name, beat in zip(names, beats, strict=True) if beat is None]
            if dead:
                self._client.zrem(self._keys("workers"), *dead)
        return [Heartbeat.model_validate_json(beat) for beat in beats if beat is not None]

    def lead(self, rhythm: str, candidate: str, seconds: float) -> bool:
        """Become or stay the leader of a rhythm for `seconds`; False while somebody else is."""
        return bool(self._scripts.run("lead", rhythm, candidate, seconds))

    def delay(self, message: Mapping[str, Any], seconds: float) -> None:
        """Keep a message to be sent in `seconds`; the same message again only moves its time."""
        text = json.dumps(message, sort_keys=True)
        with translated():
            self._client.zadd(self._keys("delayed"), {text: time.time() + seconds})

    def due(self, limit: int = 100) -> list[str]:
        """Return messages whose time has come, as JSON; they stay until `sent`."""
        with translated():
            return cast(
                "list[str]",
                self._client.zrangebyscore(self._keys("delayed"), "-inf", time.time(), start=0, num=limit),
            )

    def sent(self, text: str) -> None:
        """Forget a delayed message that has been sent."""
        with translated():
            self._client.zrem(self._keys("delayed"), text)

    def lanes(self) -> list[str]:
        """Return the lanes in which something waits or is out."""
        with translated():
            return sorted(cast("set[str]", self._client.smembers(self._keys("lanes"))))

    def unheld(self, lanes: Sequence[str]) -> int:
        """Return how many ranges of these lanes are released and in nobody's hands, delayed ones left out."""
        with translated(), self._client.pipeline(transaction=False) as pipe:
            pipe.zrange(self._keys("leases"), 0, -1)
            pipe.zrange(self._keys("delayed"), 0, -1)
            for lane in lanes:
                pipe.zcard(self._keys("released", lane))
            leases, delayed, *released = pipe.execute()
        held = sum(":r" in lease for lease in leases)
        return int(sum(released)) - held - len(_ranges(delayed))

    def depths(self, queues: Sequence[str]) -> dict[str, int]:
        """Return how many messages wait in each queue."""
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for queue in queues:
                pipe.llen(self._keys.prefix + queue)
            return dict(zip(queues, pipe.execute(), strict=True))


def _ranges(delayed: Sequence[str]) -> set[PageRange]:
    """Return the ranges among delayed messages; announcements and steps of documents are delayed too."""
    members = (json.loads(text).get("work") for text in delayed)
    works = (parse_work(member) for member in members if member is not None)
    return {work for work in works if isinstance(work, PageRange)}

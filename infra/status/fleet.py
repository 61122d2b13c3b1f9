"""Who is at work: heartbeats of workers, who leads a rhythm, messages for later, depths of queues."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal, cast

import redis
from pydantic import BaseModel, ConfigDict

from infra.settings import QueueSettings
from infra.status.keys import Keys
from infra.status.scripts import Scripts, translated

BEATS = 3  # a worker that misses so many heartbeats is taken for dead
CONTROL = "control"


class Activity(StrEnum):
    """What a worker's process may be at."""

    FETCHING = "fetching"
    OPENING = "opening"
    RENDERING = "rendering"
    READING = "reading"
    DRAWING = "drawing"
    WRITING = "writing"
    SPLITTING = "splitting"
    FINALIZING = "finalizing"


class Doing(BaseModel):
    """One thing that a worker's process is at.

    Attributes:
        page: None where it is the whole document.
        since: Seconds since the epoch: its start, or its last progress.
        until: When its process ends if there is no progress; None where no limit is set.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    activity: Activity
    document: str
    page: int | None = None
    since: float
    until: float | None = None

    def __str__(self) -> str:
        of = "" if self.page is None else f"page {self.page} of "
        return f"{self.activity} {of}document {self.document}"


class Heartbeat(BaseModel):
    """What a worker says of itself.

    Attributes:
        name: Unique among the living, and the same for all processes that follow each other in one worker.
        device: `cpu`, `gpu:0` ..., or `control`.
        kind: The device without its number.
        at: When it said so, in seconds since the epoch.
        doing: What it is at, the oldest first.
        memory_mb: What its process holds in memory.
        replaced: Why the process before this one was replaced; None if none was.
        at_once: How many pages it reads side by side.
        batch: How many pages go into one inference on its device.
        halved: How often that was halved because the device's memory was full.
        pages_per_second: Measured over recent work; None until there was any.
        megapixels_per_second: As above.
        measured: When the last page that these speeds stand for was read, in seconds since the epoch.
        digest: Of configuration and weights of the pipeline; None in a control worker.
        pipeline: Its name; as `engine` and `precision` None in a control worker.
        version: Of the program.
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
    measured: float | None = None
    digest: str | None = None
    pipeline: str | None = None
    engine: str | None = None
    precision: str | None = None
    version: str | None = None
    at: float = 0.0
    doing: tuple[Doing, ...] = ()
    memory_mb: float | None = None
    replaced: str | None = None
    at_once: int = 1
    batch: int = 1
    halved: int = 0

    def health(self, now: float) -> str:
        """Say how it does in one word: its state, or `stuck` when something takes longer than it may."""
        stuck = any(one.until is not None and one.until < now for one in self.doing)
        return "stuck" if stuck else self.state


class Fleet:
    """Heartbeats, leadership, delayed messages and queue depths."""

    def __init__(self, client: redis.Redis, scripts: Scripts, keys: Keys, queue: QueueSettings) -> None:
        self._client = client
        self._scripts = scripts
        self._keys = keys
        self._queue = queue

    def beat(self, heartbeat: Heartbeat) -> None:
        """Say that a worker lives."""
        milliseconds = int(self._queue.heartbeat_seconds * BEATS * 1000)
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

    def drop(self, announcement: str) -> None:
        """Put an announcement by that is given up, until somebody has it made again."""
        key = self._keys("dropped")
        with translated(), self._client.pipeline(transaction=True) as pipe:
            pipe.zadd(key, {announcement: time.time()})
            pipe.zremrangebyrank(key, 0, -self._queue.keep_recent - 1)
            pipe.expire(key, self._queue.keep_seconds)
            pipe.execute()

    def dropped(self) -> list[str]:
        """Return the announcements that were given up, the earliest first; they stay until `picked_up`."""
        with translated():
            return cast("list[str]", self._client.zrange(self._keys("dropped"), 0, -1))

    def picked_up(self, announcement: str) -> None:
        """Forget a dropped announcement that has been made again."""
        with translated():
            self._client.zrem(self._keys("dropped"), announcement)

    def lanes(self) -> list[str]:
        """Return the lanes in which something waits or is out."""
        with translated():
            return sorted(cast("list[str]", self._client.zrange(self._keys("turns"), 0, -1)))

    def waiting(self) -> int:
        """Return how many announcements and steps wait in line for the control workers."""
        lanes = self.lanes()
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for lane in lanes:
                pipe.zcard(self._keys("waiting", lane))
            return int(sum(pipe.execute()))

    def lane_sizes(self) -> dict[str, int]:
        """Return how much is in each lane that is in use: documents and steps in line, and what is out."""
        lanes = self.lanes()
        with translated(), self._client.pipeline(transaction=True) as pipe:
            for lane in lanes:
                pipe.llen(self._keys("line", lane))
                pipe.zcard(self._keys("waiting", lane))
                pipe.zcard(self._keys("released", lane))
            counts = pipe.execute()
        return {
            lane: int(sum(counts[place : place + 3]))
            for lane, place in zip(lanes, range(0, len(counts), 3), strict=True)
        }

    def depths(self, queues: Sequence[str]) -> dict[str, int]:
        """Return how many messages wait in each queue."""
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for queue in queues:
                pipe.llen(self._keys.prefix + queue)
            return dict(zip(queues, pipe.execute(), strict=True))

    def messages(self, queues: Sequence[str]) -> list[str]:
        """Return the messages that wait in these queues, as Celery wrote them; none that a worker has."""
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for queue in queues:
                pipe.lrange(self._keys.prefix + queue, 0, -1)
            return [message for found in pipe.execute() for message in found]

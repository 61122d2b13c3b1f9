"""Where ranges of pages were sent: the kind of device that each waits for, or is read by, and its size."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import redis

from infra.status.keys import Keys
from infra.status.scripts import Scripts, translated
from infra.status.work import PageRange, parse_work

_SAMPLE = 400  # documents in line that one look goes through; what is behind them is taken to be like them


@dataclass(frozen=True, slots=True)
class Placement:
    """A range that was released and sent.

    Attributes:
        kind: The kind of device whose queue it was sent to.
        megapixels: Its size.
        at: When it was sent, in seconds since the epoch.
        wished: Whether its document asks for this kind.
        held: Whether a worker has it in hand.
    """

    pages: PageRange
    kind: str
    megapixels: float
    at: float
    wished: bool
    held: bool = False


class Placements:
    """Remembers where ranges were sent, and how fast kinds were. The script that ends a range forgets it."""

    def __init__(self, client: redis.Redis, scripts: Scripts, keys: Keys) -> None:
        self._client = client
        self._scripts = scripts
        self._keys = keys

    def put(self, pages: PageRange, kind: str, megapixels: float, *, wished: bool) -> None:
        """Note where a range is sent, before it is."""
        text = f"{kind}:{megapixels:.3f}:{time.time():.3f}:{int(wished)}"
        with translated():
            self._client.hset(self._keys("placed"), pages.member, text)

    def all(self) -> list[Placement]:
        """Return all ranges that were sent and are not over, the earliest first."""
        with translated(), self._client.pipeline(transaction=False) as pipe:
            pipe.hgetall(self._keys("placed"))
            pipe.zrange(self._keys("leases"), 0, -1)
            placed, leases = pipe.execute()
        held = set(cast("list[str]", leases))
        found = [_placement(member, text, held) for member, text in cast("dict[str, str]", placed).items()]
        return sorted(found, key=lambda placement: placement.at)

    def prune(self) -> int:
        """Forget ranges that are over and were noted late, or whose end part of the state was lost with."""
        return int(self._scripts.run("prune_placed"))

    def in_line(self) -> dict[str, float]:
        """Return the megapixels that are not released yet by the kind that is wished for, "" for any.

        Of long lines the beginning is looked at, and the rest estimated from it.
        """
        flat = cast("list[str]", self._scripts.run("in_line", _SAMPLE))
        return {device: float(size) for device, size in zip(flat[::2], flat[1::2], strict=True)}

    def clear(self, kind: str, queues: Sequence[str]) -> bool:
        """Drop the messages of a kind that no range waits for any longer; False while one does."""
        return bool(self._scripts.run("clear_queues", kind, *(self._keys.prefix + queue for queue in queues)))

    def remember_speeds(self, speeds: Mapping[str, float]) -> None:
        """Note the megapixels per second of one worker of each kind."""
        if speeds:
            with translated():
                self._client.hset(
                    self._keys("speeds"), mapping={kind: f"{speed:.4f}" for kind, speed in speeds.items()}
                )

    def speeds(self) -> dict[str, float]:
        """Return what was last noted of the speed of each kind."""
        with translated():
            found = cast("dict[str, str]", self._client.hgetall(self._keys("speeds")))
        return {kind: float(speed) for kind, speed in found.items()}

    def give_up_on(self, kind: str, seconds: float) -> None:
        """Have nobody count on a kind for so long, unless it comes: it was to be started, and was not."""
        with translated():
            self._client.set(self._keys("absent", kind), "1", px=int(seconds * 1000))

    def absent(self, kinds: Sequence[str]) -> set[str]:
        """Return those kinds that nobody counts on."""
        if not kinds:
            return set()
        with translated():
            found = cast(
                "list[str | None]", self._client.mget([self._keys("absent", kind) for kind in kinds])
            )
        return {kind for kind, mark in zip(kinds, found, strict=True) if mark is not None}


def _placement(member: str, text: str, held: set[str]) -> Placement:
    kind, megapixels, at, wished = text.split(":")
    pages = parse_work(member)
    if not isinstance(pages, PageRange):  # nothing else is ever put
        raise TypeError(f"{member} is no range of pages")
    return Placement(pages, kind, float(megapixels), float(at), wished == "1", pages.lease in held)

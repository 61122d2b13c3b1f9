"""Batches across pages: pages are read side by side, and what their networks ask for at once runs at once.

Each page goes its way in a thread of its own. While an inference is under way, the others' requests pile
up; then those of one network and one shape go as one batch. Nobody waits for company: a device with nothing
to do takes what there is. So detection runs on pages of one size together, and recognition on the lines of
all pages that share a canvas, without a stage that knows of it.

Batches come in a closed set of sizes, the powers of two, as their shapes do: an engine prepares kernels for
each.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from threading import Condition
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipelines.engines.base import Array, Session
from pipelines.errors import DeviceLost, OutOfMemory

_log = logging.getLogger(__name__)

PAGE_PIXELS = 960 * 672  # an A4 page as it enters detection
MOST_PAGES = 32  # at once: what more would save in starts of kernels is lost in waiting
_MOST_ROWS = 128  # of narrow lines, many of which have the pixels of a page
# What a device's memory is asked to hold for each page at once: recognition takes 1,000 bytes a pixel of its
# input in float32, detection 250 (docs/devices.md tells how that was measured); workspaces come on top.
_BYTES_PER_PAGE = 1 << 30
_SHARE = 0.6  # of the memory; the rest is for weights, workspaces and other processes
_THREADS_PER_PAGE = 4  # that wait with lines of one page: those of different canvases


_Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Batching:
    """How a device takes pages.

    Attributes:
        pages: of A4, as many as go into one inference.
        halved: how often that was halved because the device's memory was full.
    """

    pages: int
    halved: int


def pages_for(memory: int | None) -> int:
    """How many pages go into one inference on a device with so many bytes of memory; 1 if that is unknown."""
    if memory is None:
        return 1
    return min(MOST_PAGES, max(1, int(memory * _SHARE) // _BYTES_PER_PAGE))


def batch_sizes(most: int) -> Iterator[int]:
    """The sizes that batches of at most `most` rows come in, the largest first."""
    size = 1 << (max(1, most).bit_length() - 1)
    while size:
        yield size
        size >>= 1


@dataclass(eq=False)
class _Request:
    session: Session
    rows: NDArray[np.float32]
    outputs: list[Array] | None = None
    error: Exception | None = None

    @property
    def over(self) -> bool:
        return self.outputs is not None or self.error is not None

    def goes_with(self, other: _Request) -> bool:
        return self.session is other.session and self.rows.shape[1:] == other.rows.shape[1:]

    def answer(self) -> list[Array]:
        if self.error is not None:
            raise self.error
        assert self.outputs is not None  # noqa: S101  -- whoever leads leaves one of the two
        return self.outputs


class Batcher:
    """One device: an inference at a time, of as many pages as its memory holds.

    Attributes:
        device: its name, for the log.
        pages: how many pages are to be read side by side: twice what one inference takes, so that there is
            one to prepare while another is under way.
    """

    def __init__(self, device: str, pages: int) -> None:
        self.device = device
        self.pages = 2 * pages
        self._pixels = pages * PAGE_PIXELS
        self._halved = 0
        self._turn = Condition()
        self._busy = False
        self._waiting: list[_Request] = []
        self._lost: DeviceLost | None = None
        self._prepared: set[_Shape] | None = None  # while the device is warmed up

    @property
    def state(self) -> Batching:
        """How the device takes pages now."""
        return Batching(max(1, self._pixels // PAGE_PIXELS), self._halved)

    def session(self, session: Session) -> Session:
        """A session that any number of threads may use, with the answers of `session`."""
        return _Shared(self, session)

    def most_rows(self, height: int, width: int) -> int:
        """How many inputs of this size go into one inference."""
        return min(_MOST_ROWS, max(1, self._pixels // (height * width)))

    @contextmanager
    def preparing(self) -> Iterator[set[_Shape]]:
        """While it is open, every input is run in all sizes that its batches come in; gives what was run."""
        prepared: set[_Shape] = set()
        self._prepared = prepared
        try:
            yield prepared
        finally:
            self._prepared = None

    def run(self, session: Session, rows: NDArray[np.float32]) -> list[Array]:
        """What `session` answers to (N, C, H, W) rows, in the company of what others ask of it.

        Raises:
            OutOfMemory: a single row is more than the device holds.
            DeviceLost: this time, and from then on every time.
            EngineError: the engine failed on these very rows.
        """
        if self._prepared is not None:
            self._prepare(session, rows.shape[1:], self._prepared)
        return self._asked(_Request(session, rows))

    def _prepare(self, session: Session, shape: tuple[int, ...], prepared: set[_Shape]) -> None:
        for size in batch_sizes(self.most_rows(*shape[1:])):
            one = (id(session), size, *shape)
            with self._turn:
                known = one in prepared
                prepared.add(one)
            if not known:
                self._asked(_Request(session, np.zeros((size, *shape), np.float32)))

    def _asked(self, request: _Request) -> list[Array]:
        with self._turn:
            self._waiting.append(request)
            while not request.over:
                if self._busy:
                    self._turn.wait()
                else:
                    self._lead()
        return request.answer()

    def _lead(self) -> None:
        """Serve the oldest request and those that go with it; called, and left, with the lock held."""
        group = self._taken()
        self._busy = True
        self._turn.release()
        try:
            self._serve(group)
        finally:
            self._turn.acquire()
            self._busy = False
            self._turn.notify_all()

    def _taken(self) -> list[_Request]:
        oldest = self._waiting[0]
        most, rows, group = self.most_rows(*oldest.rows.shape[2:]), 0, []
        for request in [one for one in self._waiting if one.goes_with(oldest)]:
            if rows and rows + len(request.rows) > most:
                break
            rows += len(request.rows)
            group.append(request)
            self._waiting.remove(request)
        return group

    def _serve(self, group: Sequence[_Request]) -> None:
        try:
            outputs = self._in_pieces(group[0].session, _joined([request.rows for request in group]))
        except Exception as error:  # noqa: BLE001  -- whatever it is, it is raised where it was asked for
            self._failed(group, error)
            return
        edges = np.cumsum([0, *(len(request.rows) for request in group)]).tolist()
        for request, (start, end) in zip(group, pairwise(edges), strict=True):
            request.outputs = [output[start:end] for output in outputs]

    def _failed(self, group: Sequence[_Request], error: Exception) -> None:
        """One in company may be at fault: each is asked alone, unless the device itself is gone."""
        if len(group) == 1 or isinstance(error, DeviceLost):
            for request in group:
                request.error = error
            return
        _log.warning("%s: %s; each of %d requests is made alone", self.device, error, len(group))
        for request in group:
            self._serve([request])

    def _in_pieces(self, session: Session, rows: NDArray[np.float32]) -> list[Array]:
        """The answers to all rows, in batches of the closed set."""
        answers, start = [], 0
        while start < len(rows):
            most = min(len(rows) - start, self.most_rows(*rows.shape[2:]))
            size = next(batch_sizes(most))
            answers.append(self._halving(session, rows[start : start + size]))
            start += size
        return [_joined(parts) for parts in zip(*answers, strict=True)]

    def _halving(self, session: Session, rows: NDArray[np.float32]) -> list[Array]:
        """The answers to one batch, in halves where the device's memory is too small for it."""
        if self._lost is not None:
            raise self._lost
        try:
            return session.run(rows)
        except DeviceLost as error:
            self._lost = error
            raise
        except OutOfMemory as error:
            if len(rows) == 1:
                raise
            self._halve(rows, error)
        return self._in_pieces(session, rows)

    def _halve(self, rows: NDArray[np.float32], error: OutOfMemory) -> None:
        count, _, height, width = rows.shape
        self._pixels = count * height * width // 2
        self._halved += 1
        _log.warning(
            "%s: no memory for %d inputs of %d x %d at once: from now on for half of that, pages: %d (%s)",
            self.device,
            count,
            height,
            width,
            self.state.pages,
            error,
        )


class _Shared:
    """A session of which many threads ask at once."""

    def __init__(self, batcher: Batcher, session: Session) -> None:
        self._batcher = batcher
        self._session = session
        self.streams = batcher.pages * _THREADS_PER_PAGE

    def run(self, batch: NDArray[np.float32]) -> list[Array]:
        """See `Session.run`."""
        return self._batcher.run(self._session, batch)


def _joined(parts: Sequence[Array]) -> Array:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)

"""Pictures of pages, made in a process of their own: who reads a hostile document may crash."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from ctypes import c_ulong
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import PipelineError
from pipelines.read import ReadLimits, open_document

_SECONDS = 30  # for one page
_CACHE_BYTES = 64 << 20
_QUALITY = 85
_TASKS = 500  # after which the process is replaced: readers leak
_TRIES = 5  # of a page that waits while others end the process


class NotRendered(Exception):  # noqa: N818  -- it says what happened
    """A page has no picture; `str(error)` says why, for whoever asked."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What is to be rendered.

    Attributes:
        path: The document.
        number: The page's, from 1.
        transform: How the page was turned and unwarped before it was read, as its JSON says; or None.
        max_side: The longest side of the picture, pixels; None for the size that was read.
    """

    path: Path
    number: int
    dpi: float
    limits: ReadLimits
    password: str | None = None
    transform: Mapping[str, Any] | None = None
    max_side: int | None = None


class _Reader:
    """A process that renders, and the number of what it is at: who is to blame when it ends."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.at: c_ulong = context.RawValue(c_ulong, 0)
        self.pool = ProcessPoolExecutor(1, context, _begin, (self.at,), max_tasks_per_child=_TASKS)


class PageRenderer:
    """Renders pages, one at a time, and remembers the latest pictures."""

    def __init__(self) -> None:
        self._reader: _Reader | None = None
        self._numbers = count(1)
        self._kept: OrderedDict[tuple[object, ...], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def kept(self, key: tuple[object, ...]) -> bytes | None:
        """Return a picture that was rendered before."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, key: tuple[object, ...], data: bytes) -> None:
        """Remember a picture, and forget the oldest ones for it."""
        with self._lock:
            self._kept[key] = data
            while sum(map(len, self._kept.values())) > _CACHE_BYTES:
                self._kept.popitem(last=False)

    async def render(self, page: PageRequest) -> bytes:
        """Return a page as JPEG. A page that ends the process costs none of those that wait behind it.

        Raises:
            NotRendered: it has no picture, or its own reader crashed or took too long.
        """
        for _ in range(_TRIES):
            reader, number = self._opened(), next(self._numbers)
            try:
                return await asyncio.get_running_loop().run_in_executor(reader.pool, _render, number, page)
            except BrokenProcessPool:
                if self._reader is reader:
                    self._reader = None
                if reader.at.value == number:
                    break
        raise NotRendered("The page cannot be shown: its reader crashed, or took too long.")

    def warm(self) -> None:
        """Start the process, so that the first picture does not wait for that."""
        if self._reader is None:
            self._opened().pool.submit(os.getpid)

    def _opened(self) -> _Reader:
        if self._reader is None:
            self._reader = _Reader()
        return self._reader

    def close(self) -> None:
        """End the process."""
        if self._reader is not None:
            self._reader.pool.shutdown(wait=False, cancel_futures=True)
            self._reader = None


_at = c_ulong()  # in the process that renders, what its parent sees as well


def _begin(at: c_ulong) -> None:
    """Begin a process that renders. It ends when the service does, even if that is killed."""
    global _at  # noqa: PLW0603  -- an initializer has no other way to hand over anything
    _at = at

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def _render(number: int, page: PageRequest) -> bytes:
    _at.value = number
    try:
        return render_page(page)
    finally:
        _at.value = 0


def render_page(page: PageRequest) -> bytes:
    """Render a page in this process, which is ended when that takes too long. Raises `NotRendered`."""
    signal.alarm(_SECONDS)
    try:
        return _encoded(_prepared(page), page.max_side)
    except PipelineError as error:  # some of them cannot be sent from process to process
        raise NotRendered(str(error)) from None
    finally:
        signal.alarm(0)


def _prepared(page: PageRequest) -> NDArray[np.uint8]:
    """The page as it was read."""
    from pipelines.preprocess.unwarper import sample  # noqa: PLC0415  -- only the process that renders needs it
    from pipelines.transform import turn  # noqa: PLC0415  -- as above

    opened = open_document(page.path, dpi=page.dpi, limits=page.limits, password=page.password)
    with opened as document:
        image = document.page(page.number).image
    if page.transform is None:
        return image
    image = turn(image, int(page.transform["angle"]))
    grid = page.transform["grid"]
    if grid is None:
        return image
    return sample(image, np.asarray([grid["x"], grid["y"]], dtype=np.float32))


def _encoded(image: NDArray[Any], max_side: int | None) -> bytes:
    import cv2  # noqa: PLC0415  -- only the process that renders needs it

    scale = 1.0 if max_side is None else min(1.0, max_side / max(image.shape[:2]))
    if scale < 1:
        size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()

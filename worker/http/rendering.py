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
from dataclasses import dataclass
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


class PageRenderer:
    """Renders pages, one at a time, and remembers the latest pictures."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
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
        """Return a page as JPEG. Raises `NotRendered`."""
        pool = self._opened()
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, render_page, page)
        except BrokenProcessPool:
            if self._pool is pool:
                self._pool = None
            raise NotRendered("The page cannot be shown: its reader crashed, or took too long.") from None

    def warm(self) -> None:
        """Start the process, so that the first picture does not wait for that."""
        if self._pool is None:
            self._opened().submit(os.getpid)

    def _opened(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, context, _end_with_parent, max_tasks_per_child=_TASKS)
        return self._pool

    def close(self) -> None:
        """End the process."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def _end_with_parent() -> None:
    """Have this process end when the service does, even if that is killed."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


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

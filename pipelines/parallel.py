"""Work shared out to several threads, with the answers in the order of the questions."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_parallel(items: Iterable[T], workers: Sequence[Callable[[T], R]]) -> Generator[R, None, None]:
    """Each item's answer, in order; whichever worker is free takes the next item.

    Items are taken in the caller's thread, at most one more than there are workers ahead of the answer that
    is waited for. A worker is never called twice at once. A single one is called in the caller's thread.

    What an item, or taking it, raises is raised in its place and ends the iteration. When that ends, work
    already begun is waited for and the rest is given up.
    """
    if len(workers) == 1:
        yield from map(workers[0], items)
        return
    idle: SimpleQueue[Callable[[T], R]] = SimpleQueue()
    for worker in workers:
        idle.put(worker)

    def answer(item: T) -> R:
        worker = idle.get()
        try:
            return worker(item)
        finally:
            idle.put(worker)

    pool = ThreadPoolExecutor(len(workers), thread_name_prefix="device")
    try:
        yield from _in_order(iter(items), lambda item: pool.submit(answer, item), len(workers) + 1)
    finally:
        pool.shutdown(cancel_futures=True)


def spread(work: Callable[[T], R], items: Sequence[T], threads: int) -> list[R]:
    """Each item's answer, in order; up to `threads` items are worked on at once.

    What an item raises is raised once all work already begun has ended. `work` may not call this itself.
    """
    if threads == 1 or len(items) < 2:  # noqa: PLR2004  -- one alone is company for nobody
        return [work(item) for item in items]
    pending = [_threads(threads).submit(work, item) for item in items]
    try:
        return [future.result() for future in pending]
    finally:
        begun = [future for future in pending if not future.cancel()]
        wait(begun)


@cache
def _threads(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="stream")


def _in_order(items: Iterator[T], submit: Callable[[T], Future[R]], ahead: int) -> Iterator[R]:
    pending: deque[Future[R]] = deque()
    more = True
    while more or pending:
        while more and len(pending) < ahead:
            try:
                pending.append(submit(next(items)))
            except StopIteration:
                more = False
            except Exception as error:  # noqa: BLE001  -- raised again in its turn
                more = False
                pending.append(_failed(error))
        if pending:
            yield pending.popleft().result()


def _failed(error: Exception) -> Future[R]:
    future: Future[R] = Future()
    future.set_exception(error)
    return future

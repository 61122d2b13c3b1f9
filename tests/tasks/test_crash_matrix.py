"""A process is killed before its n-th call of Redis or the storage; nothing is lost, or done twice.

The work is done in a fork of this process. What it had sent is lost with it, Redis may then lose everything
or go back to what it held before, and the work goes on here.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from desk import Desk

from infra.status.scripts import Scripts
from infra.status.states import DocumentState
from infra.storage.directory import DirectoryStorage
from tasks.audit import audit_document
from tasks.pagefiles import PageFiles
from tasks.places import Folder
from tasks.queues import PAGES
from tasks.reopen import retry
from tasks.walk import Entry, documents, result_keys

NUMBERS = (1, 2, 3, 4)
LOSSES = ("nothing", "everything", "the latest")
_STEP = 5  # each run takes some of the calls; their order varies with the threads, so all have their turn
_CALLS = ("create", "replace", "delete", "read", "head", "list", "fetch")


@pytest.fixture
def values() -> dict[str, Any]:
    """Two ranges, so that one is begun while the other waits."""
    return {"queue": {"lease_seconds": 60, "heartbeat_seconds": 20, "range_pages": 2, "resend_seconds": 5}}


class Mortal:
    """What the fork does, and where it ends."""

    def __init__(self, desk: Desk, last: int, act: Callable[[], object]) -> None:
        self._desk = desk
        self._last = last
        self._act = act
        self._calls = 0
        self._lock = threading.Lock()
        self.snapshot: dict[bytes, bytes] = {}

    def run(self) -> bool:
        """Do the work in a fork; says whether it was killed rather than done."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            self._live(writer)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            read = [int(line) for line in pipe.read().split()]
        self.reads = Counter(read)
        _, status = os.waitpid(pid, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        assert killed or os.waitstatus_to_exitcode(status) == 0, "the fork failed by itself"
        return killed

    def _live(self, writer: int) -> None:
        """Never returns."""
        try:
            self._guard(DirectoryStorage, *_CALLS)
            self._guard(Scripts, "run")
            predict = self._desk.pipeline.predict

            def counted(page: Any, **options: Any) -> Iterator[Any]:
                os.write(writer, b"%d\n" % page.number)
                yield from predict(page, **options)

            self._desk.pipeline.predict = counted  # type: ignore[method-assign]
            self._act()
            self._desk.work()
        except BaseException:  # noqa: BLE001  -- a fork must not go on as if it were the test
            os._exit(3)
        os._exit(0)

    def _guard(self, owner: type, *names: str) -> None:
        for name in names:
            setattr(owner, name, self._dying(getattr(owner, name)))

    def _dying(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*arguments: Any, **options: Any) -> Any:
            with self._lock:
                self._calls += 1
                if self._calls == self._last:
                    os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **options)

        return guarded


def requested(desk: Desk) -> list[Entry]:
    return list(documents(result_keys(desk.context.results, "")))


def written(desk: Desk, folder: Folder) -> set[int]:
    """Pages that need no reading."""
    files = desk.context.page_files(folder, 1)
    return {number for number, _ in files.settled(NUMBERS[0], NUMBERS[-1])}


def lose(desk: Desk, loss: str, snapshot: dict[bytes, bytes]) -> None:
    """Have Redis lose what it is to lose; messages are lost in any case."""
    desk.messages.clear()
    if loss == "everything":
        desk.lose()
    elif loss == "the latest":
        desk.roll_back(snapshot)


def check_whole(desk: Desk, document: str, generation: int) -> None:
    """Everything is there, once, and as the manifest says."""
    found = desk.document(document)
    assert (found.state, found.done, found.failed) == (DocumentState.SUCCEEDED, len(NUMBERS), 0)
    (entry,) = requested(desk)
    with ThreadPoolExecutor(2) as pool:
        assert audit_document(desk.context.results, entry, pool).problems == []
    assert desk.manifest(document)["generation"] == generation
    assert not [key for key in desk.store.client.scan_iter("*") if ":released:" in str(key)]
    assert desk.store.listing.active() == []


def clear(desk: Desk) -> None:
    """Nothing of the round before is left."""
    desk.lose()
    for path in sorted(desk.path("").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    desk.pipeline.reads.clear()
    desk.context.request.cache_clear()  # type: ignore[attr-defined]
    desk.context.page_files.cache_clear()  # type: ignore[attr-defined]


@pytest.mark.parametrize("loss", LOSSES)
def test_a_document_survives_a_kill_before_any_call(desk: Desk, loss: str) -> None:
    desk.pdf(pages=len(NUMBERS))
    snapshot: dict[bytes, bytes] = {}
    last, killed = LOSSES.index(loss) + 1, True
    while killed:
        clear(desk)
        mortal = Mortal(desk, last, desk.ingest)
        killed = mortal.run()
        half_way = desk.snapshot()
        lose(desk, loss, snapshot)
        snapshot = half_way
        if not requested(desk):  # its announcement was not acknowledged, and comes again
            desk.ingest()
        (entry,) = requested(desk)
        before = written(desk, entry.folder)
        desk.recover()
        if desk.store.listing.document(entry.folder.document) is None:
            desk.ingest()  # it ended before the loss: an announcement has Redis know it again
        check_whole(desk, entry.folder.document, 1)
        read = mortal.reads + desk.pipeline.reads
        assert not before & set(desk.pipeline.reads), f"read again after call {last}"
        assert max(read.values()) <= 2
        assert set(read) == set(NUMBERS)
        last += _STEP


@pytest.mark.parametrize("loss", LOSSES)
def test_a_retry_survives_a_kill_before_any_call(desk: Desk, loss: str) -> None:
    desk.pdf(pages=len(NUMBERS))
    last, killed = LOSSES.index(loss) + 1, True
    while killed:
        clear(desk)
        document = with_a_failed_page(desk)
        snapshot = desk.snapshot()
        folder = desk.folder(document)
        mortal = Mortal(desk, last, partial(retry, desk.tools, desk.context.results, folder))
        killed = mortal.run()
        lose(desk, loss, snapshot)
        desk.pipeline.reads.clear()
        desk.recover()
        manifest = desk.path(folder.manifest).read_text()
        if '"partial"' in manifest:  # whoever asked for it was killed, too, and asks again
            retry(desk.tools, desk.context.results, folder)
            desk.recover()
        desk.ingest()  # whatever Redis was rolled back to, an announcement has it know the end
        check_whole(desk, document, 2)
        assert set(mortal.reads + desk.pipeline.reads) == {2}
        last += _STEP


def with_a_failed_page(desk: Desk) -> str:
    document = desk.ingest()
    desk.work(until=PAGES)
    files = PageFiles(desk.context.results, desk.folder(document))
    files.write_failure(2, "three deaths", cause="processing")
    desk.work()
    return document


def test_the_matrix_kills_what_it_says(desk: Desk, tmp_path: Path) -> None:
    desk.pdf(pages=len(NUMBERS))
    mortal = Mortal(desk, 3, desk.ingest)
    assert mortal.run()
    assert len(requested(desk)) <= 1
    assert not mortal.reads

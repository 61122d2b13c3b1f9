"""Pages that take a process's memory: ended by name, each charged as for a death, and the others are read."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from crew import Site, site, states, wait_for, write_pdf
from desk import Desk
from swelling import encrypted, lzw_coded, nested_forms

from infra.errors import BrokerUnavailable, SettingsError
from infra.settings import QueueSettings
from infra.status import Activity
from infra.status.states import DocumentState
from infra.status.work import Claim, PageRange
from tasks import memory as memory_module
from tasks.heart import Heart
from tasks.memory import Memory, available_mb
from tasks.queues import PAGES
from worker.stack.valkey import ValkeyHandle

LIMIT_MB = 300
REASON = f"Reading the page took its process to more than {LIMIT_MB} MiB of memory each time."


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory, valkey: ValkeyHandle) -> Iterator[Site]:
    queue = {"page_memory_mb": LIMIT_MB}
    with site(tmp_path_factory.mktemp("swelling"), valkey.broker_url, "swelling:", queue=queue) as made:
        made.start("control")
        made.start("cpu")
        made.ready(control=1, cpu=1)
        yield made


@pytest.mark.parametrize("make", [nested_forms, lzw_coded, partial(encrypted, 400)])
def test_a_page_that_takes_too_much_memory_fails_and_says_so(
    limited: Site, make: Callable[[], bytes]
) -> None:
    before = len([one for one in limited.documents() if one.terminal])
    name = f"{before}.pdf"
    (limited.inbox / name).write_bytes(make())
    limited.announce(name)
    document = limited.ended(before + 1)[-1]
    assert (document.state, document.done, document.failed) == (DocumentState.PARTIAL, 2, 1)
    manifest = limited.manifest(document)
    assert states(manifest) == ["done", "failed", "done"]
    assert manifest["pages"][1]["reason"] == REASON
    ends = f"rendering page 2 of document {document.id} took the process to "
    assert limited.logs().count(ends) == 3

    def replaced() -> str | None:
        return next((beat.replaced for beat in limited.store.fleet.workers() if beat.device == "cpu"), None)

    assert "rendering page 2 of document" in wait_for(replaced, "the reason")


def test_what_reads_after_it_is_as_sound_as_before(limited: Site) -> None:
    before = len([one for one in limited.documents() if one.terminal])
    write_pdf(limited.inbox / "sound.pdf", 2)
    limited.announce("sound.pdf")
    found = next(one for one in limited.ended(before + 1) if one.source.endswith("sound.pdf"))
    assert found.state is DocumentState.SUCCEEDED


@pytest.mark.parametrize(
    ("between", "page", "available", "most"),
    [
        (0, 0, 0, None),
        (0, 500, 0, 500),
        (300, 0, 0, 600),
        (300, 500, 1000, 500),
        (300, 0, 500, 450),
        (0, 0, 1000, 900),
        (0, 0, 200, None),  # it holds more already, of which the system may count little
    ],
)
def test_the_limit_follows_from_what_is_known(
    between: float, page: float, available: float, most: float | None
) -> None:
    held = 190.0
    memory = Memory(between, page, available=available, measure=lambda: held)
    held = 1e6
    assert memory.far_over() is None  # it gets warm
    held = 190.0
    memory.check_warm()
    assert memory.far_over() is None
    held = 1e6
    assert memory.far_over() == (None if most is None else (held, most))


def test_limits_that_leave_pages_nothing_are_refused() -> None:
    with pytest.raises(SettingsError, match="PAGE_MEMORY_MB is 100, but a process holds 200 MiB"):
        Memory(0, 100, measure=lambda: 200.0).check_warm()
    with pytest.raises(ValueError, match="page_memory_mb must not be less than child_memory_mb"):
        QueueSettings(child_memory_mb=300, page_memory_mb=200)


@pytest.mark.parametrize(("told", "megabytes"), [("max\n", None), (f"{3 << 24}\n", 48), (None, None)])
def test_what_there_is_to_be_had_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str | None, megabytes: float | None
) -> None:
    place = tmp_path / "memory.max"
    if told is not None:
        place.write_text(told)
    monkeypatch.setattr(memory_module, "_CONTAINER", place)
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**20
    assert available_mb() == (machine if megabytes is None else megabytes)


@pytest.mark.parametrize("away", [False, True])
def test_the_process_ends_whether_redis_is_there_or_not(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, away: bool
) -> None:
    desk.pdf(pages=2)
    document = desk.ingest()
    desk.work(until=PAGES)
    pages = PageRange(document, 1, 1, 2)
    held, ended = [1.0], threading.Event()
    memory = Memory(0, 2, measure=lambda: held[-1])
    memory.check_warm()
    queue = QueueSettings(heartbeat_seconds=0.05)
    heart = Heart(desk.store.status, queue, worker="w", say=lambda _: None, end=ended.set, memory=memory)
    if away:
        gone = BrokerUnavailable("away")
        monkeypatch.setattr(desk.store.status, "fault_page", lambda *_: (_ for _ in ()).throw(gone))
    heart.start()
    with heart.hold() as hold:
        for number in pages.first, pages.last:
            assert desk.store.status.begin_page(pages, number, hold.owner)[0] is Claim.GO
            hold.add(pages.page_lease(number))
        with hold.timed(Activity.READING, document, 1):
            held.append(3.0)
            assert ended.wait(60)
    heart.stop()
    reasons = desk.store.listing.reasons(document)
    told = "Reading the page took its process to more than 2 MiB of memory each time."
    assert reasons == ({} if away else {1: told})  # page 2 only waits

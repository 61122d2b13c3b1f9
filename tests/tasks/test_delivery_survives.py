"""Real control workers deliver, and die while they do; a real receiver fails, goes away and comes back."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crew import Site, site, wait_for, write_pdf
from receiver import Received, Receiver, failing, receiver

from worker.stack.valkey import ValkeyHandle

SECRET = "of the tests"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "events.md"
REFUSED = {"dpi": 10_000}  # such a document has ended as soon as it is opened, without a worker that reads


@pytest.fixture(scope="module")
def listening() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


@pytest.fixture(scope="module")
def control(
    tmp_path_factory: pytest.TempPathFactory, valkey: ValkeyHandle, listening: Receiver
) -> Iterator[Site]:
    """A site with a control worker."""
    folder = tmp_path_factory.mktemp("survives")
    (folder / "secret").write_text(f"{SECRET}\n")
    notify = {
        "targets": [listening.url],
        "secrets": [f"file:{folder / 'secret'}"],
        "timeout_seconds": 1,
        "retry_seconds": 0.1,
        "retry_limit_seconds": 0.4,
    }
    with site(folder, valkey.broker_url, "survives:", notify=notify) as made:
        made.start("control")
        made.ready(control=1)
        yield made


@pytest.fixture
def hook(listening: Receiver) -> Receiver:
    """The receiver, without what it got before."""
    listening.requests.clear()
    return listening


def announce(control: Site, *keys: str) -> None:
    for key in keys:
        write_pdf(control.inbox / key, 1)
        control.announce(key, **REFUSED)


def kill(control: Site) -> None:
    """Kill the process that runs the control worker's tasks."""
    pid = wait_for(lambda: _child(control), "a control worker's process")
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: _child(control) not in (None, pid), "another process")


def _child(control: Site) -> int | None:
    beats = [beat for beat in control.store.fleet.workers() if beat.device == "control"]
    return next((beat.pid for beat in beats if beat.state != "warming"), None)


def told_all(control: Site, hook: Receiver, count: int) -> dict[str, list[Received]]:
    """Wait until so many documents were told of and nothing is owed; what was taken, by document.

    A process may have died between delivering a letter and noting that; the next look at the results does.
    """

    def look() -> bool:
        ids = {request.event["data"]["id"] for request in hook.taken}
        return len(ids) >= count and not control.store.outbox.pending(1)

    wait_for(look, f"{count} documents that were told of; logs in {control.folder}")
    before = len(hook.requests)
    control.store.passes.forget()
    wait_for(lambda: not _owing(control), "a look at the results")
    assert len(hook.requests) == before
    found: dict[str, list[Received]] = defaultdict(list)
    for request in hook.taken:
        found[request.event["data"]["id"]].append(request)
    return found


def _owing(control: Site) -> list[Path]:
    return list(Path(control.settings.results.removeprefix("file://")).rglob("callbacks.json"))


def is_genuine(request: Received) -> bool:
    """What docs/events.md says of a request."""
    (example,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(example, PAGE.name, "exec"), names)
    return bool(names["is_genuine"](request.headers["Pageline-Signature"], request.body, SECRET))


def test_a_delivery_in_the_hands_of_a_process_that_is_killed_is_done_again(
    control: Site, hook: Receiver
) -> None:
    in_hand, release = threading.Event(), threading.Event()

    def holding(_: Received) -> int:
        if not in_hand.is_set():
            in_hand.set()
            release.wait(60)
        return 204

    hook.answer = holding
    announce(control, "a.pdf")
    assert in_hand.wait(120)
    kill(control)
    wait_for(lambda: hook.taken, "the same event again")
    release.set()
    wait_for(lambda: len(hook.requests) >= 2, "the answer that came too late")
    ((document, requests),) = told_all(control, hook, 1).items()
    assert {request.event["id"] for request in hook.requests} == {f"{document}:1"}
    assert len({request.body for request in hook.requests}) == 1
    assert all(map(is_genuine, requests))


def test_failures_absence_and_deaths_cost_no_document_its_message(control: Site, hook: Receiver) -> None:
    count, before = 20, len(control.documents())
    hook.answer = failing(0.5, seed=5)
    names = [f"{number}.pdf" for number in range(count)]
    announce(control, *names[:10])
    wait_for(lambda: len(hook.taken) >= 3, "some events")
    hook.down()
    announce(control, *names[10:])
    control.ended(before + count)
    wait_for(
        lambda: any("cannot be reached" in (each.reason or "") for each in control.store.outbox.pending(99)),
        "a try that found nobody",
    )
    hook.up()
    wait_for(lambda: len(hook.taken) >= 6, "more events")
    kill(control)
    taken = told_all(control, hook, count)
    assert len(taken) == count
    assert {request.event["data"]["state"] for request in hook.requests} == {"rejected"}
    assert all(is_genuine(request) for request in hook.requests)
    assert len(hook.requests) > len(hook.taken)

"""A range that takes longer than the broker waits for it: its message comes again, and does no work."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from crew import site, wait_for, write_pdf

from infra.status.states import DocumentState
from worker.stack.valkey import ValkeyHandle

VISIBILITY = 1
PREFIX = "visibility:"


def test_a_range_of_three_times_the_visibility_timeout_is_committed_once_a_page(
    tmp_path: Path, valkey: ValkeyHandle
) -> None:
    log, gate = tmp_path / "log", tmp_path / "gate"
    log.mkdir()
    gate.mkdir()
    with site(tmp_path, valkey.broker_url, PREFIX, queue={"visibility_seconds": VISIBILITY}) as made:
        client = made.store.client

        def clock() -> int:
            return int(client.time()[0])  # type: ignore[index]  # redis-py's types cover asyncio

        made.start("control")
        made.start("cpu", log=str(log), gate=str(gate))
        made.ready(control=1, cpu=1)
        write_pdf(made.inbox / "slow.pdf", 3)
        made.announce("slow.pdf")
        wait_for(lambda: list(gate.glob("page-1-*")), "a page in hand")
        begun = clock()
        first = made.child_pid()
        made.start("cpu", log=str(log), gate=str(gate))
        made.ready(control=1, cpu=2)
        unacked = f"{PREFIX}unacked"
        wait_for(lambda: "pages 1 to 3 is dropped: held" in made.logs(), "the second copy")
        wait_for(lambda: not client.hlen(unacked), "the end of the second copy")
        wait_for(lambda: clock() > begun + 3 * VISIBILITY, "three timeouts")
        assert {path.name for path in gate.iterdir()} == {f"page-1-{first}"}
        (gate / "open").touch()
        (document,) = made.ended()
        assert (document.state, document.done) == (DocumentState.SUCCEEDED, 3)
        assert {path.name.rpartition("-")[2] for path in gate.glob("page-*")} == {str(first)}
        assert Counter(path.name.split("-")[1] for path in log.iterdir()) == Counter("123")
        assert client.hget(f"{PREFIX}counters", "pages_total|done") == "3"

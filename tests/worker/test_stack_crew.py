from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from crew import wait_for

from infra.errors import ServiceError
from infra.settings import Settings, load_settings
from worker.stack.crew import Crew, worker_environment
from worker.stack.plan import Plan
from worker.stack.processes import ChildProcess
from worker.stack.valkey import ValkeyHandle

PLAN = Plan(workers=1, engine="fake")


@pytest.fixture
def settings(valkey: ValkeyHandle, tmp_path: Path) -> Settings:
    return load_settings(
        {
            "broker_url": valkey.broker_url,
            "key_prefix": f"{tmp_path.name}:",
            "results": str(tmp_path / "results"),
            "work_dir": str(tmp_path / "work"),
            "pipeline": PLAN.settings,
        }
    )


@pytest.fixture
def crew(settings: Settings, tmp_path: Path) -> Iterator[Crew]:
    crew = Crew(tmp_path / "crew", settings, PLAN)
    yield crew
    crew.stop(grace=0)


def kill(crew: Crew, name: str) -> list[str]:
    """Kill a worker outright, and return what tending then says."""
    os.kill(crew.pids[name], signal.SIGKILL)
    return wait_for(crew.tend)


def test_a_worker_that_ends_is_replaced_and_the_others_are_left_alone(crew: Crew) -> None:
    assert crew.tend() == []
    before = crew.pids
    assert before.keys() == {"control", "worker-1"}
    assert kill(crew, "worker-1") == ["worker-1 ended with status -9 and was started again"]
    assert crew.pids["control"] == before["control"]
    assert crew.pids["worker-1"] != before["worker-1"]


def test_a_worker_that_keeps_ending_is_given_up_with_the_end_of_its_log(crew: Crew) -> None:
    for _ in range(3):
        kill(crew, "control")
    with pytest.raises(ServiceError, match=r"control has ended 4 times in 10 minutes, .* status -9"):
        kill(crew, "control")


def test_a_worker_that_ends_now_and_then_is_replaced_for_ever(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.stack.crew._WITHIN_SECONDS", 0.0)
    for _ in range(5):
        assert kill(crew, "control") == ["control ended with status -9 and was started again"]


def test_stopping_leaves_no_process_and_can_be_repeated(crew: Crew) -> None:
    pids = crew.pids.values()
    crew.stop(grace=0)
    crew.stop(grace=0)
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


def test_workers_leave_the_processor_to_the_service(settings: Settings, tmp_path: Path) -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    crew = Crew(tmp_path / "crew", settings, Plan(workers=1, engine="fake", serves=True))
    try:
        expected = {"control": min(19, own + 5), "worker-1": min(19, own + 10), "http": own}

        def as_expected() -> bool:
            return {name: os.getpriority(os.PRIO_PROCESS, pid) for name, pid in crew.pids.items()} == expected

        assert wait_for(as_expected)
    finally:
        crew.stop(grace=0)


def test_a_crew_that_cannot_start_leaves_nothing(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed = tmp_path / "crew" / "pids" / "worker-1.pid"
    with (
        ChildProcess(["sleep", "60"], os.environ, tmp_path / "log", pid_path=claimed),
        pytest.raises(ServiceError, match="in use by another running stack"),
    ):
        Crew(tmp_path / "crew", settings, PLAN)
    assert not (tmp_path / "crew" / "pids" / "control.pid").exists()


def test_workers_get_these_settings_and_no_others(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGELINE_PIPELINE__ENGINE", "paddle")
    told = worker_environment(settings, Plan(workers=1000, engine="fake"))
    assert "PAGELINE_PIPELINE__ENGINE" not in told
    assert '"engine": "fake"' in told["PAGELINE_PIPELINE"]
    assert told["PYTHONSAFEPATH"] == "1"
    assert told["OMP_NUM_THREADS"] == "1"

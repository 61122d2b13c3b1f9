"""The file that a worker's processes leave their beat in, and the probe that reads it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from crew import site, wait_for

from infra.status import Activity, Doing, Heartbeat
from worker.pulse import PulseFile, folder_of, pulses
from worker.stack.valkey import ValkeyHandle

HEAVY = ("redis", "celery", "infra.settings", "numpy", "boto3")
Leave = Callable[..., Path]


def worker_name(device: str = "cpu") -> str:
    """A worker that is this process."""
    return f"{device}@{socket.gethostname()}.{os.getpid()}"


def heartbeat(name: str, state: str = "idle", doing: tuple[Doing, ...] = ()) -> dict[str, Any]:
    fields = {"host": "h", "pid": 1, "device": "cpu", "kind": "cpu", "started": 0.0}
    beat = Heartbeat.model_validate({"name": name, "state": state, "doing": doing, **fields})
    return beat.model_dump(mode="json")


@pytest.fixture
def leave(tmp_path: Path) -> Leave:
    """Leaves a beat of a worker; its folder."""

    def left(name: str | None = None, *, seconds: float = 60, **fields: Any) -> Path:
        name = name or worker_name()
        folder = folder_of(tmp_path, name)
        folder.mkdir(parents=True, exist_ok=True)
        folder.with_name(f"{folder.name}.lock").touch()
        PulseFile(folder, seconds).beat(heartbeat(name, **fields))
        return folder

    return left


def ailments(tmp_path: Path, name: str = "") -> list[str | None]:
    return [pulse.ailment for pulse in pulses(tmp_path, name)]


def doing(until: float | None) -> tuple[Doing, ...]:
    return (Doing(activity=Activity.WRITING, document="d", page=3, since=0, until=until),)


def test_one_that_idles_or_gets_on_is_alive(tmp_path: Path, leave: Leave) -> None:
    leave()
    assert ailments(tmp_path) == [None]
    leave(state="busy", doing=doing(time.time() + 60))
    assert ailments(tmp_path) == [None]
    leave(state="busy", doing=doing(None))
    assert ailments(tmp_path) == [None]


def test_one_that_is_stuck_or_silent_is_not(tmp_path: Path, leave: Leave) -> None:
    leave(state="busy", doing=doing(time.time() - 1))
    assert ailments(tmp_path) == ["writing of document d takes too long"]
    leave(seconds=-7)
    assert ailments(tmp_path) == ["its last beat is 7 s too old"]


def test_one_without_a_beat_is_not_alive_yet(tmp_path: Path, leave: Leave) -> None:
    (leave() / "pulse.json").unlink()
    assert ailments(tmp_path) == ["it has no beat yet"]


def test_processes_that_follow_each_other_and_never_get_warm_are_noticed(
    tmp_path: Path, leave: Leave, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(state="warming")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 299)
    leave(state="warming")
    assert ailments(tmp_path) == [None]
    monkeypatch.setattr(time, "time", lambda: now + 301)
    leave(state="warming")
    (ailment,) = ailments(tmp_path)
    assert ailment is not None
    assert ailment.startswith("it has not got warm for 30")
    leave()
    leave(state="warming")
    assert ailments(tmp_path) == [None]


def test_what_the_dead_have_left_and_workers_of_other_hosts_do_not_count(
    tmp_path: Path, leave: Leave
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    leave(f"cpu@{socket.gethostname()}.{gone.pid}", seconds=-1)
    leave(f"cpu@elsewhere.{os.getpid()}", seconds=-1)
    assert pulses(tmp_path) == []


def test_workers_are_told_apart_by_the_start_of_their_names(tmp_path: Path, leave: Leave) -> None:
    leave(worker_name("gpu:0"))
    leave(worker_name("control"), seconds=-1)
    assert ailments(tmp_path, "gpu:0") == [None]
    assert len(ailments(tmp_path)) == 2


def alive(work_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "worker.cli", "alive", *arguments],
        env={**os.environ, "PAGELINE_WORK_DIR": str(work_dir)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_ends_with_1_unless_all_are_alive(tmp_path: Path, leave: Leave) -> None:
    found = alive(tmp_path)
    assert (found.returncode, "no worker runs" in found.stdout) == (1, True)
    leave(worker_name("gpu:0"))
    found = alive(tmp_path)
    assert (found.returncode, found.stdout) == (0, f"{worker_name('gpu:0')}: alive\n")
    leave(worker_name("control"), seconds=-1)
    assert alive(tmp_path).returncode == 1
    assert alive(tmp_path, "gpu").returncode == 0


def test_a_worker_is_alive_until_its_process_stands_still(tmp_path: Path, valkey: ValkeyHandle) -> None:
    with site(tmp_path, valkey.broker_url, "pulse:") as made:
        made.start("control")
        made.ready(control=1)
        work_dir, child = made.settings.work_dir, made.child_pid("control")
        wait_for(lambda: ailments(work_dir) == [None], "a beat")
        os.kill(child, signal.SIGSTOP)
        wait_for(lambda: any(ailments(work_dir)), "silence")
        os.kill(child, signal.SIGCONT)
        wait_for(lambda: ailments(work_dir) == [None], "a beat once more")


def test_the_command_imports_nothing_heavy(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom worker.cli import main\nsys.argv = ['pageline', 'alive']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print(sorted(set(sys.modules) & set({HEAVY!r})))"
    )
    found = subprocess.run(
        [sys.executable, "-P", "-c", script],
        env={**os.environ, "PAGELINE_WORK_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.splitlines()[-1] == "[]"


def test_threads_of_a_process_beat_side_by_side(tmp_path: Path) -> None:
    """The heart beats while a process says that it is ready: one took the other's file away."""
    file, beat = PulseFile(tmp_path, 9), heartbeat(worker_name())
    with ThreadPoolExecutor(4) as pool:
        beats = [pool.submit(file.beat, beat) for _ in range(400)]
        assert [one.result() for one in beats] == [None] * 400
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pulse.json"]

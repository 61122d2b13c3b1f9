from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.errors import ServiceError
from worker.stack.pidfile import Identity, PidFile, end_group
from worker.stack.processes import ChildProcess, python_command

WAIT = "import signal; print('ready', flush=True); signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + WAIT
POLITE = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); " + WAIT
WITH_CHILD = f"""
import signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {STUBBORN!r}], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
signal.pause()
"""
# Starts a child as the stack does, says which, and dies the hard way.
KILLED = """
import os, signal, sys
from pathlib import Path
from worker.stack.processes import ChildProcess, python_command

folder = Path(sys.argv[1])
child = ChildProcess(python_command("-c", sys.argv[2]), os.environ, folder / "log", pid_path=folder / "pid")
child.wait_until(lambda: "ready" in (folder / "log").read_text(), 30)
print(child.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def start(tmp_path: Path, code: str, word: str = "ready") -> ChildProcess:
    child = ChildProcess(
        python_command("-c", code), os.environ, tmp_path / "log", pid_path=tmp_path / "pid", name="child"
    )
    child.wait_until(lambda: word in (tmp_path / "log").read_text(), 30)
    return child


def orphan_of_a_killed_parent(tmp_path: Path, code: str = WAIT) -> Identity:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path, code],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    orphan = Identity.of(int(killed.stdout))
    assert orphan is not None
    return orphan


def test_a_child_runs_in_a_session_of_its_own_and_ends_when_asked(tmp_path: Path) -> None:
    child = start(tmp_path, POLITE)
    assert child.poll() is None
    assert os.getsid(child.pid) == os.getpgid(child.pid) == child.pid
    with pytest.raises(TimeoutError, match="child still runs after 0 s"):
        child.wait(0)
    assert child.terminate(30) == 7
    assert child.poll() == 7
    assert child.terminate(30) == 7
    assert not (tmp_path / "pid").exists()


def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    assert start(tmp_path, STUBBORN).terminate(0) == -signal.SIGKILL


def test_a_killed_child_takes_its_own_children_along(tmp_path: Path) -> None:
    child = start(tmp_path, WITH_CHILD, word="\n")
    grandchild = Identity.of(int((tmp_path / "log").read_text()))
    assert grandchild is not None
    child.kill()
    gone(grandchild)


def test_a_child_that_dies_takes_its_own_children_along(tmp_path: Path) -> None:
    child = start(tmp_path, WITH_CHILD, word="\n")
    grandchild = Identity.of(int((tmp_path / "log").read_text()))
    assert grandchild is not None
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait(30) == -signal.SIGKILL
    gone(grandchild)


def gone(process: Identity) -> None:
    """Wait for the end of a process that is not our child."""
    if process.alive():
        descriptor = os.pidfd_open(process.pid)
        ended, _, _ = select.select([descriptor], [], [], 30)
        os.close(descriptor)
        assert ended


def test_leaving_the_block_ends_the_child(tmp_path: Path) -> None:
    with start(tmp_path, WAIT) as child:
        assert child.poll() is None
    assert child.poll() == -signal.SIGTERM


def test_a_program_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=r"no-such-program could not be started: .*No such file"):
        ChildProcess(["/no-such-program"], {}, tmp_path / "log", pid_path=tmp_path / "pid")
    PidFile(tmp_path / "pid").release()  # the claim was given up


def test_a_child_that_ends_at_its_start_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    code = "import sys; [print('line', n) for n in range(9)]; sys.exit('what is wrong')"
    child = ChildProcess(python_command("-c", code), os.environ, tmp_path / "log", name="child")
    with pytest.raises(ServiceError, match=r"child ended with status 1 at its start: line 5 \|.*is wrong"):
        child.wait_until(lambda: False, 30)


def test_a_child_that_is_not_ready_in_time_is_killed(tmp_path: Path) -> None:
    child = ChildProcess(python_command("-c", WAIT), os.environ, tmp_path / "log", name="child")
    with pytest.raises(ServiceError, match="child was not ready within 0 s"):
        child.wait_until(lambda: False, 0)
    assert child.poll() == -signal.SIGKILL


def test_whoever_interrupts_the_wait_leaves_no_child(tmp_path: Path) -> None:
    child = ChildProcess(python_command("-c", WAIT), os.environ, tmp_path / "log", pid_path=tmp_path / "pid")

    def interrupted() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        child.wait_until(interrupted, 30)
    assert child.poll() == -signal.SIGKILL


def test_the_log_of_the_start_before_is_kept(tmp_path: Path) -> None:
    for text in ("first", "second", "third"):
        child = ChildProcess(python_command("-c", f"print({text!r})"), os.environ, tmp_path / "log")
        child.wait(30)
    assert (tmp_path / "log").read_text() == "third\n"
    assert (tmp_path / "log.1").read_text() == "second\n"


def test_a_child_gets_the_environment_it_is_given_and_no_other(tmp_path: Path) -> None:
    code = "import json, os, sys; print(json.dumps([dict(os.environ), os.getcwd(), sys.path]))"
    child = ChildProcess(python_command("-c", code), {"ONLY": "this"}, tmp_path / "log", cwd=tmp_path)
    child.wait(30)
    environment, cwd, path = json.loads((tmp_path / "log").read_text())
    environment.pop("LC_CTYPE", None)  # Python sets it itself where no locale is given
    assert environment == {"ONLY": "this"}
    assert cwd == str(tmp_path)
    assert "" not in path
    assert str(tmp_path) not in path


def test_one_service_runs_once(tmp_path: Path) -> None:
    with start(tmp_path, WAIT), pytest.raises(ServiceError, match="in use by another running stack"):
        start(tmp_path, WAIT)
    start(tmp_path, WAIT).kill()


def test_a_child_that_ended_does_not_give_up_its_successor_s_claim(tmp_path: Path) -> None:
    first = start(tmp_path, WAIT)
    first.kill()
    with start(tmp_path, WAIT):
        first.terminate(0)
        assert (tmp_path / "pid").exists()
        with pytest.raises(ServiceError, match="in use"):
            PidFile(tmp_path / "pid")


def test_any_thread_may_end_a_child(tmp_path: Path) -> None:
    child = start(tmp_path, WAIT)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(child.terminate, 30).result() == -signal.SIGTERM
    assert not (tmp_path / "pid").exists()
    PidFile(tmp_path / "pid").release()


def test_an_orphan_is_found_and_ended(tmp_path: Path) -> None:
    orphan = orphan_of_a_killed_parent(tmp_path)
    assert orphan.alive()
    with start(tmp_path, WAIT) as child:
        assert not orphan.alive()
        assert child.pid != orphan.pid


def test_a_stubborn_orphan_is_killed(tmp_path: Path) -> None:
    orphan = orphan_of_a_killed_parent(tmp_path, STUBBORN)
    end_group(orphan, 0)
    assert not orphan.alive()


def test_a_stranger_with_the_orphan_s_number_is_left_alone(tmp_path: Path) -> None:
    with ChildProcess(python_command("-c", WAIT), os.environ, tmp_path / "log") as stranger:
        (tmp_path / "pid").write_text(json.dumps({"pid": stranger.pid, "started": "at another time"}))
        PidFile(tmp_path / "pid").release()
        assert stranger.poll() is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x", "started": "y"}', '{"pid": 1}'])
def test_a_damaged_pid_file_hinders_nobody(tmp_path: Path, content: str) -> None:
    (tmp_path / "pid").write_text(content)
    PidFile(tmp_path / "pid").release()
    assert not (tmp_path / "pid").exists()


def test_a_zombie_is_no_live_process(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, its status not taken
    assert Identity.of(process.pid) is None
    process.wait()
    assert Identity.of(process.pid) is None


def test_identities_tell_processes_apart() -> None:
    own = Identity.of(os.getpid())
    assert own is not None
    assert own.alive()
    assert Identity.of(os.getpid()) == own
    assert Identity.of(os.getppid()) != own
    assert not Identity(os.getpid(), "another time").alive()

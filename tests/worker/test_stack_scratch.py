from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infra.errors import ServiceError
from worker.stack.pidfile import Identity
from worker.stack.scratch import clear_leftovers, scratch_folder

KILLED = """
import os, signal, sys
from pathlib import Path
from worker.stack.processes import ChildProcess, python_command
from worker.stack.scratch import scratch_folder

with scratch_folder(Path(sys.argv[1])) as folder:
    command = python_command("-c", "import signal; signal.pause()")
    child = ChildProcess(command, os.environ, folder / "log", pid_path=folder / "a.pid")
    print(child.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_folder_is_this_user_s_alone_and_goes_with_its_command(tmp_path: Path) -> None:
    base = tmp_path / "base"
    with scratch_folder(base) as folder:
        assert folder.parent == base
        assert base.stat().st_mode & 0o777 == 0o700
        (folder / "deep").mkdir()
        (folder / "deep" / "file").write_text("x")
    assert list(base.iterdir()) == []


def test_it_goes_when_the_command_fails_too(tmp_path: Path) -> None:
    with pytest.raises(KeyError), scratch_folder(tmp_path / "base"):
        raise KeyError
    assert list((tmp_path / "base").iterdir()) == []


def test_what_a_killed_command_left_is_found_and_ended(tmp_path: Path) -> None:
    base = tmp_path / "base"
    killed = subprocess.run([sys.executable, "-c", KILLED, base], capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    orphan = Identity.of(int(killed.stdout))
    assert orphan is not None
    assert orphan.alive()
    with scratch_folder(base) as folder:
        assert not orphan.alive()
        assert list(base.iterdir()) == [folder]


def test_the_folders_of_living_commands_are_left_alone(tmp_path: Path) -> None:
    with scratch_folder(tmp_path / "base") as first, scratch_folder(tmp_path / "base") as second:
        clear_leftovers(tmp_path / "base")
        assert first.is_dir()
        assert second.is_dir()


def test_a_place_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    base.chmod(0o777)
    with pytest.raises(ServiceError, match="only this user"), scratch_folder(base):
        pass


def test_a_link_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    base = tmp_path / "base"
    base.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ServiceError), scratch_folder(base):
        pass
    assert list((tmp_path / "elsewhere").iterdir()) == []

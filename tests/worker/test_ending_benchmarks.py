"""A benchmark that is told to end takes its servers and workers with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import environment, processes_of
from crew import PATIENCE, wait_for
from services import require

from worker.cli.errors import ExitCode
from worker.stack.valkey import valkey_binary

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="it finds the processes in /proc")
@pytest.mark.parametrize(
    ("program", "results"),
    [("chaos.py --quick --workers 1", "chaos-*/out"), ("events.py --via sqs", "pageline-events-*/sqs/out")],
)
def test_sigterm_leaves_no_process_behind(tmp_path: Path, program: str, results: str) -> None:
    require(valkey_binary)
    script, *options = program.split()
    with subprocess.Popen(
        [sys.executable, BENCHMARKS / script, *options],
        env=environment(tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            wait_for(lambda: list((tmp_path / "tmp").glob(f"{results}/**/request.json")), "a document")
            process.terminate()
            assert process.wait(PATIENCE) == ExitCode.TERMINATED
        finally:
            process.kill()
    # Killed with its group, what a worker has spawned may outlive it by a moment.
    wait_for(lambda: not processes_of(tmp_path), "the end of what they had spawned")

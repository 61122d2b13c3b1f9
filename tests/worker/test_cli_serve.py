"""`pageline serve` as a process."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from pathlib import Path

from command_line import command, environment
from crew import PATIENCE

from worker.stack.valkey import ValkeyHandle


def test_a_fleet_is_served_until_sigterm(tmp_path: Path, valkey: ValkeyHandle) -> None:
    values = {
        "PAGELINE_BROKER_URL": valkey.broker_url,
        "PAGELINE_KEY_PREFIX": f"{tmp_path.name}:",
        "PAGELINE_RESULTS": str(tmp_path / "results"),
    }
    process = subprocess.Popen(
        command("serve", "--port", "0"),
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**environment(tmp_path), **values, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    with process, process.stdout as output:
        address = output.readline().removeprefix("serving ").strip()
        with urllib.request.urlopen(f"{address}readyz", timeout=PATIENCE) as answer:
            assert json.load(answer) == {"state": "ready"}
        process.terminate()
        assert process.wait(PATIENCE) == 0

"""`pageline keys`, and what `pageline serve` refuses."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from command_line import command, environment, pageline

from worker.http.keys import KeyRing


def test_keys_are_made_shown_and_taken_away(tmp_path: Path) -> None:
    named = {**environment(tmp_path), "PAGELINE_HTTP__KEYS_FILE": str(tmp_path / "keys.json")}
    made = subprocess.run(
        command("keys", "add", "a scanner", "--tenant", "a"),
        capture_output=True,
        text=True,
        env=named,
        check=True,
    )
    key = made.stdout.strip()
    found = KeyRing(tmp_path / "keys.json").find(key)
    assert found is not None
    assert (found.name, found.tenant) == ("a scanner", "a")
    listed = pageline(tmp_path, "keys", "list", "--file", "keys.json", "--json")
    assert [one["id"] for one in json.loads(listed.stdout)] == [found.id]
    assert "sha256" not in listed.stdout
    assert pageline(tmp_path, "keys", "remove", "--file", "keys.json", found.id).returncode == 0
    again = pageline(tmp_path, "keys", "remove", "--file", "keys.json", found.id)
    assert (again.returncode, again.stderr) == (1, f"pageline: there is no key {found.id}\n")
    assert KeyRing(tmp_path / "keys.json").find(key) is None


def test_no_keys_no_strangers(tmp_path: Path) -> None:
    unnamed = pageline(tmp_path, "keys", "list")
    assert unnamed.returncode == 2
    assert "PAGELINE_HTTP__KEYS_FILE" in unnamed.stderr
    values = {"PAGELINE_RESULTS": str(tmp_path), "PAGELINE_HTTP__PORT": "0"}
    ended = subprocess.run(
        command("serve", "--host", "0.0.0.0"),
        capture_output=True,
        text=True,
        env={**os.environ, **values},
        check=False,
    )
    assert ended.returncode == 1
    assert "API keys" in ended.stderr

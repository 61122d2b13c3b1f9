"""What a CPU worker needs can be installed on 64-bit Arm without a compiler: the package index is asked."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from services import absent

LOCK = Path(__file__).resolve().parents[1] / "requirements" / "runtime.txt"
# The C libraries of Debian 12, which runs what was built for older ones.
PLATFORMS = (*(f"manylinux_2_{minor}_aarch64" for minor in range(36, 16, -1)), "manylinux2014_aarch64")


def _compiled() -> list[Requirement]:
    """The packages of the lock that apply here and are compiled: the others run anywhere."""
    lines = re.findall(r"^(\S+==.+?) \\$", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    wanted = [one for one in map(Requirement, lines) if one.marker is None or one.marker.evaluate()]
    assert len(wanted) > 30
    return [one for one in wanted if _is_compiled(one.name)]


def _is_compiled(name: str) -> bool:
    return "Root-Is-Purelib: true" not in (distribution(name).read_text("WHEEL") or "")


def _on_arm(wanted: Requirement) -> str:
    """What pip would find for Arm, only as wheels, on whatever index it is set up for."""
    command = [sys.executable, "-m", "pip", "index", "versions", "--only-binary", ":all:", "--pre"]
    command += [word for platform in PLATFORMS for word in ("--platform", platform)]
    done = subprocess.run([*command, wanted.name], capture_output=True, text=True, check=False)
    return done.stdout


def test_every_compiled_package_of_the_runtime_has_a_wheel_for_arm() -> None:
    wanted = _compiled()
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(_on_arm, wanted))
    if not any(answers):
        absent("no package index answers")
    missing = [
        str(one)
        for one, answer in zip(wanted, answers, strict=True)
        if not re.search(rf"(?<![\w.]){re.escape(str(one.specifier)[2:])}(?![\w.])", answer)
    ]
    assert not missing

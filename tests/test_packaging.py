"""The wheel, installed where nothing of this checkout can be seen."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
IMPORTED = "a file of the working directory was imported"
PACKAGES = ("worker", "tasks", "infra", "pipelines")


def run(*command: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload, no-any-return]  # plain options


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT)
    if built.returncode != 0 and "hatchling" in built.stderr and "CI" not in os.environ:
        pytest.skip("no package index to fetch the build backend from")
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment with the wheel, and this environment's packages but not its project."""
    home = tmp_path_factory.mktemp("environment")
    made = run(sys.executable, "-m", "venv", "--without-pip", home)
    assert made.returncode == 0, made.stderr
    python = home / "bin" / "python"
    put = run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", wheel)
    assert put.returncode == 0, put.stderr
    (site,) = home.glob("lib/python*/site-packages")
    # A path that a .pth file brings is searched for packages; the .pth files in it (the checkout's) are not.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return home / "bin"


@pytest.fixture
def decoys(tmp_path: Path) -> Path:
    """A folder whose modules are called like the packages, as a user's own files might well be."""
    for name in PACKAGES:
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit({IMPORTED!r})\n")
    return tmp_path


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def test_the_wheel_holds_the_four_packages_and_what_they_read(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    kept = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert kept - names == set()


@pytest.mark.parametrize("arguments", [["--help"], ["version"], ["models", "list"], ["up", "--help"]])
def test_files_of_the_working_directory_shadow_nothing(
    installed: Path, decoys: Path, arguments: list[str]
) -> None:
    ended = run(installed / "pageline", *arguments, cwd=decoys, env=clean_environment())
    assert ended.returncode == 0, ended.stderr


def test_the_packages_come_from_the_wheel(installed: Path, decoys: Path) -> None:
    program = f"import {', '.join(PACKAGES)}; print(*(p.__file__ for p in ({', '.join(PACKAGES)})))"
    ended = run(installed / "python", "-P", "-c", program, cwd=decoys, env=clean_environment())
    assert ended.returncode == 0, ended.stderr
    home = installed.parent
    assert all(Path(file).is_relative_to(home) for file in ended.stdout.split())


def test_the_decoys_would_be_imported_without_care(installed: Path, decoys: Path) -> None:
    ended = run(installed / "python", "-c", "import tasks", cwd=decoys, env=clean_environment())
    assert IMPORTED in ended.stderr

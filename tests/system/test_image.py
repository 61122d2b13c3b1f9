"""The container image, built and run without a daemon, on a Debian base made here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BASE = "localhost/pageline-test-base"
IMAGE = "localhost/pageline-test"
CERTIFICATES = Path("/etc/ssl/certs")

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]


def buildah(*arguments: str, storage: Path) -> str:
    command = ["buildah", "--storage-driver", "overlay", "--root", str(storage), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def pip_settings(folder: Path) -> Path:
    """What pip is told on this machine about its index and certificates, for the pip inside the image."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    wanted = {"global.index-url", "global.trusted-host", "global.cert", "global.proxy"}
    lines = [line.split("=", 1) for line in listing.splitlines() if line.split("=", 1)[0] in wanted]
    path = folder / "pip.conf"
    path.write_text(
        "[global]\n"
        + "".join(f"{name.removeprefix('global.')} = {value.strip(chr(39))}\n" for name, value in lines)
    )
    return path


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Builds the image; yields the storage folder that holds it."""
    missing = [name for name in ("buildah", "mmdebstrap") if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        reason = f"the image needs root, buildah and mmdebstrap; missing: {', '.join(missing) or 'root'}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    folder = tmp_path_factory.mktemp("image")
    storage = folder / "storage"
    packages = "python3,python3-venv,ca-certificates"
    rootfs = folder / "base.tar"
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}", "bookworm", str(rootfs)],
        check=True,
    )
    container = buildah("from", "scratch", storage=storage).strip()
    buildah("add", container, str(rootfs), "/", storage=storage)
    buildah("commit", "--rm", container, BASE, storage=storage)
    rootfs.unlink()
    buildah(
        *("build", "--isolation", "chroot", "--network", "host", "--build-arg", f"BASE={BASE}"),
        *("--secret", f"id=pip,src={pip_settings(folder)}", "--volume", f"{CERTIFICATES}:{CERTIFICATES}:ro"),
        *("--tag", IMAGE, str(ROOT)),
        storage=storage,
    )
    yield storage
    buildah("rmi", "--all", "--force", storage=storage)


def test_a_container_reads_a_page_with_the_weights_it_carries(image: Path) -> None:
    container = buildah("from", IMAGE, storage=image).strip()
    page = ROOT / "examples" / "receipt.jpg"
    buildah("copy", "--chown", "10001", container, str(page), "/tmp/receipt.jpg", storage=image)
    nowhere = "http://127.0.0.1:1"
    out = buildah(
        *("run", "--isolation", "chroot", container, "--"),
        *("env", "PIP_NO_INDEX=1", f"http_proxy={nowhere}", f"https_proxy={nowhere}"),
        *("pageline", "ocr", "--input", "/tmp/receipt.jpg"),
        storage=image,
    )
    assert "HARBOUR STREET GROCERY" in out


def test_a_container_does_not_run_as_root(image: Path) -> None:
    container = buildah("from", IMAGE, storage=image).strip()
    assert (
        buildah("run", "--isolation", "chroot", container, "--", "id", "-u", storage=image).strip() == "10001"
    )

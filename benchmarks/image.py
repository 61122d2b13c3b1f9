"""Builds the image for CPUs without a daemon; prints its size, and how long a container takes to get warm.

    python benchmarks/image.py [--starts 5] [--folder DIR] [--base IMAGE]

The base is Debian with Python, made by mmdebstrap, unless `--base` names an image that buildah may pull. A
container is a chroot into the image on a read-only root, in a mount namespace of its own, with the host's
network and all its cores: what a container runtime adds (pulling, a network, cgroups) is not in the figures.

Warm is when the worker's heartbeat in Redis says so for the first time: models loaded, a known page read as
it should be. Processor time is of all its processes, from their start to their end: on a shared machine it
tells more. The first start may find less in the page cache. Needs root, buildah and mmdebstrap.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

from containers import (
    Builder,
    Container,
    Running,
    await_warm,
    broker,
    missing,
)


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="keep everything that is built here")
    parser.add_argument("--base", help="an image with Python, instead of one made from Debian's packages")
    asked = parser.parse_args()
    lacking = missing()
    if lacking is not None:
        print(lacking, file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as temporary:
        builder = Builder(asked.folder or Path(temporary))
        builder.folder.mkdir(parents=True, exist_ok=True)
        try:
            _measure(builder, asked.base, asked.starts)
        finally:
            if asked.folder is None:
                builder.remove()
    return 0


def _measure(builder: Builder, base: str | None, starts: int) -> None:
    image = builder.build("cpu", base or builder.base())
    home = builder.folder / "home"
    home.mkdir(exist_ok=True)
    container = image.start(home)
    print(f"| unpacked | {container.bytes() / 1e6:.0f} MB |")
    for place in ("opt/pageline", "opt/weights"):
        print(f"| of that /{place} | {_bytes(container.root / place) / 1e6:.0f} MB |")
    packed = subprocess.run(
        ["sh", "-c", f"tar -C {container.root} -c . | gzip -6 | wc -c"],
        capture_output=True,
        text=True,
        check=True,
    )
    print(f"| packed (gzip -6) | {int(packed.stdout) / 1e6:.0f} MB |")
    seconds, processor = zip(*(_start(container, builder.folder) for _ in range(starts)), strict=True)
    print(f"| start to warm, first | {seconds[0]:.1f} s |")
    print(f"| start to warm, median of {starts} | {statistics.median(seconds):.1f} s |")
    print(f"| start to warm, slowest | {max(seconds):.1f} s |")
    print(f"| processor time of a start and an end, median | {statistics.median(processor):.1f} s |")


def _bytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def _start(container: Container, folder: Path) -> tuple[float, float]:
    """Start a worker and end it; seconds until it was warm, and seconds of processor time in all."""
    log = folder / "worker.log"
    with broker(folder) as (settings, store):
        command = container.command("pageline", "worker", environment=settings.environment())
        before, began = _children_seconds(), time.monotonic()
        with Running(command, log):
            await_warm(store, log)
            seconds = time.monotonic() - began
        return seconds, _children_seconds() - before


def _children_seconds() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


if __name__ == "__main__":
    sys.exit(main())

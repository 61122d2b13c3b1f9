"""What tests of the command line share: running it, making documents, finding processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont


def environment(folder: Path) -> dict[str, str]:
    """One in which stacks are put below `folder`/tmp, so that what they leave behind can be seen."""
    (folder / "tmp").mkdir(exist_ok=True)
    return {**os.environ, "TMPDIR": str(folder / "tmp"), "COLUMNS": "200"}


def heed_interrupts() -> None:
    """For `preexec_fn`: a script's background jobs, and what they start, would ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-P", "-m", "worker.cli", *map(str, arguments)]


def pageline(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command in `folder`, to its end."""
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, check=False, cwd=folder, env=environment(folder)
    )


def processes_of(folder: Path) -> list[str]:
    """Command lines of all processes that work in `folder`/tmp, or were told of something there."""
    sought = os.fsencode(folder / "tmp")
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
                told = line + (entry / "environ").read_bytes() + bytes((entry / "cwd").readlink())
            except OSError:
                continue
            if sought in told:
                found.append(line.replace(b"\0", b" ").decode(errors="replace"))
    return found


def picture(path: Path, words: str = "Pageline 2026") -> Path:
    """A picture of one line of text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", (640, 160), "white")
    ImageDraw.Draw(image).text((40, 50), words, "black", ImageFont.load_default(60))
    image.save(path)
    return path


def document(path: Path, pages: int) -> Path:
    """A PDF or TIFF of small pages, all different."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = [
        Image.new("RGB", (400, 300), (255, 255 - number // 256, number % 256)) for number in range(pages)
    ]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    return path

"""Images, built by buildah without a daemon, and containers of theirs on a root that cannot be written to."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from infra.errors import BrokerUnavailable
from infra.settings import Settings, load_settings
from infra.status import Store, open_store
from worker.stack.ports import free_ports
from worker.stack.valkey import valkey_binary

ROOT = Path(__file__).resolve().parents[1]
USER = 10001
HOME = "/var/lib/pageline"
_MOST_SECONDS = 120.0  # until an event is given up
_POLL_SECONDS = 0.02
_BASE = "localhost/pageline-test-base"
_CERTIFICATES = Path("/etc/ssl/certs")
_PACKAGES = "python3,python3-venv,ca-certificates"
# What Debian's slim images leave out.
_LEFT_OUT = [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("doc", "info", "locale", "man")]
_TOOLS = ("buildah", "mmdebstrap", "unshare", "chroot")
# What a container's runtime does: nothing of the image can be written to, two folders are mounted over it.
_ENTER = """
mount --make-rprivate /
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mount -t tmpfs -o mode=1777 tmpfs "$1/tmp"
mount --bind "$2" "$1/var/lib/pageline"
root=$1 user=$3
shift 3
exec chroot --userspec="$user:$user" "$root" "$@"
"""


def missing() -> str | None:
    """Say what this machine lacks for building images, or None."""
    lacking = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if os.geteuid() != 0:
        lacking.append("root")
    return f"images need {', '.join(_TOOLS)} and root; missing: {', '.join(lacking)}" if lacking else None


@dataclass(frozen=True)
class Builder:
    """Builds images into a folder of its own."""

    folder: Path

    def buildah(self, *arguments: str) -> str:
        storage = str(self.folder / "storage")
        command = ["buildah", "--storage-driver", "overlay", "--root", storage, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def base(self) -> str:
        """Make a base of Debian's packages, since no registry may be in reach."""
        rootfs = self.folder / "base.tar"
        options = ["--quiet", "--variant=minbase", f"--include={_PACKAGES}", *_LEFT_OUT]
        subprocess.run(["mmdebstrap", *options, "bookworm", str(rootfs)], check=True)
        container = self.buildah("from", "scratch").strip()
        self.buildah("add", container, str(rootfs), "/")
        self.buildah("commit", "--rm", container, _BASE)
        rootfs.unlink()
        return _BASE

    def build(self, target: str, base: str, arguments: Mapping[str, str] | None = None) -> Image:
        """Build one target of the Dockerfile on `base`."""
        given = [f"--build-arg={name}={value}" for name, value in {"BASE": base, **(arguments or {})}.items()]
        self.buildah(
            *("build", "--format", "docker", "--isolation", "chroot", "--network", "host", "--layers"),
            *("--target", target, "--tag", f"localhost/pageline-test-{target}", *given),
            *("--secret", f"id=pip,src={self._pip_settings()}"),
            *("--volume", f"{_CERTIFICATES}:{_CERTIFICATES}:ro", str(ROOT)),
        )
        return Image(self, f"localhost/pageline-test-{target}")

    def remove(self) -> None:
        """Remove every image and container."""
        self.buildah("rm", "--all")
        self.buildah("rmi", "--all", "--force")

    def _pip_settings(self) -> Path:
        """Write down what pip is told on this machine of its index, for the pip inside the image."""
        listing = subprocess.run(
            [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
        ).stdout
        wanted = {"global.index-url", "global.trusted-host", "global.cert", "global.proxy"}
        lines = [line.split("=", 1) for line in listing.splitlines() if line.split("=", 1)[0] in wanted]
        told = [f"{name.removeprefix('global.')} = {value.strip(chr(39))}\n" for name, value in lines]
        path = self.folder / "pip.conf"
        path.write_text("[global]\n" + "".join(told))
        return path


@dataclass(frozen=True)
class Image:
    """An image that was built."""

    builder: Builder
    name: str

    def config(self) -> dict[str, Any]:
        """Return what the image says of itself, in Docker's words."""
        found = json.loads(self.builder.buildah("inspect", "--type", "image", self.name))
        config: dict[str, Any] = found["Docker"]["config"]
        return config

    def start(self, home: Path) -> Container:
        """Make a container whose one place to write, beside /tmp, is `home`."""
        made = self.builder.buildah("from", self.name).strip()
        root = self.builder.buildah("mount", made).strip()
        os.chown(home, USER, USER)
        return Container(self, Path(root), home)


@dataclass(frozen=True)
class Container:
    """The root of a container; processes in it have the host's network and process numbers."""

    image: Image
    root: Path
    home: Path

    def bytes(self) -> int:
        """Return what its files hold, unpacked."""
        return sum(path.lstat().st_size for path in self.root.rglob("*") if not path.is_dir())

    def command(self, *words: str, environment: Mapping[str, str] | None = None) -> list[str]:
        """Return what runs `words` in it as its own user, with the image's environment and more."""
        given = dict(pair.split("=", 1) for pair in self.image.config()["Env"]) | dict(environment or {})
        pairs = [f"{name}={value}" for name, value in given.items()]
        entered = ["sh", "-euc", _ENTER, "sh", str(self.root), str(self.home), str(USER)]
        return ["unshare", "--mount", *entered, "/usr/bin/env", "-i", *pairs, *words]

    def run(self, *words: str, environment: Mapping[str, str] | None = None) -> str:
        """Run `words` to their end; what they print."""
        done = self.try_run(words, environment)
        assert done.returncode == 0, f"{words}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def try_run(
        self, words: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `words` to their end, whatever it is."""
        command = self.command(*words, environment=environment)
        return subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)


class Running:
    """A long-running process of a container, until the context ends."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self._log = log.open("wb")
        self.process = subprocess.Popen(command, cwd="/", stdout=self._log, stderr=subprocess.STDOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        self.process.kill()
        self._log.close()


@contextmanager
def broker(folder: Path) -> Iterator[tuple[Settings, Store]]:
    """Run a Valkey server on a port; yield what a worker in a container is told, and what it then tells."""
    (port,) = free_ports(1)
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--maxmemory-policy", "noeviction"]
    places = {"results": f"file://{HOME}/results", "work_dir": f"{HOME}/work"}
    settings = load_settings({"broker_url": f"redis://127.0.0.1:{port}/0", **places})
    with (
        Running([str(valkey_binary()), *options], folder / "valkey.log"),
        closing(open_store(settings)) as store,
    ):
        await_event(lambda: _answers(store), folder / "valkey.log")
        yield settings, store


def await_warm(store: Store, log: Path) -> None:
    """Wait until a worker says that it is warm."""
    await_event(lambda: any(beat.state == "idle" for beat in store.fleet.workers()), log)


def await_event(event: Callable[[], bool], log: Path) -> None:
    """Wait for what must come; where it does not, fail with what `log` holds."""
    until = time.monotonic() + _MOST_SECONDS
    while not event():
        assert time.monotonic() < until, log.read_text()
        time.sleep(_POLL_SECONDS)


def _answers(store: Store) -> bool:
    try:
        store.check()
    except BrokerUnavailable:
        return False
    return True

"""The container image: built without a daemon on a Debian base made here, run on a root that is read-only."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from containers import ROOT, USER, Builder, Container, Image, Running, await_warm, broker, missing

NOWHERE = "http://127.0.0.1:1"
OFFLINE = {"PIP_NO_INDEX": "1", "http_proxy": NOWHERE, "https_proxy": NOWHERE}
MOST_BYTES = 900_000_000

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    lacking = missing()
    if lacking is not None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lacking)
    made = Builder(tmp_path_factory.mktemp("image"))
    yield made
    made.remove()


@pytest.fixture(scope="module")
def image(builder: Builder) -> Image:
    return builder.build("cpu", builder.base())


@pytest.fixture
def container(image: Image, tmp_path: Path) -> Container:
    return image.start(tmp_path)


def test_the_image_is_small(container: Container) -> None:
    assert container.bytes() < MOST_BYTES


def test_the_image_says_who_it_runs_as_and_how_it_is_probed(image: Image) -> None:
    config = image.config()
    assert config["User"] == str(USER)
    assert config["Healthcheck"]["Test"] == ["CMD", "pageline", "alive"]


def test_a_container_reads_a_page_offline_on_a_root_it_cannot_write_to(container: Container) -> None:
    shutil.copy(ROOT / "examples" / "receipt.jpg", container.home)
    out = container.run("pageline", "ocr", "--input", "/var/lib/pageline/receipt.jpg", environment=OFFLINE)
    assert "HARBOUR STREET GROCERY" in out


@pytest.mark.parametrize("place", ["/opt/weights/x", "/opt/pageline/x", "/etc/x"])
def test_a_container_can_change_nothing_that_it_is_made_of(container: Container, place: str) -> None:
    assert "Read-only file system" in container.try_run(["touch", place]).stderr
    assert container.run("id", "-u").strip() == str(USER)


def test_a_worker_gets_warm_is_found_alive_and_leaves_when_told(
    container: Container, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("worker")
    log = folder / "log"
    with broker(folder) as (settings, store):
        environment = OFFLINE | settings.environment() | {"PAGELINE_LOG_FORMAT": "json"}
        command = container.command("pageline", "worker", "--device", "cpu", environment=environment)
        with Running(command, log) as worker:
            await_warm(store, log)
            assert "alive" in container.run("pageline", "alive", environment=environment)
            worker.process.send_signal(signal.SIGTERM)
            assert worker.process.wait() == 0
        assert store.fleet.workers() == []
        assert container.try_run(["pageline", "alive"], environment).returncode == 1
    # Engines and Celery say a line of their own past the log.
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    assert any(line["logger"] == "worker.warm" for line in lines), "its log is for collectors"


def test_an_npu_image_without_a_driver_is_refused(builder: Builder, image: Image) -> None:
    del image  # its layers are what this build begins with
    with pytest.raises(AssertionError, match="npu-driver=DIR is to name Intel's driver"):
        builder.build("npu", "localhost/pageline-test-base")


def test_no_build_argument_is_needed_but_the_base(image: Image) -> None:
    """The Dockerfile's own base is one that a registry gives byte for byte."""
    first = (ROOT / "Dockerfile").read_text(encoding="utf-8").split("ARG BASE=", 1)[1].splitlines()[0]
    name, _, digest = first.partition("@sha256:")
    assert name.startswith("docker.io/library/python:3.")
    assert len(digest) == 64


def test_a_container_is_left_without_a_trace(container: Container) -> None:
    """Mounts are a container's own: the host sees none of them."""
    container.run("true")
    mounts = subprocess.run(["cat", "/proc/mounts"], capture_output=True, text=True, check=True).stdout
    assert f"{container.root}/tmp" not in mounts

"""Redis loses everything, or is brought back as it once was, while real workers read."""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from crew import Site, site, wait_for, write_pdf

from infra.status.states import DocumentState
from tasks.records import Manifest
from worker.stack.valkey import ValkeyHandle, start_valkey

PAGES = 60


@dataclass
class Loss:
    """Workers, and a server of their own that may be wiped or killed."""

    site: Site
    server: ValkeyHandle
    folder: Path

    def announce(self, name: str) -> None:
        """Have a document of many pages read; readings are counted from here on."""
        self.name = name
        self._earlier = self._read()
        write_pdf(self.site.inbox / name, PAGES)
        self.site.announce(name, dpi=100)

    def reads(self) -> Counter[int]:
        """How often each page of the document was read."""
        return self._read() - self._earlier

    def _read(self) -> Counter[int]:
        return Counter(int(path.name.split("-")[1]) for path in (self.folder / "log").iterdir())

    def written(self) -> set[int]:
        """The pages whose JSON is in storage."""
        results = Path(self.site.settings.results.removeprefix("file://")) / self.name
        return {int(path.stem) for path in results.glob("*/pages/*.json")}

    def wait(self, pages: int) -> None:
        """Wait until so many pages are written."""
        wait_for(lambda: len(self.written()) >= pages, f"{pages} pages; logs in {self.folder}")

    def check_whole(self, before: set[int]) -> None:
        """Wait for the end: every page is there, and those of `before` were read once."""

        def ended() -> Any:
            found = [one for one in self.site.documents() if one.source.endswith(self.name)]
            return next((one for one in found if one.terminal), None)

        document = wait_for(ended, f"the end; logs in {self.folder}")
        assert (document.state, document.done) == (DocumentState.SUCCEEDED, PAGES)
        manifest = Manifest.model_validate(self.site.manifest(document))
        assert [page.state for page in manifest.pages] == ["done"] * PAGES
        assert manifest.options["dpi"] == 100
        read = self.reads()
        assert {page for page in before if read[page] != 1} == set()
        assert set(read) == set(range(1, PAGES + 1))


@pytest.fixture(scope="module")
def loss(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loss]:
    folder = tmp_path_factory.mktemp("losses")
    (folder / "log").mkdir()
    with start_valkey(folder / "valkey") as server, site(folder, server.broker_url, "losing:") as made:
        made.start("control")
        for _ in range(2):
            made.start("cpu", log=str(folder / "log"))
        made.ready(control=1, cpu=2)
        yield Loss(made, server, folder)


def test_a_redis_that_is_wiped_half_way_loses_nothing(loss: Loss) -> None:
    loss.announce("wiped.pdf")
    loss.wait(PAGES // 3)
    before = loss.written()
    loss.site.store.client.flushall()
    assert len(before) < PAGES
    loss.check_whole(before)


def test_a_redis_brought_back_as_it_once_was_loses_nothing(loss: Loss) -> None:
    data, once = (loss.folder / name for name in ("valkey/appendonlydir", "once"))
    loss.announce("rolled-back.pdf")
    loss.wait(PAGES // 5)
    shutil.copytree(data, once)
    loss.wait(PAGES // 2)
    os.kill(loss.server.process.pid, signal.SIGKILL)
    loss.server.process.wait(30)
    shutil.rmtree(data)
    shutil.copytree(once, data)
    before = loss.written()
    with start_valkey(loss.folder / "valkey"):
        loss.check_whole(before)
        loss.site.stop()

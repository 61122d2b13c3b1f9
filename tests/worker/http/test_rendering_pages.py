"""Pages are rendered in a process of their own, and one that ends it costs no other its picture."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from crew import write_pdf

from pipelines.read import ReadLimits
from worker.http.rendering import NotRendered, PageRenderer, PageRequest

_CRASHES = defaultdict(partial(os._exit, 3))  # whoever looks up how the page was turned ends


@pytest.fixture
def renderer() -> Iterator[PageRenderer]:
    made = PageRenderer()
    yield made
    made.close()


@pytest.fixture
def page(tmp_path: Path) -> PageRequest:
    return PageRequest(write_pdf(tmp_path / "a.pdf", 1), 1, 72, ReadLimits())


def rendered(renderer: PageRenderer, *pages: PageRequest) -> list[bytes | BaseException]:
    async def gather() -> list[bytes | BaseException]:
        return await asyncio.gather(*map(renderer.render, pages), return_exceptions=True)

    return asyncio.run(gather())


def test_pages_that_end_the_process_cost_no_other_its_picture(
    renderer: PageRenderer, page: PageRequest
) -> None:
    hostile = PageRequest(page.path, 1, 72, ReadLimits(), transform=_CRASHES)
    found = rendered(renderer, hostile, page, hostile, page, page)
    assert [type(one) for one in found] == [NotRendered, bytes, NotRendered, bytes, bytes]
    assert rendered(renderer, page) == [found[1]]


def test_a_process_that_was_ended_from_outside_is_replaced(renderer: PageRenderer, page: PageRequest) -> None:
    (first,) = rendered(renderer, page)
    assert renderer._reader is not None
    (process,) = renderer._reader.pool._processes.values()
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert rendered(renderer, page) == [first]


def test_a_process_that_never_begins_is_given_up(
    renderer: PageRenderer, page: PageRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.http.rendering._begin", os._exit)
    (found,) = rendered(renderer, page)
    assert isinstance(found, NotRendered)

"""A fleet, and a service of it, that tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from crew import Site, site, write_pdf
from http_service import Service, served

from worker.stack.valkey import ValkeyHandle


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory, valkey: ValkeyHandle) -> Iterator[Site]:
    """A control worker and one that reads, made up words."""
    folder = tmp_path_factory.mktemp("http")
    http = {"uploads": str(folder / "uploads"), "port": 0, "private_urls": True}
    with site(folder, valkey.broker_url, f"{folder.name}:", http=http) as made:
        made.start("control")
        made.start("cpu")
        made.ready(control=1, cpu=1)
        yield made


@pytest.fixture(scope="session")
def service(fleet: Site) -> Iterator[Service]:
    """A service of that fleet, without keys."""
    with served(fleet.settings, fleet) as made:
        yield made


@pytest.fixture(scope="session")
def letter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PDF of two pages."""
    return write_pdf(tmp_path_factory.mktemp("letter") / "Brief für dich.pdf", 2)

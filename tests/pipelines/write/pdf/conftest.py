"""What the tests of searchable PDFs share."""

from __future__ import annotations

from pathlib import Path

import pytest
from searchable import Kit, Readers


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path)


@pytest.fixture
def readers() -> Readers:
    return Readers()

"""The real networks of preprocessing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # test folders are no packages; `preprocess_pages` is found so

from preprocess_pages import Loaded
from real_weights import real_files, real_session

from pipelines.engines.base import Session
from pipelines.models import ModelFiles
from pipelines.preprocess import Classifier


@pytest.fixture(scope="session")
def loaded() -> Loaded:
    """A model's session on ONNX Runtime, and its files; each is loaded once."""
    known: dict[str, tuple[Session, ModelFiles]] = {}

    def load(name: str) -> tuple[Session, ModelFiles]:
        if name not in known:
            files = real_files(name, "onnx")
            known[name] = real_session(files), files
        return known[name]

    return load


@pytest.fixture
def page_classifier(loaded: Loaded) -> Classifier:
    return Classifier(*loaded("PP-LCNet_x1_0_doc_ori"))

"""OCR pipelines: images in, results out. A library of its own that knows no queue and no storage."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.create import create_pipeline
    from pipelines.digest import pipeline_digest

__all__ = ["create_pipeline", "pipeline_digest"]

_HOME = {"create_pipeline": "pipelines.create", "pipeline_digest": "pipelines.digest"}


def __getattr__(name: str) -> Any:
    """Import a name's module at its first use (PEP 562), so that naming the package costs nothing."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)

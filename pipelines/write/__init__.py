"""Readable documents from the results of pages: `write_document`, and the writers by name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.write.base import DocumentInfo, DocumentWriter
    from pipelines.write.document import write_document
    from pipelines.write.page import Page
    from pipelines.write.registry import WRITERS

__all__ = ["WRITERS", "DocumentInfo", "DocumentWriter", "Page", "write_document"]

_HOME = {
    "DocumentInfo": "base",
    "DocumentWriter": "base",
    "Page": "page",
    "WRITERS": "registry",
    "write_document": "document",
}


def __getattr__(name: str) -> Any:
    """Import a name's module at its first use, so that asking for the formats' names brings no numpy."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)

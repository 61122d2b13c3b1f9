"""The text that a PDF page carries, put in the place of reading where it can be believed."""

from __future__ import annotations

from pipelines.textlayer.reading import Found, LayerUse, Reader, Reading, find_lines

__all__ = ["Found", "LayerUse", "Reader", "Reading", "find_lines"]

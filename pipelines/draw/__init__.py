"""The pictures of a result: what was read, beside the page, and what was done to the page before."""

from __future__ import annotations

from pipelines.draw.fonts import FontUnavailableError
from pipelines.draw.picture import draw_ocr_result
from pipelines.draw.preprocessed import draw_preprocessed

__all__ = ["FontUnavailableError", "draw_ocr_result", "draw_preprocessed"]

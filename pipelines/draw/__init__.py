"""The picture of a result: the page with its lines marked, beside it the text that was read."""

from __future__ import annotations

from pipelines.draw.fonts import FontUnavailableError
from pipelines.draw.picture import draw_ocr_result

__all__ = ["FontUnavailableError", "draw_ocr_result"]

"""From anything a caller may hold to page images: BGR, uint8, upright by their own metadata.

`probe` tells what is in a document without decoding a pixel, `open_document` hands out one page at a time,
`iter_inputs` takes everything `predict` accepts.
"""

from __future__ import annotations

from pipelines.read.base import Document
from pipelines.read.document import open_document, probe
from pipelines.read.inputs import iter_inputs
from pipelines.read.layer import TextLayer
from pipelines.read.limits import ReadLimits
from pipelines.read.pages import DocumentInfo, Origin, PageImage, PageInfo
from pipelines.read.url import UrlRules

__all__ = [
    "Document",
    "DocumentInfo",
    "Origin",
    "PageImage",
    "PageInfo",
    "ReadLimits",
    "TextLayer",
    "UrlRules",
    "iter_inputs",
    "open_document",
    "probe",
]

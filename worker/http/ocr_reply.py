"""Puts the reply of `POST /ocr` together from what the queue has written."""

from __future__ import annotations

import asyncio
import base64
import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

from tasks.records import PageEntry, StoredFile
from worker.http.known import Known
from worker.http.ocr_shapes import (
    ImageData,
    OcrPage,
    OcrReply,
    OcrRequest,
    OcrResult,
    OcrSize,
    OcrText,
    PdfData,
    pruned,
)
from worker.http.pictures import picture_of
from worker.http.problems import RETRY_SECONDS, Refusal
from worker.http.rendering import PageRenderer

_PDF = "application/pdf"


async def reply_about(known: Known, renderer: PageRenderer, asked: OcrRequest, until: float) -> OcrReply:
    """Return the reply about a document that was read. Raises `Refusal` where that takes beyond `until`."""
    try:
        async with asyncio.timeout(max(0.0, until - time.monotonic())):
            return await _reply(known, renderer, asked)
    except TimeoutError:
        raise Refusal(503, "The reply was not ready in time.", retry_after=RETRY_SECONDS) from None


async def _reply(known: Known, renderer: PageRenderer, asked: OcrRequest) -> OcrReply:
    ended = await known.desk.run(known.ended)
    if ended is None:
        raise Refusal(503, "The results are gone already.", retry_after=RETRY_SECONDS)
    entries = [page for page in ended.manifest.pages if page.state == "done"]
    contents = [await known.desk.run(_content, known, entry) for entry in entries]
    pages = [
        await _page(known, renderer, asked, entry, content)
        for entry, content in zip(entries, contents, strict=True)
    ]
    sizes = [
        OcrSize(width=content["page"]["width"], height=content["page"]["height"]) for content in contents
    ]
    info: ImageData | PdfData
    if ended.manifest.source.media_type == _PDF or len(sizes) != 1:
        info = PdfData(num_pages=len(sizes), pages=sizes)
    else:
        info = ImageData(width=sizes[0].width, height=sizes[0].height)
    return OcrReply(log_id=str(uuid.uuid4()), result=OcrResult(ocr_results=pages, data_info=info))


def _content(known: Known, entry: PageEntry) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(known.desk.results.read(known.folder.page(entry.number)))
    return content


async def _page(
    known: Known, renderer: PageRenderer, asked: OcrRequest, entry: PageEntry, content: Mapping[str, Any]
) -> OcrPage:
    drawn = await known.desk.run(_picture, known, entry, "ocr_res_img")
    prepared = await known.desk.run(_picture, known, entry, "preprocessed_img")
    source = await _source(known, renderer, entry, content) if asked.pictured else None
    lines = zip(content["rec_polys"], content["rec_texts"], content["rec_scores"], strict=True)
    return OcrPage(
        pruned_result=pruned(content),
        ocr_image=drawn,
        doc_preprocessing_image=prepared,
        input_image=source,
        texts=[OcrText(poly=poly, text=text, score=score) for poly, text, score in lines],
        image=drawn,
    )


async def _source(
    known: Known, renderer: PageRenderer, entry: PageEntry, content: Mapping[str, Any]
) -> str | None:
    """The page as it came; None where it cannot be shown, which is no reason to withhold what was read."""
    try:
        upright = {"dpi": content["page"]["dpi"]}
        return _text(await picture_of(known.desk, renderer, known, entry.number, upright, None))
    except Refusal:
        return None


def _picture(known: Known, entry: PageEntry, name: str) -> str | None:
    file: StoredFile | None = next((one for one in entry.pictures if f"_{name}." in one.name), None)
    return None if file is None else _text(known.desk.results.read(file.key))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()

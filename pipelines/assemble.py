"""From what the stages found to the fields of a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from pipelines.config.options import CallOptions
from pipelines.geometry import bounding_boxes
from pipelines.read import PageImage
from pipelines.reading import PageReading
from pipelines.words import word_boxes

_NOT_CLASSIFIED = -1


def result_fields(
    page: PageImage, reading: PageReading, options: CallOptions, pipeline: Mapping[str, Any]
) -> dict[str, Any]:
    """The inner object of a result's JSON, upstream's fields first, nothing in it but plain Python."""
    quads = reading.detections.quads
    kept = [i for i, line in enumerate(reading.lines) if line.score >= options.score_thresh]
    polys = quads[kept]
    lines = [reading.lines[i] for i in kept]
    fields: dict[str, Any] = {
        "input_path": page.input_path,
        "page_index": page.page_index,
        "model_settings": {"use_doc_preprocessor": False, "use_textline_orientation": False},
        "dt_polys": quads.tolist(),
        "dt_scores": _rounded(reading.detections.scores),
        "text_det_params": asdict(options.detection),
        "text_type": "general",
        "textline_orientation_angles": [_NOT_CLASSIFIED] * len(quads),
        "text_rec_score_thresh": options.score_thresh,
        "return_word_box": options.return_word_box,
        "rec_texts": [line.text for line in lines],
        "rec_scores": [line.score for line in lines],
        "rec_polys": polys.tolist(),
        "rec_boxes": bounding_boxes(polys).tolist(),
    }
    if options.return_word_box:
        words = [word_boxes(line, quad) for line, quad in zip(lines, polys, strict=True)]
        fields["text_word"] = [pieces for pieces, _ in words]
        fields["text_word_boxes"] = [boxes for _, boxes in words]
    return fields | _own_fields(page, reading, pipeline, polys.tolist())


def _own_fields(
    page: PageImage, reading: PageReading, pipeline: Mapping[str, Any], polys: list[Any]
) -> dict[str, Any]:
    return {
        "text_source": ["ocr"] * len(polys),
        "page": {
            "number": page.number,
            "width": page.width,
            "height": page.height,
            "dpi": page.dpi,
            "rotation": page.rotation,
            # Nothing turns or bends the page before detection, so its pixels are the source's.
            "source_polys": polys,
        },
        "pipeline": dict(pipeline),
        "timings": {stage: round(seconds, 6) for stage, seconds in reading.timings.items()},
    }


def _rounded(scores: np.ndarray[Any, np.dtype[np.float32]]) -> list[float]:
    return [round(float(score), 6) for score in scores]

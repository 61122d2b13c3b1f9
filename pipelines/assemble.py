"""From what the stages found to the fields of a result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.characters import character_quads
from pipelines.columns import column_order
from pipelines.config.options import CallOptions
from pipelines.decoding import ReadLine
from pipelines.geometry import bounding_boxes
from pipelines.languages import language_of
from pipelines.preprocess import LineAngle
from pipelines.read import PageImage
from pipelines.reading import PageReading
from pipelines.scripts import script_of
from pipelines.words import word_boxes

_NOT_CLASSIFIED = -1
_LEFTWARDS = frozenset({"Arab", "Hebr"})


def result_fields(
    page: PageImage, reading: PageReading, options: CallOptions, pipeline: Mapping[str, Any]
) -> dict[str, Any]:
    """The inner object of a result's JSON, upstream's fields first, nothing in it but plain Python."""
    kept = [i for i, line in enumerate(reading.lines) if line.score >= options.score_thresh]
    polys = reading.detections.quads[kept]
    lines = [reading.lines[i] for i in kept]
    fields = _upstream_fields(page, reading, options) | {
        "rec_texts": [line.text for line in lines],
        "rec_scores": [line.score for line in lines],
        "rec_polys": polys.tolist(),
        "rec_boxes": bounding_boxes(polys).tolist(),
    }
    if options.return_word_box:
        fields |= _pieces(lines, polys, [_turned(reading.angles, i) for i in kept])
    return fields | _line_fields(lines, polys) | _page_fields(page, reading, pipeline, polys)


def _upstream_fields(page: PageImage, reading: PageReading, options: CallOptions) -> dict[str, Any]:
    place = {"input_path": page.input_path, "page_index": page.page_index}
    switches = options.preprocess
    used = {
        "use_doc_orientation_classify": switches.use_doc_orientation_classify,
        "use_doc_unwarping": switches.use_doc_unwarping,
    }
    fields: dict[str, Any] = place | {
        "model_settings": {
            "use_doc_preprocessor": any(used.values()),
            "use_textline_orientation": options.use_textline_orientation,
        }
    }
    if any(used.values()):
        prepared = reading.prepared
        fields["doc_preprocessor_res"] = place | {
            "model_settings": used,
            "angle": prepared.angle,
            "orientation": prepared.orientation,
            "unwarping": prepared.unwarping,
        }
    return fields | {
        "dt_polys": reading.detections.quads.tolist(),
        "dt_scores": [round(float(score), 6) for score in reading.detections.scores],
        "text_det_params": asdict(options.detection),
        "text_type": "general",
        "textline_orientation_angles": _angles(reading),
        "text_rec_score_thresh": options.score_thresh,
        "return_word_box": options.return_word_box,
    }


def _angles(reading: PageReading) -> list[int]:
    if reading.angles is None:
        return [_NOT_CLASSIFIED] * len(reading.lines)
    return [int(angle.turned) for angle in reading.angles]


def _turned(angles: Sequence[LineAngle] | None, index: int) -> bool:
    return angles is not None and angles[index].turned


def _pieces(lines: Sequence[ReadLine], polys: NDArray[np.int16], turned: Sequence[bool]) -> dict[str, Any]:
    stood = list(zip(lines, polys, turned, strict=True))
    words = [word_boxes(line, quad, turned=upside_down) for line, quad, upside_down in stood]
    quads = [character_quads(line, quad, turned=upside_down) for line, quad, upside_down in stood]
    return {
        "text_word": [pieces for pieces, _ in words],
        "text_word_boxes": [boxes for _, boxes in words],
        "text_chars": [list(line.characters) for line in lines],
        "text_char_scores": [[round(score, 6) for score in line.scores] for line in lines],
        "text_char_polys": [_plain(quad) for quad in quads],
    }


def _line_fields(lines: Sequence[ReadLine], polys: NDArray[np.int16]) -> dict[str, Any]:
    scripts, models = [script_of(line.text) for line in lines], [line.model for line in lines]
    leftwards = sum(script in _LEFTWARDS for script in scripts)
    return {
        "reading_order": column_order(polys, right_to_left=2 * leftwards > len(lines)),
        "rec_scripts": scripts,
        "rec_languages": [language_of(*told) for told in zip(scripts, models, strict=True)],
        "rec_models": [model or None for model in models],
        "text_source": ["ocr" if line.spans is None else "pdf" for line in lines],
    }


def _page_fields(
    page: PageImage, reading: PageReading, pipeline: Mapping[str, Any], polys: NDArray[np.int16]
) -> dict[str, Any]:
    transform = reading.prepared.transform
    return {
        "page": {
            "number": page.number,
            "width": page.width,
            "height": page.height,
            "dpi": page.dpi,
            "rotation": page.rotation,
            "origin": page.origin,
            "warning": page.warning,
            "source_polys": _plain(transform.to_source(polys)),
            "transform": transform.describe(),
        },
        "text_layer": asdict(reading.text_layer),
        "pipeline": dict(pipeline),
        "timings": {stage: round(seconds, 6) for stage, seconds in reading.timings.items()},
    }


def _plain(points: NDArray[np.float32]) -> list[Any]:
    """Coordinates to a tenth of a pixel, whole ones as integers."""
    tenths = np.round(points.astype(np.float64), 1)
    whole = bool((tenths == np.rint(tenths)).all())
    return list((tenths.astype(int) if whole else tenths).tolist())

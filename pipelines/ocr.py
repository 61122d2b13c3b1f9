"""The OCR pipeline: pages in, results out."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from threading import RLock
from time import perf_counter
from typing import Any, Never

from pipelines.assemble import result_fields
from pipelines.blueprint import Blueprint
from pipelines.config.options import CallOptions, check_options
from pipelines.devices import parse_device
from pipelines.errors import EngineError, EngineUnavailable, OptionError, SelfCheckError
from pipelines.read import PageImage, iter_inputs
from pipelines.reading import PageReading, read_page
from pipelines.result import OCRResult
from pipelines.stages import Equipment, Stages, equip, load
from pipelines.warmup import WarmReport, check_stages, warm_shapes

_log = logging.getLogger(__name__)


class OCRPipeline:
    """Detection and recognition on one engine and device. Made by `create_pipeline`.

    Its weights are on this machine; the networks are loaded at the first page, or by `warm_up`. Calls from
    several threads are served one after the other, page by page.
    """

    def __init__(self, blueprint: Blueprint) -> None:
        self._blueprint = blueprint
        self._engines_left = list(blueprint.engines)
        self._equipment = self._next_equipment()
        self._stages: Stages | None = None
        self._lock = RLock()

    def predict(
        self,
        input: Any,  # noqa: A002  -- the guide's name
        *,
        device: str | None = None,
        use_doc_orientation_classify: bool | None = None,
        use_doc_unwarping: bool | None = None,
        use_textline_orientation: bool | None = None,
        text_det_limit_side_len: int | None = None,
        text_det_limit_type: str | None = None,
        text_det_max_side_limit: int | None = None,
        text_det_thresh: float | None = None,
        text_det_box_thresh: float | None = None,
        text_det_unclip_ratio: float | None = None,
        text_rec_score_thresh: float | None = None,
        return_word_box: bool | None = None,
        **unknown: Never,
    ) -> Iterator[OCRResult]:
        """Read every page of `input`, one at a time; None leaves an option at the pipeline's default.

        Args:
            input: an (H, W, 3) BGR array, the bytes, path or URL of an image or a PDF, a folder of those, a
                list of any of these, or a page that was opened by `pipelines.read`.
            device: one the pipeline was made for.
            use_doc_orientation_classify: only False or None, like the next two: their modules are not loaded.
            use_doc_unwarping: as above.
            use_textline_orientation: as above.
            text_det_limit_side_len: pixels to which detection scales one side of the page.
            text_det_limit_type: `max` shrinks the long side to that, `min` grows the short one.
            text_det_max_side_limit: pixels that neither side may exceed in detection.
            text_det_thresh: probability from which a pixel counts as text, 0 to 1.
            text_det_box_thresh: mean probability from which a region counts as a line, 0 to 1.
            text_det_unclip_ratio: how far a region is grown, 0 to 100.
            text_rec_score_thresh: score below which a line is left out, 0 to 1.
            return_word_box: add the boxes of words.
            unknown: nothing; what is misspelled ends here and is refused with the nearest name.

        Raises:
            OptionError: at once, for an option that is wrong or asks for a module that is not loaded.
            InputError: at the page it concerns.
            EngineError, SelfCheckError: at the first page, when no engine can be had.
        """
        given = {
            "use_doc_orientation_classify": use_doc_orientation_classify,
            "use_doc_unwarping": use_doc_unwarping,
            "use_textline_orientation": use_textline_orientation,
            "text_det_limit_side_len": text_det_limit_side_len,
            "text_det_limit_type": text_det_limit_type,
            "text_det_max_side_limit": text_det_max_side_limit,
            "text_det_thresh": text_det_thresh,
            "text_det_box_thresh": text_det_box_thresh,
            "text_det_unclip_ratio": text_det_unclip_ratio,
            "text_rec_score_thresh": text_rec_score_thresh,
            "return_word_box": return_word_box,
            **unknown,
        }
        self._check_device(device)
        return self._results(input, check_options(given))

    def warm_up(self) -> WarmReport:
        """Load the networks, prepare the usual shapes and read a known page.

        Raises:
            SelfCheckError: when the page is not read rightly: this pipeline must not take work.
            EngineError: when an engine fails.
        """
        start = perf_counter()
        with self._lock:
            stages = self._ready()
            engine = self._equipment.engine
            shapes = warm_shapes(stages, self._equipment.defaults)
            alike = check_stages(stages, engine)
        return WarmReport(engine.name, engine.precision, perf_counter() - start, shapes, alike)

    def describe(self) -> dict[str, Any]:
        """What this pipeline is: name, digest, models, engine, precision and device, as results record it."""
        equipment, blueprint = self._equipment, self._blueprint
        modules = (("text_detection", equipment.detection), ("text_recognition", equipment.recognition))
        return {
            "name": blueprint.name,
            "digest": blueprint.digest,
            "models": [
                {"module": module, "name": files.name, "sha256": files.sha256, "source": files.source}
                for module, files in modules
            ],
            "engine": equipment.engine.name,
            "engine_version": equipment.engine.version,
            "precision": equipment.engine.precision,
            "device": blueprint.device,
        }

    def _results(self, source: Any, given: dict[str, object]) -> Iterator[OCRResult]:
        pages = iter([source]) if isinstance(source, PageImage) else iter(iter_inputs(source))
        position = 0
        while True:
            start = perf_counter()
            page = next(pages, None)
            if page is None:
                return
            waited = perf_counter() - start
            reading, options, pipeline = self._read(page, given)
            reading.timings.update(read=waited, total=perf_counter() - start)
            yield OCRResult(result_fields(page, reading, options, pipeline), page, position=position)
            position += 1

    def _read(
        self, page: PageImage, given: dict[str, object]
    ) -> tuple[PageReading, CallOptions, dict[str, Any]]:
        with self._lock:
            stages = self._ready()
            options = self._equipment.defaults.merged(given)
            return read_page(stages, page.image, options), options, self.describe()

    def _ready(self) -> Stages:
        """The loaded stages; an engine of our own choosing must first read the known page."""
        while self._stages is None:
            try:
                self._stages = self._loaded()
            except (EngineError, SelfCheckError) as error:
                if not self._engines_left:
                    raise
                _log.warning("engine %s is passed over: %s", self._equipment.engine.name, error)
                self._equipment = self._next_equipment()
        return self._stages

    def _loaded(self) -> Stages:
        stages = load(self._blueprint, self._equipment)
        if self._blueprint.chosen:
            check_stages(stages, self._equipment.engine)
        return stages

    def _next_equipment(self) -> Equipment:
        while True:
            name = self._engines_left.pop(0)
            try:
                return equip(self._blueprint, name)
            except EngineUnavailable as error:
                if not self._engines_left:
                    raise
                _log.warning("engine %s is passed over: %s", name, error)

    def _check_device(self, device: str | None) -> None:
        if device is not None and str(parse_device(device)) != self._blueprint.device:
            raise OptionError(
                f"device: this pipeline was made for {self._blueprint.device!r}, not for {device!r}"
            )

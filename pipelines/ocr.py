"""The OCR pipeline: pages in, results out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any, Never

from pipelines.assemble import result_fields
from pipelines.blueprint import Blueprint
from pipelines.config.options import check_options
from pipelines.devices import Device, parse_device
from pipelines.engines.batching import Batching
from pipelines.errors import OptionError
from pipelines.lanes import Lane, Lanes
from pipelines.parallel import in_parallel
from pipelines.read import PageImage, UrlRules, iter_inputs
from pipelines.result import OCRResult
from pipelines.warmup import WarmReport


class OCRPipeline:
    """The stages on one engine, on one device or on several that share the pages. Made by `create_pipeline`.

    Its weights are on this machine; the networks are loaded at the first page, or by `warm_up`. A device
    reads one page at a time, or `pages_at_once`, whichever threads it is asked from.
    """

    def __init__(self, blueprint: Blueprint) -> None:
        self._blueprint = blueprint
        self._lanes = Lanes(blueprint)

    def predict(
        self,
        input: Any,  # noqa: A002  -- the guide's name
        *,
        device: str | None = None,
        use_doc_orientation_classify: bool | None = None,
        use_doc_unwarping: bool | None = None,
        use_textline_orientation: bool | None = None,
        doc_orientation_thresh: float | None = None,
        doc_unwarping_thresh: float | None = None,
        textline_orientation_thresh: float | None = None,
        text_det_limit_side_len: int | None = None,
        text_det_limit_type: str | None = None,
        text_det_max_side_limit: int | None = None,
        text_det_thresh: float | None = None,
        text_det_box_thresh: float | None = None,
        text_det_unclip_ratio: float | None = None,
        text_rec_score_thresh: float | None = None,
        return_word_box: bool | None = None,
        text_layer: str | None = None,
        pages: str | Iterable[int] | None = None,
        password: str | None = None,
        dpi: float = 144,
        url_rules: UrlRules | None = None,
        **unknown: Never,
    ) -> Iterator[OCRResult]:
        """Read every page of `input`, in order; None leaves an option at the pipeline's default.

        Pages are taken one at a time, where a device reads several side by side as many ahead.

        Args:
            input: an (H, W, 3) BGR array, the bytes, path or URL of an image or a PDF, a folder of those, a
                list of any of these, or a page that was opened by `pipelines.read`.
            device: one or more of those the pipeline was made for.
            use_doc_orientation_classify: turn pages that stand sideways or on their head.
            use_doc_unwarping: flatten photos of curved pages.
            use_textline_orientation: turn lines that stand on their head.
            doc_orientation_thresh: how sure the classifier must be for a page to be turned, 0 to 1.
            doc_unwarping_thresh: how bent a page must be to be flattened, see `pipelines.preprocess`.
            textline_orientation_thresh: how sure the classifier must be for a line to be turned, 0 to 1.
            text_det_limit_side_len: pixels to which detection scales one side of the page.
            text_det_limit_type: `max` shrinks the long side to that, `min` grows the short one.
            text_det_max_side_limit: pixels that neither side may exceed in detection.
            text_det_thresh: probability from which a pixel counts as text, 0 to 1.
            text_det_box_thresh: mean probability from which a region counts as a line, 0 to 1.
            text_det_unclip_ratio: how far a region is grown, 0 to 100.
            text_rec_score_thresh: score below which a line is left out, 0 to 1.
            return_word_box: add the boxes of words and characters.
            text_layer: what to do with the text that a PDF page carries: `ignore` it, `trust` it, or
                `verify` it: read a sample, and take the rest where the two agree.
            pages: which pages of a document, `"1-3,7,10-"` or numbers from 1; None for all.
            password: of an encrypted PDF.
            dpi: at which PDF pages are rendered.
            url_rules: how addresses are fetched; None for time-outs, a size limit and no private networks.
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
            "doc_orientation_thresh": doc_orientation_thresh,
            "doc_unwarping_thresh": doc_unwarping_thresh,
            "textline_orientation_thresh": textline_orientation_thresh,
            "text_det_limit_side_len": text_det_limit_side_len,
            "text_det_limit_type": text_det_limit_type,
            "text_det_max_side_limit": text_det_max_side_limit,
            "text_det_thresh": text_det_thresh,
            "text_det_box_thresh": text_det_box_thresh,
            "text_det_unclip_ratio": text_det_unclip_ratio,
            "text_rec_score_thresh": text_rec_score_thresh,
            "return_word_box": return_word_box,
            "text_layer": text_layer,
            **unknown,
        }
        devices = self._among(device)
        options = check_options(given)
        self._check_modules(options)
        layer = self.takes_text_layer(text_layer)
        source = iter_inputs(
            input, dpi=dpi, password=password, pages=pages, url_rules=url_rules, text_layer=layer
        )
        return self._results(source, options, devices)

    def takes_text_layer(self, text_layer: str | None = None) -> bool:
        """Whether `predict` with this `text_layer` has a use for the text that pages of a PDF bring.

        Whoever opens documents with `pipelines.read.open_document` asks, and has the pages bring it.
        """
        mode = self._lanes.equipment.defaults.text_layer if text_layer is None else text_layer
        return mode != "ignore"

    @property
    def pages_at_once(self) -> int:
        """How many pages its devices read side by side: 1 on a CPU, more where they go in batches.

        So many threads may call `predict` at once and share inferences, and so may one with many pages.
        """
        return sum(lane.pages_at_once for lane in self._lanes.lanes)

    @property
    def batching(self) -> Batching | None:
        """How the device takes pages now, of several the one that takes fewest; None where one by one."""
        batchers = [lane.batcher.state for lane in self._lanes.lanes if lane.batcher is not None]
        return min(batchers, key=lambda state: state.pages, default=None)

    def warm_up(self) -> WarmReport:
        """Load the networks, prepare the usual shapes and read a known page, on every device in turn.

        Raises:
            SelfCheckError: when the page is not read rightly: this pipeline must not take work.
            EngineError: when an engine fails.
        """
        start = perf_counter()
        reports = [lane.warm_up() for lane in self._lanes.ready()]
        worst = min(reports, key=lambda report: report.alike)
        return replace(worst, seconds=perf_counter() - start)

    def describe(self) -> dict[str, Any]:
        """What this pipeline is, as results record it: models, engine, precision, device, and who chose."""
        blueprint, equipment = self._blueprint, self._lanes.equipment
        engine = equipment.engine
        described: dict[str, Any] = {
            "name": blueprint.name,
            "digest": blueprint.digest,
            "models": [part.describe() for part in equipment.parts],
            "engine": engine.name,
            "engine_version": engine.version,
            "provider": engine.provider,
            "precision": engine.precision,
            "device": str(blueprint.device),
            "chosen_by": blueprint.chosen_by,
        }
        if self._lanes.measured:
            described["measured"] = {name: round(value, 4) for name, value in self._lanes.measured.items()}
        return described

    def _results(
        self, pages: Iterator[PageImage], given: dict[str, object], device: Device
    ) -> Iterator[OCRResult]:
        lanes = [lane for lane in self._lanes.ready() if device.covers(lane.device)]
        readers = [partial(self._read, lane, given) for lane in lanes for _ in range(lane.pages_at_once)]
        with closing(in_parallel(_timed(pages), readers)) as results:
            for position, result in enumerate(results):
                result.position = position
                yield result

    def _read(self, lane: Lane, given: dict[str, object], taken: tuple[PageImage, float]) -> OCRResult:
        (page, waited), start = taken, perf_counter()
        options = lane.equipment.defaults.merged(given)
        reading = lane.read(page, options)
        reading.timings.update(read=waited, total=waited + perf_counter() - start)
        pipeline = self.describe() | {"device": str(lane.device)}
        return OCRResult(result_fields(page, reading, options, pipeline), page, reading.prepared)

    def _among(self, device: str | None) -> Device:
        """The devices of this pipeline that a call asks for."""
        own = self._blueprint.device
        asked = own if device is None else parse_device(device)
        if not own.covers(asked):
            raise OptionError(f"device: this pipeline was made for {str(own)!r}, not for {device!r}")
        return asked

    def _check_modules(self, options: Mapping[str, object]) -> None:
        name = self._lanes.equipment.missing(options)
        if name is not None:
            raise OptionError(
                f"{name}: its module is not loaded in this pipeline; create the pipeline with {name}=True"
            )


def _timed(pages: Iterator[PageImage]) -> Iterator[tuple[PageImage, float]]:
    """Each page with the seconds it took to be had."""
    while True:
        start = perf_counter()
        page = next(pages, None)
        if page is None:
            return
        yield page, perf_counter() - start

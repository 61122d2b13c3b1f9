"""`create_pipeline`: from a name, a file or a dictionary to a pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.blueprint import Blueprint, asks_for_fastest, engine_settings
from pipelines.config.loading import load_config
from pipelines.config.rules import NAMES
from pipelines.devices import parse_device
from pipelines.digest import config_digest, with_flags
from pipelines.engines.choose import candidates, engine_name
from pipelines.engines.default import default_device
from pipelines.engines.upstream import from_upstream
from pipelines.errors import OptionError

if TYPE_CHECKING:
    from pipelines.models.files import ProgressCallback
    from pipelines.ocr import OCRPipeline


def create_pipeline(
    pipeline: str | Path | None = None,
    config: Mapping[str, Any] | None = None,
    device: str | None = None,
    use_hpip: bool = False,
    engine: str | None = None,
    engine_config: Mapping[str, Any] | None = None,
    *,
    languages: Sequence[str] | None = None,
    model_source: Sequence[str] | None = None,
    cache_dir: str | Path | None = None,
    progress: ProgressCallback | None = None,
    **creation_flags: object,
) -> OCRPipeline:
    """A pipeline whose weights are on this machine when this returns; they are loaded at the first page.

    Args:
        pipeline: `OCR` (the default), `OCR-v4`, or the path of a YAML file.
        config: a configuration that wins over `pipeline`; where both are given their names must match.
        device: where to run, `cpu`, `gpu:0`, `npu:0` and the like, or several of a kind that share the pages,
            `gpu:0,1`. When left out the first GPU that an installed engine reaches, else the CPU.
        use_hpip: measure which engine is fastest here, whatever engine the configuration names; only those
            that read a known page rightly count.
        engine: `auto`, `openvino`, `onnxruntime`, `paddle`, or `fake`, which needs no weights and makes
            up its words. `auto` takes the fastest that is installed and reads a known page rightly.
        engine_config: `width_mode` (`bucket`, `close`, `exact`, see `pipelines.widths`; left out, what suits
            the engine), and what `pipelines.engines.settings.EngineSettings` lists: `precision`, `threads`,
            `batch`, `cache_dir` and the engines' own. PaddleX's keys are understood.
        languages: what the documents are written in, as ISO 639-1 codes or names of recognition models; a
            recogniser for each stands beside the configuration's own, and each line is read by the one that
            is surest of it. See `pipelines.languages`.
        model_source: where weights may come from, in order; see `pipelines.models.resolve`.
        cache_dir: where weights are kept; the platform's cache when left out.
        progress: called while weights are fetched.
        creation_flags: any option of `predict`, as this pipeline's default.

    Raises:
        OptionError: for an option or a key of the configuration that is unknown or wrong.
        EngineUnavailable: when the engine is not installed; the sentence names the extra that brings it.
        DeviceUnavailable: when no engine runs on the device.
        WeightsError: when weights cannot be had.
    """
    settled = with_flags(load_config(pipeline, config), creation_flags)
    if languages is not None:
        NAMES.check(languages, name="languages")
        settled["languages"] = list(languages)
    wanted, measured = _engine(engine, settled.get("engine"), use_hpip or asks_for_fastest(settled))
    place = default_device(wanted) if device is None else parse_device(device)
    said = {**(settled.get("engine_config") or {}), **(engine_config or {})}
    settings, width_mode = engine_settings(from_upstream(said, wanted))
    if place.kind == "cpu" and settings.batch > 1:
        raise OptionError(f"engine_config: batch {settings.batch}: a CPU takes pages one by one")
    if place.kind != "cpu" and not settings.batch and settled.get("batch_size"):
        settings = replace(settings, batch=settled["batch_size"])
    blueprint = Blueprint(
        name=_name(None if config is not None else pipeline, settled),
        config=settled,
        digest=config_digest(settled),
        device=place,
        engines=tuple(candidates(wanted, place)),
        chosen_by="measured" if measured else "order" if wanted == "auto" else "named",
        settings=settings,
        width_mode=width_mode,
        sources=None if model_source is None else tuple(model_source),
        cache_dir=None if cache_dir is None else Path(cache_dir),
        progress=progress,
    )
    from pipelines.ocr import OCRPipeline  # noqa: PLC0415  -- numpy and OpenCV are not needed to refuse a wrong option

    return OCRPipeline(blueprint)


def _engine(asked: str | None, configured: str | None, use_hpip: bool) -> tuple[str, bool]:
    """The engine's name here, and whether the fastest is to be found by measuring."""
    if not use_hpip:
        said = asked or configured or "auto"
        return engine_name(said), said == "hpi"
    if asked not in (None, "auto", "hpi"):
        raise OptionError(
            f"use_hpip: it chooses the engine, which engine={asked!r} does already; give one of them"
        )
    return "auto", True


def _name(pipeline: str | Path | None, config: Mapping[str, Any]) -> str:
    """The shipped configuration's name, or for others the pipeline's."""
    named = pipeline is not None and not str(pipeline).endswith((".yaml", ".yml"))
    return str(pipeline) if named else str(config["pipeline_name"])

"""`create_pipeline`: from a name, a file or a dictionary to a pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.blueprint import Blueprint, engine_settings, refuse_unloaded_modules
from pipelines.config.loading import load_config
from pipelines.devices import parse_device
from pipelines.digest import config_digest, with_flags
from pipelines.engines.choose import candidates
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
    model_source: Sequence[str] | None = None,
    cache_dir: str | Path | None = None,
    progress: ProgressCallback | None = None,
    **creation_flags: object,
) -> OCRPipeline:
    """A pipeline whose weights are on this machine when this returns; they are loaded at the first page.

    Args:
        pipeline: `OCR` (the default), `OCR-v4`, or the path of a YAML file.
        config: a configuration that wins over `pipeline`; where both are given their names must match.
        device: where to run, `cpu` or `gpu:0` and the like; the CPU, which is what the engines
            here reach, when left out.
        use_hpip: let the fastest engine be chosen, whatever engine the configuration names.
        engine: `auto`, `openvino`, `onnxruntime`, `paddle`, or `fake`, which needs no weights and makes
            up its words. `auto` takes the fastest that is installed and reads a known page rightly.
        engine_config: `precision` (`auto`, `f32`, `bf16`), `threads`, `width_mode` (`bucket`, `exact`),
            `cache_dir` for compiled models.
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
    refuse_unloaded_modules(settled)
    wanted = _engine(engine, settled.get("engine"), use_hpip or bool(settled.get("use_hpip")))
    place = parse_device("cpu" if device is None else device)
    settings, width_mode = engine_settings({**(settled.get("engine_config") or {}), **(engine_config or {})})
    blueprint = Blueprint(
        name=_name(None if config is not None else pipeline, settled),
        config=settled,
        digest=config_digest(settled),
        device=str(place),
        engines=tuple(candidates(wanted, place)),
        chosen=wanted == "auto",
        settings=settings,
        width_mode=width_mode,
        sources=None if model_source is None else tuple(model_source),
        cache_dir=None if cache_dir is None else Path(cache_dir),
        progress=progress,
    )
    from pipelines.ocr import OCRPipeline  # noqa: PLC0415  -- numpy and OpenCV are not needed to refuse a wrong option

    return OCRPipeline(blueprint)


def _engine(asked: str | None, configured: str | None, use_hpip: bool) -> str:
    if not use_hpip:
        return asked or configured or "auto"
    if asked not in (None, "auto"):
        raise OptionError(
            f"use_hpip: it chooses the engine, which engine={asked!r} does already; give one of them"
        )
    return "auto"


def _name(pipeline: str | Path | None, config: Mapping[str, Any]) -> str:
    """The shipped configuration's name, or for others the pipeline's."""
    named = pipeline is not None and not str(pipeline).endswith((".yaml", ".yml"))
    return str(pipeline) if named else str(config["pipeline_name"])

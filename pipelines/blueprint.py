"""A pipeline before anything is loaded: what was asked for, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipelines.config.rules import FOLDER, MAPPING, NAMES, Rule, one_of
from pipelines.devices import Device
from pipelines.engines.settings import PRECISIONS, EngineSettings
from pipelines.errors import ConfigError
from pipelines.widths import WidthMode

if TYPE_CHECKING:
    from pipelines.models.files import ProgressCallback

PREPROCESSORS = ("DocOrientationClassify", "DocUnwarping")
USUAL_MODELS = {
    "DocOrientationClassify": "PP-LCNet_x1_0_doc_ori",
    "DocUnwarping": "UVDoc",
    "TextLineOrientation": "PP-LCNet_x1_0_textline_ori",
}

_ENGINE_KEYS = {
    "precision": one_of(*PRECISIONS),
    "threads": Rule("a whole number from 0 to 256", lambda v: type(v) is int and 0 <= v <= 256),  # noqa: PLR2004  -- said in the words beside it
    "batch": Rule("a whole number from 0 to 256", lambda v: type(v) is int and 0 <= v <= 256),  # noqa: PLR2004  -- said in the words beside it
    "width_mode": one_of("bucket", "close", "exact"),
    "cache_dir": FOLDER,
    "providers": NAMES,
    "provider_options": Rule(
        "a list of mappings",
        lambda value: isinstance(value, list | tuple) and all(isinstance(one, Mapping) for one in value),
    ),
    "properties": MAPPING,
}


@dataclass(frozen=True)
class Blueprint:
    """Everything `create_pipeline` settled before it touched weights or engines.

    Attributes:
        name: of the pipeline, as results record it.
        config: checked, with the options given at creation written in.
        digest: of the configuration and its weights.
        device: where to run; several devices share the pages.
        engines: the engines to try, best first.
        chosen_by: `named` by the caller, or left to us: by `order`, or `measured` as `use_hpip` asks. Then
            passing the self-check is a condition.
        settings: how an engine is to run.
        width_mode: how wide lines enter the recognition network; None for what suits the engine.
        sources: where weights may come from, in order; None for the usual order.
        cache_dir: where weights are kept; None for the platform's place.
        progress: called while weights are fetched.
    """

    name: str
    config: dict[str, Any]
    digest: str
    device: Device
    engines: tuple[str, ...]
    chosen_by: Literal["named", "order", "measured"]
    settings: EngineSettings
    width_mode: WidthMode | None
    sources: Sequence[str] | None
    cache_dir: Path | None
    progress: ProgressCallback | None = None

    def module(self, name: str) -> dict[str, Any]:
        """One module's section of the configuration, without the keys that say nothing."""
        return module_section(self.config, name)


def module_section(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The section of module `name`, wherever it stands, without the keys that say nothing.

    The modules of which every PaddleX configuration names the same model need not be spelled out.
    """
    place = _preprocessor(config) if name in PREPROCESSORS else config
    section = (place.get("SubModules") or {}).get(name) or {}
    usual = {"model_name": USUAL_MODELS[name]} if name in USUAL_MODELS else {}
    return usual | {key: value for key, value in section.items() if value is not None}


def switched_on(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The optional modules that a configuration loads, as the guide has it: on unless it says otherwise."""
    preprocessor = _preprocessor(config)
    asked = _flag(config, "use_doc_preprocessor")
    wanted = {
        "DocOrientationClassify": asked and _flag(preprocessor, "use_doc_orientation_classify"),
        "DocUnwarping": asked and _flag(preprocessor, "use_doc_unwarping"),
        "TextLineOrientation": _flag(config, "use_textline_orientation"),
    }
    return tuple(name for name, wants in wanted.items() if wants)


def asks_for_fastest(config: Mapping[str, Any]) -> bool:
    """Whether a configuration says `use_hpip` anywhere: one engine reads a page, so a part asks for all."""
    parts = (part for key in ("SubModules", "SubPipelines") for part in (config.get(key) or {}).values())
    return bool(config.get("use_hpip")) or any(asks_for_fastest(part) for part in parts if part)


def _preprocessor(config: Mapping[str, Any]) -> Mapping[str, Any]:
    return (config.get("SubPipelines") or {}).get("DocPreprocessor") or {}


def _flag(section: Mapping[str, Any], key: str) -> bool:
    value = section.get(key)
    return True if value is None else bool(value)


def engine_settings(given: Mapping[str, Any]) -> tuple[EngineSettings, WidthMode | None]:
    """The settings in an `engine_config`, checked; ConfigError for an unknown key or a wrong value."""
    values = {key: value for key, value in given.items() if value is not None}
    for key, value in values.items():
        if key not in _ENGINE_KEYS:
            raise ConfigError.unknown(key, _ENGINE_KEYS, where="engine_config")
        _ENGINE_KEYS[key].check(value, name=f"engine_config: {key}")
    width_mode: WidthMode | None = values.pop("width_mode", None)
    if "cache_dir" in values:
        values["cache_dir"] = Path(values["cache_dir"])
    for key in ("providers", "provider_options"):
        if key in values:
            values[key] = tuple(values[key])
    return EngineSettings(**values), width_mode

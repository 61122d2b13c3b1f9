"""A pipeline before anything is loaded: what was asked for, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.config.rules import FOLDER, Rule, one_of
from pipelines.engines.settings import EngineSettings
from pipelines.errors import ConfigError, OptionError
from pipelines.widths import WidthMode

if TYPE_CHECKING:
    from pipelines.models.files import ProgressCallback

_ENGINE_KEYS = {
    "precision": one_of("auto", "f32", "bf16"),
    "threads": Rule("a whole number from 0 to 256", lambda v: type(v) is int and 0 <= v <= 256),  # noqa: PLR2004  -- said in the words beside it
    "width_mode": one_of("bucket", "exact"),
    "cache_dir": FOLDER,
}


@dataclass(frozen=True)
class Blueprint:
    """Everything `create_pipeline` settled before it touched weights or engines.

    Attributes:
        name: of the pipeline, as results record it.
        config: checked, with the options given at creation written in.
        digest: of the configuration and its weights.
        device: a device's name.
        engines: the engines to try, best first.
        chosen: True when the engine was left to us, which makes passing the self-check a condition.
        settings: how an engine is to run.
        width_mode: how wide lines enter the recognition network.
        sources: where weights may come from, in order; None for the usual order.
        cache_dir: where weights are kept; None for the platform's place.
        progress: called while weights are fetched.
    """

    name: str
    config: dict[str, Any]
    digest: str
    device: str
    engines: tuple[str, ...]
    chosen: bool
    settings: EngineSettings
    width_mode: WidthMode
    sources: Sequence[str] | None
    cache_dir: Path | None
    progress: ProgressCallback | None = None

    def module(self, name: str) -> dict[str, Any]:
        """One of the configuration's `SubModules`, without the keys that say nothing."""
        section = (self.config.get("SubModules") or {}).get(name) or {}
        return {key: value for key, value in section.items() if value is not None}


def engine_settings(given: Mapping[str, Any]) -> tuple[EngineSettings, WidthMode]:
    """The settings in an `engine_config`, checked; ConfigError for an unknown key or a wrong value."""
    values = {key: value for key, value in given.items() if value is not None}
    for key, value in values.items():
        if key not in _ENGINE_KEYS:
            raise ConfigError.unknown(key, _ENGINE_KEYS, where="engine_config")
        _ENGINE_KEYS[key].check(value, name=f"engine_config: {key}")
    width_mode: WidthMode = values.pop("width_mode", "bucket")
    if "cache_dir" in values:
        values["cache_dir"] = Path(values["cache_dir"])
    return EngineSettings(**values), width_mode


def refuse_unloaded_modules(config: Mapping[str, Any]) -> None:
    """Raise an OptionError when the configuration turns on a stage that this version does not have."""
    preprocessor = (config.get("SubPipelines") or {}).get("DocPreprocessor") or {}
    switched_on = config.get("use_doc_preprocessor") and (
        preprocessor.get("use_doc_orientation_classify", True) or preprocessor.get("use_doc_unwarping", True)
    )
    if switched_on:
        raise OptionError(
            "use_doc_preprocessor: document orientation and unwarping cannot be loaded in this version; "
            "set it to False"
        )
    if config.get("use_textline_orientation"):
        raise OptionError(
            "use_textline_orientation: line orientation cannot be loaded in this version; set it to False"
        )

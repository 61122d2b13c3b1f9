"""Where a configuration comes from: a shipped name, a YAML file or a dictionary."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from pipelines.config.schema import OCR_SCHEMA, validate
from pipelines.errors import ConfigError

CONFIGS = Path(__file__).resolve().parent.parent / "configs"


def pipeline_names() -> list[str]:
    """The names of the configurations that ship with the package, sorted."""
    return sorted(path.stem for path in CONFIGS.glob("*.yaml"))


def config_text(name: str) -> str:
    """The YAML text of a shipped configuration; raises a ConfigError for an unknown name."""
    path = CONFIGS / f"{name}.yaml"
    if name not in pipeline_names():
        raise ConfigError.unknown(name, pipeline_names(), where="pipeline", what="name")
    return path.read_text(encoding="utf-8")


def load_config(pipeline: str | Path | None, config: Mapping[str, object] | None = None) -> dict[str, Any]:
    """The checked configuration as plain nested dictionaries, free of the caller's own objects.

    Args:
        pipeline: a shipped name or the path of a YAML file; "OCR" when both arguments are None.
        config: a configuration that wins over `pipeline`; where both are given their names must match.

    Raises:
        ConfigError: for an unknown name, an unreadable file, an unknown key or a wrong value.
    """
    named = None if pipeline is None and config is not None else _named(pipeline or "OCR")
    if config is None:
        assert named is not None  # noqa: S101  -- the line above; it only tells the type checker
        return named
    own = deepcopy(dict(config))
    where = "config"
    validate(own, OCR_SCHEMA, where=where)
    if "pipeline_name" not in own:
        raise ConfigError(f"{where}: the key 'pipeline_name' is missing")
    if named is not None and named["pipeline_name"] != own["pipeline_name"]:
        raise ConfigError(f"{where}: its pipeline_name {own['pipeline_name']!r} is not that of {pipeline!r}")
    return own


def _named(pipeline: str | Path) -> dict[str, Any]:
    if str(pipeline).endswith((".yaml", ".yml")):
        where, text = str(pipeline), _read(Path(pipeline))
    else:
        where, text = f"pipeline {pipeline}", config_text(str(pipeline))
    parsed = _parse(text, where)
    validate(parsed, OCR_SCHEMA, where=where)
    if "pipeline_name" not in parsed:
        raise ConfigError(f"{where}: the key 'pipeline_name' is missing")
    return parsed


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: the configuration cannot be read ({error})") from error


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        parsed = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{where}: this is not valid YAML ({' '.join(str(error).split())})") from error
    if not isinstance(parsed, dict):
        raise ConfigError(f"{where}: expected a mapping of keys at the top, got {type(parsed).__name__}")
    return parsed

"""A pipeline's digest: two pipelines with the same digest read the same page the same way.

It covers the configuration and the weights. Engine and device are left out: whoever files a document
cannot know them, and they are recorded with each result instead. Nothing heavy is imported.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from pipelines.blueprint import module_section, switched_on
from pipelines.config.loading import load_config
from pipelines.config.options import OPTIONS, check_options
from pipelines.models import digests_of, known_sha256, spec_of

# Raised whenever the code reads the same page differently than before.
_METHOD = 2

# Of a module: how many lines share a batch, and what is run by which engine, change no text.
_WITHOUT_EFFECT = {"batch_size", "use_hpip", "hpi_config", "genai_config"}
_STAGES = ("TextDetection", "TextRecognition")
_PREPROCESSING = ("use_doc_orientation_classify", "use_doc_unwarping")


def pipeline_digest(
    config_or_name: str | Path | Mapping[str, Any] | None = None, **creation_flags: object
) -> str:
    """SHA-256 (hexadecimal) over the normalised configuration and the weights' SHA-256.

    Args:
        config_or_name: what `create_pipeline` takes as `pipeline` or `config`.
        creation_flags: the options given to `create_pipeline`.

    Raises:
        OptionError: for anything `create_pipeline` would refuse in these arguments.
        WeightsError: when a `model_dir` of the configuration is not there.
    """
    given = isinstance(config_or_name, Mapping)
    config = load_config(None, config_or_name) if given else load_config(config_or_name)  # type: ignore[arg-type]  # mypy does not follow `given`
    return config_digest(with_flags(config, creation_flags))


def with_flags(config: dict[str, Any], flags: Mapping[str, object]) -> dict[str, Any]:
    """`config` with options given at creation written over its own."""
    checked = check_options(flags)
    if any(checked.get(name) for name in _PREPROCESSING) and config.get("use_doc_preprocessor") is False:
        # What the configuration left out as a whole stays out, but for what is asked for.
        checked = dict.fromkeys(_PREPROCESSING, False) | checked
        config["use_doc_preprocessor"] = True
    for name, value in checked.items():
        *sections, key = OPTIONS[name].place
        place = config
        for section in sections:
            place[section] = place = dict(place.get(section) or {})
        place[key] = value
    return config


def config_digest(config: Mapping[str, Any]) -> str:
    """The digest of a checked configuration."""
    stages = {name: _stage(module_section(config, name)) for name in (*switched_on(config), *_STAGES)}
    body = {"method": _METHOD, "pipeline": config["pipeline_name"], "stages": stages}
    if config.get("languages"):
        body["languages"] = list(config["languages"])
    return sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _stage(module: Mapping[str, Any]) -> dict[str, Any]:
    said = {key: value for key, value in module.items() if key not in _WITHOUT_EFFECT}
    folder, name = said.pop("model_dir", None), said.get("model_name")
    weights = digests_of(Path(folder)) if folder else _pinned_digest(name)
    return {"settings": {key: _plain(value) for key, value in said.items()}, "weights": weights}


def _plain(value: Any) -> Any:
    # 1 and 1.0 are the same threshold.
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _pinned_digest(name: str | None) -> str | None:
    if name is None:
        return None
    return known_sha256(name, spec_of(name).preferred_form)

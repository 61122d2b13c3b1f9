"""Seeing to it that a model folder says how its model wants to be used."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.errors import WeightsError
from pipelines.models.files import CONFIG
from pipelines.models.inference import (
    InferenceConfig,
    read_inference_config,
    supplied_inference,
    write_inference_yml,
)
from pipelines.models.layout import DICTIONARY_FILE, FolderLayout, find_layout
from pipelines.models.onnx_metadata import read_metadata
from pipelines.models.spec import Form, ModelSpec, Module

_POST_PROCESS = {
    Module.TEXT_DETECTION: "DBPostProcess",
    Module.TEXT_RECOGNITION: "CTCLabelDecode",
    Module.DOC_ORIENTATION: "Topk",
    Module.TEXTLINE_ORIENTATION: "Topk",
}
_ANGLES = {Module.DOC_ORIENTATION: {0, 90, 180, 270}, Module.TEXTLINE_ORIENTATION: {0, 180}}


def complete(folder: Path, spec: ModelSpec, form: Form, *, ends_with_space: bool = False) -> None:
    """Write a fetched folder's `inference.yml` if it has none, or check that it is of this model.

    Raises:
        WeightsError: it is of another model, or the alphabet of a recognition model is nowhere.
    """
    layout = find_layout(folder, form)
    if layout.config is None:
        write_inference_yml(folder / CONFIG, supply(layout, spec, ends_with_space=ends_with_space))
    else:
        config = read_inference_config(layout.config)
        check_named(layout.config, config, spec)
        check_fits(layout, config, spec)


def check_named(
    path: Path, config: InferenceConfig, spec: ModelSpec, known: Container[str] | None = None
) -> None:
    """WeightsError when the weights call themselves by another name; naming none is no fault.

    Args:
        path: of the `inference.yml`, for the sentence.
        config: what it says.
        spec: the model they were taken for.
        known: the only names that count as another model's; None when any other does.
    """
    named = config.model_name
    if named in (None, spec.name) or (known is not None and named not in known):
        return
    raise WeightsError(
        f"{path}: these weights are of {named}, not of {spec.name}; the model_name must be the weights' own"
    )


def check_fits(layout: FolderLayout, config: InferenceConfig, spec: ModelSpec) -> InferenceConfig:
    """The configuration, with the alphabet it may lack; WeightsError when it is of another task."""
    wanted = _POST_PROCESS.get(spec.module)
    if config.post_process not in (None, wanted):
        raise WeightsError(
            f"{layout.config}: its PostProcess is {config.post_process}; {spec.module.replace('_', ' ')} "
            f"needs {wanted or 'none'}"
        )
    angles = _ANGLES.get(spec.module, set())
    for label in config.labels if angles else ():
        if not (number := re.match(r"\d+", label)) or int(number[0]) not in angles:
            raise WeightsError(f"{layout.config}: the label {label!r} is none of the angles {sorted(angles)}")
    if spec.module is Module.TEXT_RECOGNITION and not config.character_dict:
        return replace(config, character_dict=tuple(_alphabet(layout, spec)))
    return config


def supply(layout: FolderLayout, spec: ModelSpec, *, ends_with_space: bool = False) -> dict[str, Any]:
    """The content of an `inference.yml` for a folder without one; WeightsError when no alphabet is found."""
    alphabet = _alphabet(layout, spec) if spec.module is Module.TEXT_RECOGNITION else []
    return supplied_inference(spec, alphabet + ([" "] if ends_with_space else []))


def _alphabet(layout: FolderLayout, spec: ModelSpec) -> list[str]:
    """From the text file, else the ONNX metadata; an entry may be a space, so only line ends are stripped."""
    if len(layout.dictionaries) > 1:
        names = ", ".join(path.name for path in layout.dictionaries)
        raise WeightsError(
            f"The weights of {spec.name} in {layout.graph.parent} have several dictionaries ({names}); call "
            f"the one to use {DICTIONARY_FILE}"
        )
    text = _character_metadata(layout.graph) if layout.form == "onnx" and not layout.dictionaries else ""
    text = "".join([text, *map(_dictionary_text, layout.dictionaries)])
    if not text:
        raise WeightsError(
            f"The weights of {spec.name} in {layout.graph.parent} have no alphabet: no character_dict in "
            f"{CONFIG}, no {DICTIONARY_FILE} (PaddleOCR's is {spec.dictionary}) and none in the graph"
        )
    return text.removesuffix("\n").split("\n")


def _dictionary_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsError(f"The dictionary {path} is no text in UTF-8: {error}") from error


def _character_metadata(graph: Path) -> str:
    try:
        return read_metadata(graph).get("character", "")
    except ValueError as error:
        raise WeightsError(f"{graph} is not an ONNX file: {error}") from error

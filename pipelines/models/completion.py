"""Seeing to it that a model folder says how its model wants to be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines.errors import WeightsError
from pipelines.models.files import CONFIG
from pipelines.models.inference import read_inference_config, supplied_inference, write_inference_yml
from pipelines.models.onnx_metadata import read_metadata
from pipelines.models.spec import Dictionary, ModelSpec, Module

DICTIONARY_FILE = "dictionary.txt"


def complete(
    folder: Path, spec: ModelSpec, dictionary: Dictionary = "inference.yml", *, ends_with_space: bool = False
) -> None:
    """Write the folder's `inference.yml` if it has none, or check that it is of this model.

    Raises:
        WeightsError: it is of another model, or the alphabet of a recognition model is nowhere.
    """
    config = folder / CONFIG
    if config.is_file():
        check_name(folder, spec)
    else:
        write_inference_yml(config, supply(folder, spec, dictionary, ends_with_space=ends_with_space))


def check_name(folder: Path, spec: ModelSpec) -> None:
    """WeightsError when the folder's `inference.yml` names another model; naming none is no fault."""
    named = read_inference_config(folder / CONFIG).model_name
    if named not in (None, spec.name):
        raise WeightsError(f"The weights in {folder} are of {named}, not of {spec.name}")


def supply(
    folder: Path, spec: ModelSpec, dictionary: Dictionary, *, ends_with_space: bool = False
) -> dict[str, Any]:
    """The content of an `inference.yml` for a folder without one; WeightsError when no alphabet is found."""
    alphabet = []
    if spec.module is Module.TEXT_RECOGNITION:
        alphabet = _alphabet(folder, dictionary) + ([" "] if ends_with_space else [])
        if not alphabet:
            raise WeightsError(
                f"The weights of {spec.name} in {folder} have no alphabet: "
                f"no {CONFIG}, no {DICTIONARY_FILE} and none in the graph"
            )
    return supplied_inference(spec, alphabet)


def _alphabet(folder: Path, dictionary: Dictionary) -> list[str]:
    """One entry a line. An entry may be a space or a wide space, so nothing is stripped but line ends."""
    if dictionary == "file":
        text = (folder / DICTIONARY_FILE).read_text(encoding="utf-8")
    elif dictionary == "metadata":
        text = _character_metadata(folder / "inference.onnx")
    else:
        text = ""
    return text.removesuffix("\n").split("\n") if text else []


def _character_metadata(graph: Path) -> str:
    try:
        return read_metadata(graph).get("character", "")
    except ValueError as error:
        raise WeightsError(f"{graph} is not an ONNX file: {error}") from error

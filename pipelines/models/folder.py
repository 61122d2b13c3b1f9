"""A `model_dir`: a folder with the user's own weights."""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import WeightsError
from pipelines.models.completion import DICTIONARY_FILE, check_name, supply
from pipelines.models.files import CONFIG, ModelFiles, find_graph, sha256_of, weights_file
from pipelines.models.inference import InferenceConfig, parse_inference_config, read_inference_config
from pipelines.models.spec import FORMS, Dictionary, Form, ModelSpec


def files_in_folder(folder: Path, spec: ModelSpec, form: Form | None) -> ModelFiles:
    """The model in `folder`, read but never written to.

    Raises:
        WeightsError: the folder, its graph or its `inference.yml` is missing or is of another model.
    """
    if not folder.is_dir():
        raise WeightsError(f"The model_dir {folder} for {spec.name} is not a folder")
    for wanted in (form,) if form else FORMS:
        graph = find_graph(folder, wanted)
        if graph is not None:
            return _files(folder, spec, wanted, graph)
    raise WeightsError(f"The model_dir {folder} for {spec.name} holds no {_expected(form)}")


def _expected(form: Form | None) -> str:
    onnx = "inference.onnx"
    paddle = "inference.pdiparams with inference.json or inference.pdmodel"
    return {"onnx": onnx, "paddle": paddle}.get(form or "", f"{onnx}, nor {paddle}")


def _files(folder: Path, spec: ModelSpec, form: Form, graph: Path) -> ModelFiles:
    weights = folder / weights_file(form)
    if graph.stat().st_size == 0 or weights.stat().st_size == 0:
        raise WeightsError(f"The model_dir {folder} for {spec.name} is damaged: its weights are empty")
    used = {graph, weights} | ({folder / CONFIG} if (folder / CONFIG).is_file() else set())
    digests = {path.name: sha256_of(path) for path in sorted(used)}
    return ModelFiles(
        name=spec.name,
        form=form,
        folder=folder,
        graph=graph,
        params=None if form == "onnx" else weights,
        inference=_inference(folder, spec, form),
        sha256=digests[weights.name],
        files=digests,
        source="model_dir",
    )


def _inference(folder: Path, spec: ModelSpec, form: Form) -> InferenceConfig:
    """What the folder's `inference.yml` says, or else what the registry would have supplied."""
    if (folder / CONFIG).is_file():
        check_name(folder, spec)
        return read_inference_config(folder / CONFIG)
    has_file = (folder / DICTIONARY_FILE).is_file()
    dictionary: Dictionary = "file" if has_file else "metadata" if form == "onnx" else "inference.yml"
    return parse_inference_config(supply(folder, spec, dictionary))

"""A `model_dir`: a folder with the user's own weights, fine-tuned as often as not."""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import WeightsError
from pipelines.models.completion import check_fits, check_named, supply
from pipelines.models.files import ModelFiles
from pipelines.models.inference import InferenceConfig, parse_inference_config, read_inference_config
from pipelines.models.layout import FolderLayout, find_layout, sha256_of
from pipelines.models.registry import MODELS
from pipelines.models.spec import Form, ModelSpec


def files_in_folder(folder: Path, spec: ModelSpec, form: Form | None) -> ModelFiles:
    """The model in `folder`, read but never written to; it serves under the configured name.

    Raises:
        WeightsError: there is no model of that kind, or its `inference.yml` is of another model or asks for
            what this pipeline does not do.
    """
    layout = find_layout(folder, form)
    empty = [path.name for path in layout.files if path.stat().st_size == 0]
    if empty:
        raise WeightsError(f"The model_dir {folder} for {spec.name} is damaged: {empty[0]} is empty")
    digests = {path.name: sha256_of(path) for path in layout.files}
    return ModelFiles(
        name=spec.name,
        form=layout.form,
        folder=folder,
        graph=layout.graph,
        params=layout.params,
        inference=_inference(layout, spec),
        sha256=digests[layout.weights.name],
        files=digests,
        source="model_dir",
    )


def _inference(layout: FolderLayout, spec: ModelSpec) -> InferenceConfig:
    """What the folder's `inference.yml` says, or else what the registry would have supplied."""
    if layout.config is None:
        return parse_inference_config(supply(layout, spec))
    config = read_inference_config(layout.config)
    # A name that no registry knows is the user's own; a known one is of other weights than were meant.
    check_named(layout.config, config, spec, known=MODELS)
    return check_fits(layout, config, spec)

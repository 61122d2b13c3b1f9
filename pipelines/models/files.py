"""What `resolve` hands out: a model's files, and news of how a download is getting on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipelines.models.inference import InferenceConfig
from pipelines.models.spec import Form

_GRAPHS: dict[Form, tuple[str, ...]] = {
    "onnx": ("inference.onnx",),
    "paddle": ("inference.pdmodel", "inference.json"),
}
PARAMETERS = "inference.pdiparams"
CONFIG = "inference.yml"


@dataclass(frozen=True)
class ModelFiles:
    """One model on this machine, ready to be loaded.

    Attributes:
        folder: holds `inference.yml` too; it can be given to PaddleX as a `model_dir`.
        graph: `inference.onnx`, `inference.pdmodel` or `inference.json`.
        params: `inference.pdiparams`; None for ONNX, which holds its own.
        sha256: of the file that holds the numbers: `params`, or the ONNX graph.
        files: SHA-256 of every file in use, by name; an edited `inference.yml` shows here.
        source: where the files came from, for people: a wheel's requirement, a host, `model_dir`.
    """

    name: str
    form: Form
    folder: Path
    graph: Path
    params: Path | None
    inference: InferenceConfig
    sha256: str
    files: Mapping[str, str]
    source: str


@dataclass(frozen=True)
class Progress:
    """One step of fetching weights.

    Attributes:
        model: the name that was asked for.
        action: `waiting` for another process that fetches, `downloading`, or `ready`.
        source: what is being fetched, or where the finished files came from.
        done, total: bytes; `total` is None when the host does not say.
    """

    model: str
    action: Literal["waiting", "downloading", "ready"]
    source: str
    done: int = 0
    total: int | None = None


ProgressCallback = Callable[[Progress], None]


def find_graph(folder: Path, form: Form) -> Path | None:
    """The graph of that form in `folder`, if it and, for Paddle, its parameters are there."""
    if form == "paddle" and not (folder / PARAMETERS).is_file():
        return None
    return next((folder / name for name in _GRAPHS[form] if (folder / name).is_file()), None)


def weights_file(form: Form) -> str:
    """The name of the file that holds the numbers."""
    return "inference.onnx" if form == "onnx" else PARAMETERS

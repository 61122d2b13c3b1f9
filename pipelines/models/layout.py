"""What the files of a `model_dir` are, whatever their names.

PaddleOCR's exports are called `inference.*`; other tools write `model.onnx`, `det.onnx`, or leave the
dictionary as a text file beside the weights. A name is guessed only where nothing else could be meant.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import WeightsError
from pipelines.models.spec import FORMS, Form

DICTIONARY_FILE = "dictionary.txt"
_STEM = "inference"
_PARAMETERS = ".pdiparams"
_PADDLE_GRAPHS = (".pdmodel", ".json")  # the older first: every engine for this form reads it
_CONFIGS = (".yml", ".yaml")
_DICTIONARY_WORDS = ("dict", "keys", "charset", "alphabet", "vocab")
_TRAINING = (".pdparams", ".pdopt", ".safetensors", ".pth", ".pt", ".onnx.data")


@dataclass(frozen=True)
class FolderLayout:
    """The files of one model in one folder; those that are not there are None.

    Attributes:
        graph: an ONNX file, a `.pdmodel` or a program in `.json`.
        params: Paddle's `.pdiparams`; None for ONNX.
        config: `inference.yml`, or a file with the graph's own stem.
        dictionaries: text files that may hold the alphabet.
    """

    form: Form
    graph: Path
    params: Path | None
    config: Path | None
    dictionaries: tuple[Path, ...]

    @property
    def weights(self) -> Path:
        """The file that holds the numbers."""
        return self.graph if self.params is None else self.params

    @property
    def files(self) -> list[Path]:
        """Every file that decides what is read, by name."""
        parts = (self.graph, self.params, self.config, *self.dictionaries)
        return sorted(part for part in parts if part is not None)


def find_layout(folder: Path, form: Form | None = None) -> FolderLayout:
    """The model in `folder`; where both forms are there and none is asked for, ONNX.

    Raises:
        WeightsError: there is no such folder, no model in it, or more than one that could be meant.
    """
    if not folder.is_dir():
        there = "a file; give the folder that it is in" if folder.is_file() else "not a folder"
        raise WeightsError(f"The model_dir {folder} is {there}")
    for wanted in (form,) if form else FORMS:
        layout = _layout(folder, wanted)
        if layout is not None:
            return layout
    raise WeightsError(f"The model_dir {folder} holds no {_expected(form)}{_instead(folder)}")


def digests_of(folder: Path) -> dict[str, str]:
    """SHA-256 by name of every file of either form that decides what is read; raises as `find_layout`."""
    first = find_layout(folder)
    layouts = [first, *(other for form in FORMS if (other := _layout(folder, form)) is not None)]
    return {path.name: sha256_of(path) for path in sorted({path for each in layouts for path in each.files})}


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hexadecimal; a 20 MB model takes a few hundredths of a second."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _layout(folder: Path, form: Form) -> FolderLayout | None:
    graph = _onnx_graph(folder) if form == "onnx" else _paddle_graph(folder)
    if graph is None:
        return None
    params = None if form == "onnx" else graph.with_suffix(_PARAMETERS)
    return FolderLayout(form, graph, params, _config(folder, graph), _dictionaries(folder))


def _onnx_graph(folder: Path) -> Path | None:
    return _only(folder, folder.glob("*.onnx"))


def _paddle_graph(folder: Path) -> Path | None:
    stems = {path.with_suffix("") for path in folder.glob(f"*{_PARAMETERS}")}
    pairs = [
        next((graph for end in _PADDLE_GRAPHS if (graph := Path(f"{stem}{end}")).is_file()), None)
        for stem in sorted(stems)
    ]
    return _only(folder, (pair for pair in pairs if pair is not None))


def _config(folder: Path, graph: Path) -> Path | None:
    names = [f"{stem}{end}" for stem in (_STEM, graph.stem) for end in _CONFIGS]
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _dictionaries(folder: Path) -> tuple[Path, ...]:
    named = folder / DICTIONARY_FILE
    if named.is_file():
        return (named,)
    texts = sorted(folder.glob("*.txt"))
    return tuple(text for text in texts if any(word in text.name.lower() for word in _DICTIONARY_WORDS))


def _only(folder: Path, candidates: Iterable[Path]) -> Path | None:
    """The candidate called `inference`, or the only one."""
    found = sorted(candidates)
    if len(found) > 1 and (named := [path for path in found if path.stem == _STEM]):
        return named[0]
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        kept = f"{_STEM}{found[0].suffix}"
        raise WeightsError(
            f"The model_dir {folder} holds several models ({names}); call the one to use {kept}"
        )
    return found[0] if found else None


def _expected(form: Form | None) -> str:
    onnx = "inference.onnx"
    paddle = "inference.pdiparams with inference.json or inference.pdmodel"
    return {"onnx": onnx, "paddle": paddle}.get(form or "", f"{onnx}, nor {paddle}")


def _instead(folder: Path) -> str:
    """What the person may have meant: the export inside the folder, or weights not yet exported."""
    for inside in sorted(path for path in folder.iterdir() if path.is_dir()):
        if any(inside.glob("*.onnx")) or any(inside.glob(f"*{_PARAMETERS}")):
            return f"; {inside} does, give that"
    training = sorted(path.name for path in folder.iterdir() if path.name.endswith(_TRAINING))
    return f"; {training[0]} is of training: export it for inference first" if training else ""

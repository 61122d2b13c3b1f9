"""Real weights and known text for tests: who asks gets them, or is skipped where they cannot be had."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from services import absent

from pipelines.draw.raster import set_line
from pipelines.engines.base import Session
from pipelines.engines.choose import make_engine
from pipelines.engines.settings import EngineSettings
from pipelines.errors import WeightsError
from pipelines.models import Form, ModelFiles, resolve

SOURCES = ("cache", "wheel", "wheel-tests")
INK = (20, 20, 20)
_EM = 44  # pixels; letters of alphabets are about half as wide as ideographs
_WIDE = "\u1100"  # from here on, scripts are written in squares


def real_files(name: str, form: Form | None = None) -> ModelFiles:
    """The model's files from a pinned wheel; the test is skipped where they cannot be had."""
    try:
        return resolve(name, form=form, sources=SOURCES)
    except WeightsError as error:
        absent(str(error))


def real_session(files: ModelFiles) -> Session:
    """The network in the engine that reads its form, on one thread."""
    engine = "onnxruntime" if files.form == "onnx" else "paddle"
    return make_engine(engine, EngineSettings(threads=1)).load(files)


def written_page(lines: tuple[str, ...], em: int = _EM) -> NDArray[np.uint8]:
    """A BGR page with the lines set in Noto, dark on white."""
    page = np.full((em * 2 * (len(lines) + 1), em * 16, 3), 255, dtype=np.uint8)
    for row, text in enumerate(lines):
        width = min(em * 15.0, sum(em if letter >= _WIDE else em * 0.55 for letter in text))
        left, top = em / 2, em * (2 * row + 1)
        right, bottom = left + width, top + em * 1.2
        corners = [[left, top], [right, top], [right, bottom], [left, bottom]]
        set_line(page, np.array(corners, dtype=np.float64), text, INK)
    return page


def as_program(pdmodel: Path, target: Path) -> None:
    """Write a `.pdmodel` as Paddle 3 writes graphs: a program in JSON, whose input is an operation `data`."""
    try:
        import paddle  # noqa: PLC0415  -- takes seconds, and is not installed everywhere
        from paddle.base import core  # noqa: PLC0415  -- as above
    except ImportError:
        absent("paddle is not installed: pip install 'pageline[paddle]'")
    program = paddle.pir.translate_to_pir(core.ProgramDesc(pdmodel.read_bytes()))  # type: ignore[attr-defined]  # its stubs leave it out
    core.serialize_pir_program(program, str(target))
    content = json.loads(target.read_text())
    for operation in content["program"]["regions"][0]["blocks"][0]["ops"]:
        if operation["#"] == "1.feed":
            shape = operation["O"][0]["TT"]["D"][1]
            operation["#"] = "1.data"
            operation["A"] = [
                operation["A"][0],
                {"AT": {"#": "1.a_intarray", "D": shape}, "N": "shape"},
                {"AT": {"#": "1.a_dtype", "D": "float32"}, "N": "dtype"},
                {"AT": {"#": "1.a_place", "D": [0, 0, ""]}, "N": "place"},
            ]
    target.write_text(json.dumps(content))

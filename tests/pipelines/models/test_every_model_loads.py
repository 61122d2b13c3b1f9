"""Every name and form: downloaded from the official layout, verified, unpacked, parsed and run in an engine.

Most of these weights cannot be had where tests run. The real ones of another model of the same kind stand in
for them, under the name that is asked for; classifiers in Paddle form are a small network made here.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from real_weights import as_program, real_files, real_session
from services import absent

from pipelines.models import MODELS, Form, ModelFiles, ModelSpec, Module, OfficialHosts, resolve

HOSTS = ("hugging_face", "ai_studio", "model_scope", "object_storage")
CASES = [(name, form) for name, spec in MODELS.items() for form in spec.official_forms]
WHEELS_ONLY = {name for name, spec in MODELS.items() if not spec.official_forms}

StandIn = Callable[[ModelSpec, Form], dict[str, bytes]]


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> StandIn:
    """The files of an official folder, by name, with the weights of a model like the one asked for."""
    made: dict[tuple[Module, Form], dict[str, bytes]] = {}

    def files_for(spec: ModelSpec, form: Form) -> dict[str, bytes]:
        if (spec.module, form) not in made:
            folder = tmp_path_factory.mktemp("stand_in")
            made[spec.module, form] = _like(spec, form, folder)
        return made[spec.module, form]

    return files_for


def _like(spec: ModelSpec, form: Form, folder: Path) -> dict[str, bytes]:
    onnx = {
        Module.TEXT_DETECTION: "PP-OCRv6_tiny_det",
        Module.TEXT_RECOGNITION: "PP-OCRv6_tiny_rec",
        Module.DOC_ORIENTATION: "PP-LCNet_x1_0_doc_ori",
        Module.TEXTLINE_ORIENTATION: "PP-LCNet_x1_0_textline_ori",
    }
    if form == "onnx":
        files = real_files(onnx[spec.module], "onnx")
        return {name: (files.folder / name).read_bytes() for name in ("inference.onnx", "inference.yml")}
    if spec.labels:
        config = (real_files(onnx[spec.module], "onnx").folder / "inference.yml").read_bytes()
        return {**_classifier(len(spec.labels), folder), "inference.yml": config}
    task = "det" if spec.module is Module.TEXT_DETECTION else "rec"
    files = real_files(f"PP-OCRv4_mobile_{task}", "paddle")
    as_program(files.graph, folder / "inference.json")
    return {
        "inference.json": (folder / "inference.json").read_bytes(),
        "inference.pdiparams": (files.folder / "inference.pdiparams").read_bytes(),
        "inference.yml": (files.folder / "inference.yml").read_bytes(),
    }


def _classifier(classes: int, folder: Path) -> dict[str, bytes]:
    try:
        import paddle  # noqa: PLC0415  -- takes seconds, and is not installed everywhere
    except ImportError:
        absent("paddle is not installed: pip install 'pageline[paddle]'")
    layers = (paddle.nn.AdaptiveAvgPool2D(1), paddle.nn.Flatten(), paddle.nn.Linear(3, classes))
    network = paddle.nn.Sequential(*layers, paddle.nn.Softmax())
    shape = paddle.static.InputSpec([None, 3, None, None], "float32", "x")
    paddle.jit.save(network, str(folder / "inference"), input_spec=[shape])
    return {name: (folder / name).read_bytes() for name in ("inference.json", "inference.pdiparams")}


def publish(host: Any, which: str, name: str, form: Form, files: dict[str, bytes]) -> OfficialHosts:
    """Put the files where that host has them."""
    repository = name if form == "paddle" else f"{name}_onnx"
    prefix = {
        "hugging_face": f"/PaddlePaddle/{repository}/resolve/main",
        "ai_studio": f"/api/v1/repos/PaddleX/{repository}/media",
        "model_scope": f"/models/PaddlePaddle/{repository}/resolve/master",
        "object_storage": "/paddlex/official_inference_model/paddle3.0.0",
    }[which]
    if which == "object_storage":
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for file, body in files.items():
                entry = tarfile.TarInfo(f"{repository}_infer/{file}")
                entry.size = len(body)
                tar.addfile(entry, io.BytesIO(body))
        host.files[f"{prefix}/{repository}_infer.tar"] = packed.getvalue()
    else:
        host.files |= {f"{prefix}/{file}": body for file, body in files.items()}
    return OfficialHosts(host.url, host.url, host.url, host.url, HOSTS)


@pytest.mark.parametrize(
    ("name", "form", "which"),
    [(name, form, HOSTS[number % len(HOSTS)]) for number, (name, form) in enumerate(CASES)],
)
def test_it_comes_from_a_host_and_runs(
    name: str, form: Form, which: str, host: Any, stand_in: StandIn, tmp_path: Path
) -> None:
    spec = MODELS[name]
    files = dict(stand_in(spec, form))
    files["inference.yml"] = re.sub(
        rb"model_name: \S+", f"model_name: {name}".encode(), files["inference.yml"]
    )
    hosts = publish(host, which, name, form, files)
    found = resolve(name, form=form, sources=("cache", "official"), hosts=hosts, cache_dir=tmp_path)
    assert (found.name, found.form, found.source) == (name, form, host.url)
    assert found.inference.model_name == name
    assert {file: (found.folder / file).read_bytes() for file in files} == files
    if form == spec.preferred_form:  # the other differs in its name alone from one that runs here already
        runs_as_its_module_does(found, spec)


def runs_as_its_module_does(files: ModelFiles, spec: ModelSpec) -> None:
    _, height, width = spec.input_shape
    batch = np.zeros((1, 3, height or 32, width or 64), dtype=np.float32)
    answer = real_session(files).run(batch)[0]
    if spec.module is Module.TEXT_DETECTION:
        assert answer.shape == (1, 1, 32, 64)
    elif spec.module is Module.TEXT_RECOGNITION:
        assert answer.shape[::2] == (1, len(files.inference.character_dict) + 2)
    else:
        assert answer.shape == (1, len(files.inference.labels))
        assert files.inference.labels == spec.labels


@pytest.mark.parametrize("name", sorted(WHEELS_ONLY))
def test_what_no_host_offers_comes_from_a_wheel(name: str) -> None:
    spec = MODELS[name]
    files = real_files(name)
    assert files.inference.labels == spec.labels
    _, height, width = spec.input_shape
    answer = real_session(files).run(np.zeros((1, 3, height or 0, width or 0), dtype=np.float32))[0]
    assert answer.shape == ((1, 2, 45, 31) if spec.module is Module.DOC_UNWARPING else (1, 2))


def test_no_name_is_left_out() -> None:
    assert {name for name, _ in CASES} | WHEELS_ONLY == set(MODELS)
    assert {"UVDoc", "ch_ppocr_mobile_v2.0_cls"} == WHEELS_ONLY

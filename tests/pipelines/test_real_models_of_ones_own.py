"""`model_dir` for every module and form: real weights where there are some, else a network made here."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from real_weights import as_program, real_files, real_session, written_page
from services import absent

from pipelines import create_pipeline
from pipelines.errors import WeightsError
from pipelines.models import resolve
from pipelines.preprocess import Classifier, Unwarper
from pipelines.selfcheck import LINES, known_page

# A graph's name, the form it is of, and the engine that reads it.
FORMS = [
    ("model.onnx", "onnx", "onnxruntime"),
    ("inference.onnx", "onnx", "openvino"),
    ("inference.pdmodel", "paddle", "openvino"),
    ("model.pdmodel", "paddle", "paddle"),
    ("inference.json", "paddle", "paddle"),
]


def own_folder(name: str, folder: Path, graph: str) -> Path:
    """The weights of PP-OCRv4 as a user's own tool would have left them, under a name that nobody knows."""
    files = real_files(name, "onnx" if graph.endswith(".onnx") else "paddle")
    folder.mkdir()
    target = folder / graph
    if graph.endswith(".json"):
        as_program(files.graph, target)
    else:
        shutil.copy(files.graph, target)
    if files.params is not None:
        shutil.copy(files.params, target.with_suffix(".pdiparams"))
    said = (files.folder / "inference.yml").read_text(encoding="utf-8")
    (folder / "inference.yml").write_text(said.replace(name, "receipts_of_2026"), encoding="utf-8")
    return folder


@pytest.mark.parametrize(("graph", "form", "engine"), FORMS)
def test_detection_and_recognition_read_with_weights_of_ones_own(
    graph: str, form: str, engine: str, tmp_path: Path
) -> None:
    names = {"TextDetection": "PP-OCRv4_mobile_det", "TextRecognition": "PP-OCRv4_mobile_rec"}
    folders = {section: own_folder(name, tmp_path / section, graph) for section, name in names.items()}
    modules = {
        section: {"model_name": name, "model_dir": str(folders[section])} for section, name in names.items()
    }
    pipeline = create_pipeline(
        config={
            "pipeline_name": "OCR",
            "use_doc_preprocessor": False,
            "use_textline_orientation": False,
            "SubModules": modules,
        },
        engine=engine,
        engine_config={"threads": 2, "precision": "f32"},
        cache_dir=tmp_path / "cache",
    )
    (result,) = pipeline.predict(known_page())
    assert ["".join(text.split()) for text in result["rec_texts"]] == ["".join(t.split()) for t in LINES]
    assert {model["source"] for model in pipeline.describe()["models"]} == {"model_dir"}
    assert not (tmp_path / "cache").exists()


def test_thresholds_come_from_the_folder_and_the_configuration_wins(tmp_path: Path) -> None:
    folder = own_folder("PP-OCRv4_mobile_det", tmp_path / "own", "inference.onnx")
    config = folder / "inference.yml"
    said = (
        config.read_text()
        .replace("box_thresh: 0.6", "box_thresh: 0.0")
        .replace("thresh: 0.3", "thresh: 0.11")
    )
    config.write_text(said.replace("DetResizeForTest: null", "DetResizeForTest: {resize_long: 640}"))
    real_files("PP-OCRv6_tiny_rec")
    section = {"model_name": "PP-OCRv4_mobile_det", "model_dir": str(folder), "unclip_ratio": 1.9}
    pipeline = create_pipeline(
        config={
            "pipeline_name": "OCR",
            "use_doc_preprocessor": False,
            "use_textline_orientation": False,
            "SubModules": {"TextDetection": section, "TextRecognition": {"model_name": "PP-OCRv6_tiny_rec"}},
        },
        engine="onnxruntime",
        engine_config={"threads": 2},
    )
    (result,) = pipeline.predict(written_page(("small",)))
    params = result["text_det_params"]
    assert (params["thresh"], params["box_thresh"], params["unclip_ratio"]) == (0.11, 0.0, 1.9)
    assert (params["limit_side_len"], params["limit_type"]) == (640, "max")


@pytest.mark.parametrize("name", ["model.onnx", "inference.onnx"])
@pytest.mark.parametrize("model", ["PP-LCNet_x1_0_doc_ori", "PP-LCNet_x1_0_textline_ori"])
def test_a_classifier_of_ones_own_with_labels_in_its_own_order(model: str, name: str, tmp_path: Path) -> None:
    files = real_files(model)
    shutil.copy(files.graph, tmp_path / name)
    said = (files.folder / "inference.yml").read_text()
    first, *others = files.inference.labels
    turned = [*others, first]  # the network is the same: its first class is now called by the second's name
    for old, new in zip(files.inference.labels, [f"new-{label}" for label in turned], strict=True):
        said = said.replace(f"- '{old}'\n", f"- '{new}'\n").replace(f"- {old}\n", f"- {new}\n")
    (tmp_path / "inference.yml").write_text(said.replace("new-", "").replace(model, "of_our_own"))
    own = resolve(model, model_dir=tmp_path)
    page = written_page(("Upright as it", "should be, and", "more of that"))
    (verdict,) = Classifier(real_session(own), own).classify([page])
    (makers,) = Classifier(real_session(files), files).classify([page])
    assert (verdict.index, verdict.score) == (makers.index, makers.score)
    assert verdict.label == turned[makers.index]


@pytest.fixture(scope="module")
def paddle() -> Any:
    try:
        import paddle  # noqa: PLC0415  -- takes seconds, and is not installed everywhere
    except ImportError:
        absent("paddle is not installed: pip install 'pageline[paddle]'")
    return paddle


def _save(paddle: Any, forward: Callable[[Any], Any], folder: Path, graph: str) -> None:
    """A network of one weight, 1, that multiplies what `forward` computes: Paddle saves none without any."""

    class Network(paddle.nn.Layer):  # type: ignore[misc]  # paddle is loaded only where it is installed
        def __init__(self) -> None:
            super().__init__()
            one = paddle.nn.initializer.Constant(1.0)
            self.one = self.create_parameter([1], default_initializer=one)

        def forward(self, x: Any) -> Any:
            return forward(x) * self.one

    network = Network()
    shape = paddle.static.InputSpec([None, 3, None, None], "float32", "x")
    if graph.endswith(".json"):
        paddle.jit.save(network, str(folder / "inference"), input_spec=[shape])
    else:
        with paddle.pir_utils.OldIrGuard():
            paddle.jit.save(network, str(folder / "inference"), input_spec=[shape])
    assert (folder / graph).is_file()


@pytest.mark.parametrize("graph", ["inference.json", "inference.pdmodel"])
@pytest.mark.parametrize(
    ("model", "labels"),
    [
        ("PP-LCNet_x1_0_doc_ori", ("270", "0", "90")),
        ("PP-LCNet_x0_25_textline_ori", ("180_degree", "0_degree")),
    ],
)
def test_a_classifier_in_paddle_form_is_used_as_its_configuration_says(
    paddle: Any, model: str, labels: tuple[str, ...], graph: str, tmp_path: Path
) -> None:
    def brightest(x: Any) -> Any:  # one class a channel, from the first
        return paddle.nn.functional.softmax(x.mean(axis=[2, 3])[:, : len(labels)])

    _save(paddle, brightest, tmp_path, graph)
    names = "\n".join(f"    - '{label}'" for label in labels)
    (tmp_path / "inference.yml").write_text(
        "Global: {model_name: of_our_own}\n"
        "PreProcess:\n  transform_ops:\n  - ResizeImage: {size: [64, 32]}\n"
        "  - NormalizeImage: {mean: [0, 0, 0], std: [1, 1, 1], scale: 1/255, order: ''}\n"
        f"PostProcess:\n  Topk:\n    label_list:\n{names}\n"
    )
    files = resolve(model, model_dir=tmp_path, form="paddle")
    red, green = np.zeros((50, 90, 3), np.uint8), np.zeros((50, 90, 3), np.uint8)
    red[:, :, 2] = green[:, :, 1] = 255
    verdicts = Classifier(real_session(files), files).classify([red, green])
    assert [verdict.label for verdict in verdicts] == list(labels[:2])  # red is the first channel of RGB
    spread = np.exp([1.0, 0.0, 0.0][: len(labels)])
    assert verdicts[0].score == pytest.approx(spread[0] / spread.sum(), abs=1e-5)


@pytest.mark.parametrize("graph", ["inference.json", "inference.pdmodel"])
def test_an_unwarper_in_paddle_form_gives_its_grid(paddle: Any, graph: str, tmp_path: Path) -> None:
    def red_and_green(x: Any) -> Any:  # as if they were places
        return paddle.nn.functional.adaptive_avg_pool2d(x[:, :2], [45, 31])

    _save(paddle, red_and_green, tmp_path, graph)
    files = resolve("UVDoc", model_dir=tmp_path, form="paddle")
    page = np.zeros((90, 62, 3), np.uint8)
    page[:, :, 2] = 255
    unwarper = Unwarper(lambda: real_session(files), files)
    grid = unwarper.grid(unwarper.shrink(page))
    assert grid.shape == (2, 45, 31)
    assert grid[0] == pytest.approx(1, abs=1e-6)
    assert grid[1] == pytest.approx(0, abs=1e-6)


def test_an_export_that_hides_the_grid_is_refused(paddle: Any, tmp_path: Path) -> None:
    _save(paddle, lambda x: x, tmp_path, "inference.json")  # from image to image, as the official export is
    files = resolve("UVDoc", model_dir=tmp_path, form="paddle")
    unwarper = Unwarper(lambda: real_session(files), files)
    with pytest.raises(WeightsError, match="hides the grid"):
        unwarper.grid(unwarper.shrink(np.zeros((40, 40, 3), np.uint8)))
    for name in ("PP-OCRv4_mobile_det", "PP-OCRv4_mobile_rec"):
        real_files(name, "paddle")
    unwarping = {"model_name": "UVDoc", "model_dir": str(tmp_path)}
    preprocessor = {"use_doc_orientation_classify": False, "SubModules": {"DocUnwarping": unwarping}}
    modules = {
        "TextDetection": {"model_name": "PP-OCRv4_mobile_det"},
        "TextRecognition": {"model_name": "PP-OCRv4_mobile_rec"},
    }
    config = {
        "pipeline_name": "OCR",
        "use_doc_preprocessor": True,
        "use_textline_orientation": False,
        "SubPipelines": {"DocPreprocessor": preprocessor},
        "SubModules": modules,
    }
    with pytest.raises(WeightsError, match="hides the grid"):  # at once, not at the first bent page
        create_pipeline(config=config, engine="paddle")

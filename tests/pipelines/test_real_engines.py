"""One suite for every engine that reads, on the weights of PP-OCRv4 mobile: all three read those."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from services import absent

from pipelines import create_pipeline
from pipelines.ctc import kept_steps
from pipelines.engines.base import Array, Session
from pipelines.engines.choose import make_engine
from pipelines.engines.settings import EngineSettings
from pipelines.errors import EngineError, OptionError, WeightsError
from pipelines.models import ModelFiles, resolve
from pipelines.ocr import OCRPipeline
from pipelines.selfcheck import LINES, known_page

ENGINES = ("openvino", "onnxruntime", "paddle")
FORMS = {"openvino": "paddle", "onnxruntime": "onnx", "paddle": "paddle"}
RECEIPT = Path(__file__).resolve().parents[2] / "examples" / "receipt.jpg"

Weights = Callable[[str, str], ModelFiles]


@pytest.fixture(scope="session")
def weights() -> Weights:
    def find(name: str, form: Any) -> ModelFiles:
        try:
            return resolve(name, form=form)
        except WeightsError as error:
            absent(str(error))

    return find


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def detection(engine: str, weights: Weights) -> Session:
    files = weights("PP-OCRv4_mobile_det", FORMS[engine])
    return make_engine(engine, EngineSettings(threads=2)).load(files)


@pytest.fixture(scope="module")
def recognition(engine: str, weights: Weights) -> Session:
    files = weights("PP-OCRv4_mobile_rec", FORMS[engine])
    return make_engine(engine, EngineSettings(threads=2)).load(files, best_class=True)


@pytest.fixture(scope="module")
def pipeline(engine: str, weights: Weights) -> OCRPipeline:
    weights("PP-OCRv4_mobile_rec", FORMS[engine])
    return create_pipeline("OCR-v4", engine=engine, engine_config={"threads": 2, "precision": "f32"})


def _lines(count: int, width: int = 320) -> np.ndarray:
    return np.random.default_rng(3).uniform(-1, 1, (count, 3, 48, width)).astype(np.float32)


def test_detection_gives_a_probability_for_every_pixel(detection: Session) -> None:
    (answer,) = detection.run(np.zeros((1, 3, 96, 160), dtype=np.float32))
    assert answer.shape == (1, 1, 96, 160)
    assert 0 <= answer.min() <= answer.max() <= 1


def test_recognition_gives_the_best_class_of_each_step_and_its_probability(recognition: Session) -> None:
    classes, probabilities = recognition.run(_lines(2))
    assert classes.shape == probabilities.shape == (2, 40)
    assert np.issubdtype(classes.dtype, np.integer)
    assert probabilities.dtype == np.float32
    assert 0 <= classes.min() <= classes.max() < 6625  # blank, 6,623 characters, space
    assert 0 <= probabilities.min() <= probabilities.max() <= 1
    assert (probabilities[kept_steps(classes)] > 0).all()


def test_an_answer_outlives_the_next_question(recognition: Session) -> None:
    first = recognition.run(_lines(1))
    kept = [array.copy() for array in first]
    recognition.run(-_lines(1))
    assert all(np.array_equal(a, b) for a, b in zip(first, kept, strict=True))


@pytest.mark.parametrize("size", [2, 4, 8])
def test_a_line_reads_the_same_whatever_shares_its_batch(recognition: Session, size: int) -> None:
    lines = _lines(size)
    together = recognition.run(lines)
    for row in (0, size - 1):
        alone: list[Array] = recognition.run(lines[row : row + 1])
        assert np.array_equal(together[0][row], alone[0][0])
        assert together[1][row] == pytest.approx(alone[1][0], abs=1e-5)


def test_the_known_page_is_read_word_by_word(pipeline: OCRPipeline) -> None:
    (result,) = pipeline.predict(known_page())
    # These weights are thrifty with spaces; the letters and digits are what is asked for.
    assert ["".join(text.split()) for text in result["rec_texts"]] == [
        "".join(text.split()) for text in LINES
    ]
    assert min(result["rec_scores"]) > 0.9


def test_warming_up_names_the_engine_and_what_it_computes_in(pipeline: OCRPipeline, engine: str) -> None:
    report = pipeline.warm_up()
    assert (report.engine, report.precision) == (engine, "f32")
    assert report.alike > 0.9
    described = pipeline.describe()
    assert described["engine_version"].count(".") >= 1
    names = [model["name"] for model in described["models"]]
    assert names[-1] == "PP-OCRv4_mobile_rec"
    assert "PP-OCRv4_mobile_det" in names


def test_the_thresholds_are_the_guides(pipeline: OCRPipeline) -> None:
    (result,) = pipeline.predict(known_page())
    assert result["text_det_params"]["thresh"] == 0.3
    assert result["text_det_params"]["box_thresh"] == 0.6
    assert result["text_det_params"]["unclip_ratio"] == 2.0


def test_all_engines_read_a_receipt_alike(weights: Weights) -> None:
    readings = []
    for name in ENGINES:
        weights("PP-OCRv4_mobile_rec", FORMS[name])
        alike = {"threads": 2, "precision": "f32", "width_mode": "bucket"}
        pipeline = create_pipeline("OCR-v4", engine=name, engine_config=alike)
        (result,) = pipeline.predict(RECEIPT)
        readings.append(result)
    first, *others = readings
    assert len(first["rec_texts"]) > 8
    for other in others:
        assert other["rec_texts"] == first["rec_texts"]
        assert other["rec_scores"] == pytest.approx(first["rec_scores"], abs=1e-3)
        assert np.abs(np.array(other["rec_polys"]) - first["rec_polys"]).max() <= 1


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])  # Paddle's loader crashes the process
def test_a_damaged_graph_is_one_sentence_that_names_the_model(
    engine: str, weights: Weights, tmp_path: Path
) -> None:
    files = weights("PP-OCRv4_mobile_det", FORMS[engine])
    graph = tmp_path / files.graph.name
    graph.write_bytes(b"no graph at all")
    with pytest.raises(EngineError, match=f"{engine} failed at loading PP-OCRv4_mobile_det") as caught:
        make_engine(engine, EngineSettings()).load(replace(files, graph=graph))
    assert "\n" not in str(caught.value)


def test_a_batch_of_a_wrong_shape_is_one_sentence_too(detection: Session, engine: str) -> None:
    with pytest.raises(
        EngineError, match=rf"{engine} failed at running PP-OCRv4_mobile_det on \(1, 5, 7, 7\)"
    ):
        detection.run(np.zeros((1, 5, 7, 7), dtype=np.float32))


@pytest.mark.parametrize("name", ["onnxruntime", "paddle"])
def test_a_precision_an_engine_has_not_is_refused(name: str) -> None:
    with pytest.raises(OptionError, match="bf16"):
        make_engine(name, EngineSettings(precision="bf16"))


def test_openvino_computes_bf16_only_where_the_processor_does() -> None:
    automatic = make_engine("openvino", EngineSettings()).precision
    if automatic == "bf16":
        assert make_engine("openvino", EngineSettings(precision="bf16")).precision == "bf16"
    else:
        assert automatic == "f32"
        with pytest.raises(OptionError, match="bf16"):
            make_engine("openvino", EngineSettings(precision="bf16"))


def test_compiled_models_are_kept_apart_by_their_weights(weights: Weights, tmp_path: Path) -> None:
    settings = EngineSettings(threads=1, cache_dir=tmp_path)
    files = [weights(f"PP-OCRv4_mobile_{task}", "paddle") for task in ("det", "rec")]
    for _ in range(2):  # the second time from what the first one kept
        sessions = [make_engine("openvino", settings).load(each) for each in files]
        assert sessions[1].run(_lines(1))[0].shape == (1, 40, 6625)
        folders = list(tmp_path.iterdir())
        assert len(folders) == 2
        assert all(any(folder.iterdir()) for folder in folders)
    make_engine("openvino", settings).load(replace(files[0], sha256="0" * 64))
    assert len(list(tmp_path.iterdir())) == 3


_HANDLES = "signal.signal(signal.SIGTERM, lambda *_: print('handled'))"


@pytest.mark.parametrize(
    "between",
    [
        pytest.param(
            "import pipelines.engines.paddle_engine",
            id="paddle puts in a handler that crashes",
        ),
        pytest.param(
            "from pipelines.engines.openvino_engine import OpenVinoEngine as Engine\n"
            "from pipelines.engines.settings import EngineSettings as Settings\n"
            "one, two = Engine(Settings()), Engine(Settings())\n"
            "del one\ngc.collect()\ndel two\ngc.collect()",
            id="openvino leaves a freed signal stack behind",
        ),
    ],
)
def test_a_signal_still_reaches_its_handler(between: str) -> None:
    script = f"import gc, signal\n{_HANDLES}\n{between}\nsignal.raise_signal(signal.SIGTERM)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "handled\n"), done.stderr[-1000:]

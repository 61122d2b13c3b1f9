from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines import pipeline_digest
from pipelines.config.loading import CONFIGS, load_config
from pipelines.errors import ConfigError, OptionError, WeightsError


def _with(**changes: Any) -> dict[str, Any]:
    config = load_config("OCR")
    config["SubModules"]["TextDetection"] |= changes
    return config


def test_a_digest_is_64_hexadecimal_digits_and_stays() -> None:
    digest = pipeline_digest("OCR")
    assert len(digest) == 64
    assert int(digest, 16) > 0
    assert pipeline_digest("OCR") == digest


def test_name_file_and_dictionary_of_one_configuration_have_one_digest() -> None:
    assert pipeline_digest() == pipeline_digest(CONFIGS / "OCR.yaml") == pipeline_digest(load_config("OCR"))


@pytest.mark.parametrize(
    "changes",
    [
        {"thresh": 0.0},
        {"limit_side_len": 961},
        {"limit_type": "min"},
        {"model_name": "PP-OCRv6_tiny_det"},
        {"unclip_ratio": 1.5},
    ],
)
def test_whatever_changes_the_reading_changes_the_digest(changes: dict[str, Any]) -> None:
    assert pipeline_digest(_with(**changes)) != pipeline_digest("OCR")


@pytest.mark.parametrize(
    "changes", [{"batch_size": 4}, {"limit_side_len": 960.0 // 1}, {"genai_config": None}]
)
def test_what_changes_no_reading_changes_no_digest(changes: dict[str, Any]) -> None:
    changes = {key: int(value) if isinstance(value, float) else value for key, value in changes.items()}
    assert pipeline_digest(_with(**changes)) == pipeline_digest("OCR")


def test_one_and_one_point_zero_are_one_threshold() -> None:
    assert pipeline_digest(_with(thresh=1)) == pipeline_digest(_with(thresh=1.0))


def test_the_order_of_keys_is_nothing() -> None:
    config = load_config("OCR")
    turned = dict(reversed(config.items()))
    turned["SubModules"] = dict(reversed(config["SubModules"].items()))
    assert pipeline_digest(turned) == pipeline_digest(config)


def test_options_given_at_creation_count_as_the_configurations_own() -> None:
    assert pipeline_digest("OCR", text_det_thresh=0.0) == pipeline_digest(_with(thresh=0.0))
    with pytest.raises(ConfigError, match="text_det_tresh"):
        pipeline_digest("OCR", text_det_tresh=0.0)


def test_a_users_weights_count_by_their_bytes_not_their_place(tmp_path: Path) -> None:
    digests = []
    for name, body in (("a", b"one"), ("b", b"one"), ("c", b"two")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "inference.onnx").write_bytes(body)
        digests.append(pipeline_digest(_with(model_dir=str(folder))))
    assert digests[0] == digests[1] != digests[2]
    (tmp_path / "b" / "inference.yml").write_text("PostProcess: {thresh: 0.9}", encoding="utf-8")
    assert pipeline_digest(_with(model_dir=str(tmp_path / "b"))) != digests[0]


def test_a_users_weights_that_are_not_there_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="nowhere"):
        pipeline_digest(_with(model_dir=str(tmp_path / "nowhere")))


def test_an_unknown_model_is_an_error() -> None:
    with pytest.raises(OptionError, match="PP-OCRv9_det"):
        pipeline_digest(_with(model_name="PP-OCRv9_det"))


@pytest.mark.parametrize(
    "statement",
    [
        "from pipelines import create_pipeline",
        "from pipelines import pipeline_digest; pipeline_digest('OCR')",
        "import pipelines.errors",
    ],
)
def test_naming_the_package_imports_nothing_heavy(statement: str) -> None:
    heavy = "numpy cv2 PIL openvino onnxruntime paddle pyclipper pypdfium2"
    script = f"{statement}\nimport sys\nprint(sorted(set({heavy!r}.split()) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.PIPE, text=True)
    assert done.stdout.strip() == "[]"


def test_the_package_has_no_other_names() -> None:
    import pipelines  # noqa: PLC0415  -- the module itself is what is asked

    with pytest.raises(AttributeError, match="create_pipelin"):
        pipelines.create_pipelin  # noqa: B018  -- naming it is the test

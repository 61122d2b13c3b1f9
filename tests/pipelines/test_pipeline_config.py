from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines import create_pipeline, pipeline_digest
from pipelines.config.loading import config_text, load_config, pipeline_names
from pipelines.devices import parse_device
from pipelines.errors import ConfigError, DeviceUnavailable, OptionError


def _edited(*path: str, value: Any) -> dict[str, Any]:
    config: dict[str, Any] = load_config("OCR")
    place = config
    for key in path[:-1]:
        place = place.setdefault(key, {})
    place[path[-1]] = value
    return config


DETECTION = ("SubModules", "TextDetection")
RECOGNITION = ("SubModules", "TextRecognition")


@pytest.mark.parametrize(
    ("name", "model", "numbers"),
    [
        ("OCR", "PP-OCRv6_small", (960, "max", 4000, 0.2, 0.45, 1.4)),
        ("OCR-v4", "PP-OCRv4_mobile", (960, "max", 4000, 0.3, 0.6, 2.0)),
    ],
)
def test_shipped_configurations_say_every_number_outright(
    name: str, model: str, numbers: tuple[object, ...]
) -> None:
    config: dict[str, Any] = load_config(name)
    detection, recognition = (config["SubModules"][key] for key in ("TextDetection", "TextRecognition"))
    keys = ("limit_side_len", "limit_type", "max_side_limit", "thresh", "box_thresh", "unclip_ratio")
    assert tuple(detection[key] for key in keys) == numbers
    assert detection["model_name"] == f"{model}_det"
    assert recognition["model_name"] == f"{model}_rec"
    assert recognition["score_thresh"] == 0.0
    assert config["pipeline_name"] == "OCR"  # the name under which PaddleX finds the class for it


def test_the_text_of_a_configuration_is_the_shipped_file() -> None:
    assert pipeline_names() == ["OCR", "OCR-v4"]
    assert yaml.safe_load(config_text("OCR-v4")) == load_config("OCR-v4")


def test_every_key_that_paddlex_writes_is_known() -> None:
    config = _edited("SubPipelines", value={"DocPreprocessor": {"pipeline_name": "doc_preprocessor"}})
    config |= {"Serving": {"visualize": False}, "use_hpip": False, "hpi_config": None, "batch_size": 1}
    config["engine"], config["engine_config"] = "paddle_static", None
    config["SubModules"]["TextDetection"] |= {"genai_config": None, "input_shape": None, "batch_size": 1}
    config["SubModules"]["TextRecognition"] |= {
        "genai_config": {"backend": "native"},
        "use_hpip": False,
        "hpi_config": {"auto_config": True},
    }
    config["SubModules"]["TextLineOrientation"] = {
        "module_name": "textline_orientation",
        "model_name": "PP-LCNet_x1_0_textline_ori",
        "model_dir": None,
        "batch_size": 6,
    }
    assert load_config(None, config) == config


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (_edited("text_tpye", value="general"), ["text_tpye", "text_type"]),
        (_edited(*DETECTION, "tresh", value=0.3), ["TextDetection", "tresh", "thresh"]),
        (_edited(*DETECTION, "thresh", value=1.5), ["thresh", "0 to 1", "1.5"]),
        (_edited(*DETECTION, "thresh", value="0.3"), ["thresh", "number"]),
        (_edited(*DETECTION, "thresh", value=True), ["thresh", "number"]),
        (_edited(*DETECTION, "limit_type", value="resize"), ["limit_type", "'max' or 'min'"]),
        (_edited(*DETECTION, "limit_side_len", value=0), ["limit_side_len", "from 1"]),
        (_edited(*DETECTION, "module_name", value="text_recognition"), ["module_name"]),
        (_edited(*DETECTION, "input_shape", value=[3, 640, 650]), ["input_shape", "multiples of 32"]),
        (_edited(*DETECTION, "input_shape", value=[640, 640]), ["input_shape", "[3, height, width]"]),
        (_edited(*RECOGNITION, "input_shape", value=[3, 48, 320]), ["TextRecognition", "its own"]),
        (_edited(*DETECTION, "engine", value="paddle"), ["TextDetection: engine", "at the top"]),
        (_edited(*DETECTION, "genai_config", value={"backend": "vllm-server"}), ["genai_config", "'native'"]),
        (_edited("SubModules", "TextDetection", value=3), ["TextDetection", "mapping"]),
        (_edited("text_type", value="seal"), ["text_type", "general", "seal"]),
        (_edited("pipeline_name", value="table_recognition"), ["pipeline_name", "'OCR'"]),
    ],
)
def test_a_wrong_key_or_value_is_named_with_what_was_expected(
    config: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        create_pipeline(config=config, engine="fake")
    for word in words:
        assert word in str(caught.value)


def test_a_configuration_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(_edited(*DETECTION, "thresh", value=0.0)), encoding="utf-8")
    pipeline = create_pipeline(path, engine="fake")
    result = next(iter(pipeline.predict(_blank())))
    assert result["text_det_params"]["thresh"] == 0.0
    assert pipeline.describe()["name"] == "OCR"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_text("a: [1", encoding="utf-8"), "not valid YAML"),
        (lambda path: path.write_text("- OCR", encoding="utf-8"), "mapping"),
        (lambda path: path.write_text("text_type: general", encoding="utf-8"), "'pipeline_name' is missing"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), "cannot be read"),
        (lambda path: None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_configuration_is_named(
    tmp_path: Path, make: Callable[[Path], object], words: str
) -> None:
    path = tmp_path / "mine.yml"
    make(path)
    with pytest.raises(ConfigError, match=words) as caught:
        load_config(path)
    assert "mine.yml" in str(caught.value)


def test_an_unknown_pipeline_is_named_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'OCR-v5'.*'OCR-v4'"):
        create_pipeline("OCR-v5", engine="fake")


def test_a_dictionary_wins_over_the_name_beside_it() -> None:
    config = _edited(*DETECTION, "box_thresh", value=0.0)
    (result,) = create_pipeline("OCR-v4", config, engine="fake").predict(_blank())
    assert result["text_det_params"] | {"thresh": 0.2, "box_thresh": 0.0} == result["text_det_params"]


def test_a_dictionary_without_a_name_is_refused() -> None:
    config = load_config("OCR")
    del config["pipeline_name"]
    with pytest.raises(ConfigError, match="pipeline_name"):
        create_pipeline(config=config, engine="fake")


def test_the_callers_dictionary_stays_as_it_was() -> None:
    config = load_config("OCR")
    create_pipeline(config=config, engine="fake", text_det_thresh=0.9)
    assert config == load_config("OCR")


def test_numbers_a_configuration_leaves_out_come_from_the_model_and_then_the_guide() -> None:
    config = load_config("OCR")
    config["SubModules"] = {
        key: {"model_name": module["model_name"]} for key, module in config["SubModules"].items()
    }
    (result,) = create_pipeline(config=config, engine="fake").predict(_blank())
    assert result["text_det_params"] == {
        "limit_side_len": 960,
        "limit_type": "max",
        "thresh": 0.2,
        "max_side_limit": 4000,
        "box_thresh": 0.45,
        "unclip_ratio": 1.4,
    }


def _modules(**flags: bool) -> list[str]:
    config = load_config("OCR")
    config["use_doc_preprocessor"] = config["use_textline_orientation"] = False
    described = create_pipeline(config=config, engine="fake", **flags).describe()
    return [model["module"] for model in described["models"]]


def test_modules_stand_in_the_order_a_page_meets_them() -> None:
    models = create_pipeline("OCR", engine="fake").describe()["models"]
    assert [model["module"] for model in models] == [
        "doc_orientation",
        "doc_unwarping",
        "text_detection",
        "textline_orientation",
        "text_recognition",
    ]


@pytest.mark.parametrize(
    ("flag", "module"),
    [
        ("use_doc_orientation_classify", "doc_orientation"),
        ("use_doc_unwarping", "doc_unwarping"),
        ("use_textline_orientation", "textline_orientation"),
    ],
)
def test_a_module_the_configuration_leaves_out_can_be_asked_for_at_creation(flag: str, module: str) -> None:
    assert _modules() == ["text_detection", "text_recognition"]
    assert set(_modules(**{flag: True})) == {module, "text_detection", "text_recognition"}
    assert pipeline_digest("OCR", **{flag: False}) != pipeline_digest("OCR")


def test_modules_a_configuration_does_not_speak_of_are_on_as_the_guide_says() -> None:
    config = {"pipeline_name": "OCR", "SubModules": load_config("OCR")["SubModules"]}
    del config["SubModules"]["TextLineOrientation"]
    assert len(create_pipeline(config=config, engine="fake").describe()["models"]) == 5


def test_a_preprocessor_with_both_its_stages_off_is_no_preprocessor() -> None:
    off = {"use_doc_orientation_classify": False, "use_doc_unwarping": False}
    config = {
        **load_config("OCR"),
        "use_doc_preprocessor": True,
        "SubPipelines": {"DocPreprocessor": {"pipeline_name": "doc_preprocessor", **off}},
    }
    assert len(list(create_pipeline(config=config, engine="fake").predict(_blank()))) == 1


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ((*DETECTION, "model_name"), "PP-OCRv6_small_rec", "TextDetection: PP-OCRv6_small_rec.*recognition"),
        ((*DETECTION, "model_name"), "PP-OCRv6_smal_det", "PP-OCRv6_small_det"),
        (("SubModules",), {}, "'model_name' is missing"),
    ],
)
def test_a_model_must_be_known_and_fit_its_place(path: tuple[str, ...], value: object, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        create_pipeline(config=_edited(*path, value=value), engine="fake")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"treads": 2}, "'treads'.*'threads'"),
        ({"threads": -1}, "threads.*0 to 256"),
        ({"precision": "int4"}, "precision.*'bf16'"),
        ({"width_mode": "wide"}, "width_mode.*'exact'"),
    ],
)
def test_engine_settings_are_checked(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        create_pipeline("OCR", engine="fake", engine_config=settings)


def test_a_calls_engine_settings_win_over_the_files() -> None:
    config = {**load_config("OCR"), "engine": "fake", "engine_config": {"threads": -1}}
    assert create_pipeline(config=config, engine_config={"threads": 1}).describe()["engine"] == "fake"


@pytest.mark.parametrize("engine", ["auto", "fake"])
@pytest.mark.parametrize("device", ["gpu", "gpu:0", "npu:1", "xpu:0", "mlu:0", "dcu:0"])
def test_a_device_that_no_engine_reaches_is_no_silent_cpu(device: str, engine: str) -> None:
    with pytest.raises(DeviceUnavailable, match=f"'{parse_device(device)}' is not available here.*: .*"):
        create_pipeline("OCR", device=device, engine=engine)


@pytest.mark.parametrize("device", ["tpu:0", "cpu:1", "gpu:x", "", "gpu:0,0"])
def test_a_word_that_is_no_device_is_refused(device: str) -> None:
    with pytest.raises(OptionError, match="device"):
        create_pipeline("OCR", device=device, engine="fake")


def test_use_hpip_lets_the_fastest_engine_be_chosen() -> None:
    with pytest.raises(OptionError, match="use_hpip"):
        create_pipeline("OCR", engine="fake", use_hpip=True)


@pytest.mark.parametrize(
    "path", [("use_hpip",), (*DETECTION, "use_hpip"), ("SubPipelines", "DocPreprocessor", "use_hpip")]
)
def test_use_hpip_of_any_part_lets_the_fastest_engine_be_chosen(path: tuple[str, ...]) -> None:
    config = _edited(*path, value=True)
    with pytest.raises(OptionError, match="use_hpip"):
        create_pipeline(config=config, engine="fake")
    assert pipeline_digest(config) == pipeline_digest("OCR")  # who is fastest changes no text


def _blank() -> Any:
    import numpy as np  # noqa: PLC0415  -- the configuration itself needs no numpy

    return np.full((64, 64, 3), 255, dtype=np.uint8)

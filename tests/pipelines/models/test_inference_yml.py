"""`inference.yml`: read as upstream writes it, supplied where a wheel leaves it out."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import WeightsError
from pipelines.models import MODELS, Module
from pipelines.models.inference import (
    InferenceConfig,
    parse_inference_config,
    read_inference_config,
    supplied_inference,
    write_inference_yml,
)
from pipelines.models.onnx_metadata import read_metadata

UPSTREAM = """\
Global:
  model_name: PP-OCRv9_any_det
Hpi:
  backend_configs:
    tensorrt: &id001
      x: [[1, 3, 32, 32]]
    other: *id001
PostProcess:
  name: DBPostProcess
  thresh: 0.0
  box_thresh: 0.45
  unclip_ratio: 2
  max_candidates: 3000
PreProcess:
  transform_ops:
  - DetLabelEncode: null
  - NormalizeImage:
      mean: [0.485, 0.456, 0.406]
      std: [0.229, 0.224, 0.225]
      scale: 1./255.
  - ToCHWImage:
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "inference.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_detector_as_upstream_writes_it(tmp_path: Path) -> None:
    config = read_inference_config(written(tmp_path, UPSTREAM))
    assert config == InferenceConfig(
        model_name="PP-OCRv9_any_det",
        img_mode="RGB",
        post_process="DBPostProcess",
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        thresh=0.0,
        box_thresh=0.45,
        unclip_ratio=2.0,
        max_candidates=3000,
    )


def test_an_alphabet_keeps_what_yaml_would_turn_into_something_else(tmp_path: Path) -> None:
    text = "PostProcess:\n  character_dict:\n  - no\n  - ~\n  - 0\n  - 1e3\n  - '\u3000'\n  - ' '\n  - null\n"
    assert read_inference_config(written(tmp_path, text)).character_dict == (
        *("no", "~", "0", "1e3"),
        *("\u3000", " ", "null"),
    )


@pytest.mark.parametrize(
    "text",
    ["- a list", "just words", "", "a: [", "PostProcess: {thresh: high}", "PostProcess: [1]"],
)
def test_what_is_no_configuration_is_one_sentence_with_the_file(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(WeightsError) as caught:
        read_inference_config(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_what_is_supplied_reads_back_as_its_module_needs_it(name: str, tmp_path: Path) -> None:
    spec = MODELS[name]
    alphabet = ["a", "\u3000", "no", " ", "'", "\U0001f6a8"]
    path = tmp_path / "inference.yml"
    write_inference_yml(path, supplied_inference(spec, alphabet))
    config = read_inference_config(path)
    assert config == parse_inference_config(supplied_inference(spec, alphabet))
    assert config.model_name == name
    match spec.module:
        case Module.TEXT_RECOGNITION:
            assert config.character_dict == tuple(alphabet)
            assert config.image_shape == (3, 48, 320)
        case Module.TEXT_DETECTION:
            assert spec.detection is not None
            assert (config.thresh, config.box_thresh) == (spec.detection.thresh, spec.detection.box_thresh)
            assert config.mean == (0.485, 0.456, 0.406)
        case Module.DOC_ORIENTATION:
            assert (config.resize_short, config.crop) == (256, 224)
            assert config.labels == ("0", "90", "180", "270")
        case Module.TEXTLINE_ORIENTATION:
            assert config.resize == ((192, 48) if name.startswith("ch_ppocr") else (160, 80))
            assert config.labels == ("0_degree", "180_degree")
            assert config.image_shape == ((3, 48, 192) if spec.keeps_proportions else None)
            assert config.mean == ((0.5, 0.5, 0.5) if spec.keeps_proportions else (0.485, 0.456, 0.406))
        case Module.DOC_UNWARPING:
            assert config.resize == (488, 712)
            assert config.mean is None


def test_thresholds_of_the_generations_differ() -> None:
    small, tiny, v4 = (MODELS[f"PP-OCR{m}_det"].detection for m in ("v6_small", "v6_tiny", "v4_mobile"))
    assert small is not None
    assert tiny is not None
    assert v4 is not None
    assert (small.thresh, small.box_thresh, small.unclip_ratio, small.max_candidates) == (
        0.2,
        0.45,
        1.4,
        3000,
    )
    assert tiny.box_thresh == 0.4
    assert (v4.thresh, v4.box_thresh, v4.unclip_ratio, v4.max_candidates) == (0.3, 0.6, 1.5, 1000)


def test_metadata_of_an_onnx_file_is_read_past_its_graph(tmp_path: Path) -> None:
    path = tmp_path / "inference.onnx"
    long = "\n".join(chr(0x4E00 + i) for i in range(500))
    body = b"\x08\x07\x11" + b"\0" * 8 + b"\x1d" + b"\0" * 4  # a varint and two fixed-width fields
    body += b"\x3a\x05graph"
    value = long.encode()
    entry = b"\x0a\x09character\x12" + bytes([len(value) & 0x7F | 0x80, len(value) >> 7]) + value
    body += b"\x72" + bytes([len(entry) & 0x7F | 0x80, len(entry) >> 7]) + entry
    path.write_bytes(body)
    assert read_metadata(path) == {"character": long}


@pytest.mark.parametrize("body", [b"not a model at all", b"\x3a\xff\x7f", b"\x3a", b"\xff" * 20, b"<html>"])
def test_what_is_no_onnx_file_is_a_value_error(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "inference.onnx"
    path.write_bytes(body)
    with pytest.raises(ValueError, match=r"protocol-buffer|ends inside"):
        read_metadata(path)

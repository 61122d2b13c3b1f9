"""Everything in an `inference.yml` that changes a number is honoured, or refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import WeightsError
from pipelines.models.inference import InferenceConfig, read_inference_config


def config(tmp_path: Path, text: str) -> InferenceConfig:
    path = tmp_path / "inference.yml"
    path.write_text(text, encoding="utf-8")
    return read_inference_config(path)


def operation(tmp_path: Path, text: str) -> InferenceConfig:
    return config(tmp_path, f"PreProcess:\n  transform_ops:\n  - {text}\n")


def after(tmp_path: Path, text: str) -> InferenceConfig:
    return config(tmp_path, f"PostProcess: {{{text}}}\n")


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("DecodeImage: {channel_first: false, img_mode: BGR}", {"img_mode": "BGR"}),
        ("DecodeImage: {channel_first: False, img_mode: RGB}", {"img_mode": "RGB"}),
        ("DecodeImage: {to_rgb: True, channel_first: False}", {"img_mode": "RGB"}),
        ("DecodeImage: {to_rgb: False}", {"img_mode": "BGR"}),
        ("DetLabelEncode: null", {"img_mode": "RGB"}),  # PaddleX's own where nothing is said
        ("NormalizeImage: {scale: 1./127.5, mean: [1, 1, 1], std: [1, 1, 1]}", {"scale": 1 / 127.5}),
        ("NormalizeImage: {scale: 0.5, order: chw}", {"scale": 0.5, "mean": None}),
        ("NormalizeImage: {mean: 0.5, std: 0.25, channel_num: 3}", {"mean": (0.5,) * 3, "std": (0.25,) * 3}),
        ("NormalizeImage: null", {"scale": 1 / 255}),
        ("DetResizeForTest: null", {"limit_side_len": None, "limit_type": None, "fixed_size": None}),
        ("DetResizeForTest: {resize_long: 960}", {"limit_side_len": 960, "limit_type": "max"}),
        (
            "DetResizeForTest: {limit_side_len: 736, limit_type: min}",
            {"limit_side_len": 736, "limit_type": "min"},
        ),
        (
            "DetResizeForTest: {limit_side_len: 1216, limit_type: max}",
            {"limit_side_len": 1216, "limit_type": "max"},
        ),
        ("DetResizeForTest: {limit_side_len: 736}", {"limit_type": "min"}),
        ("DetResizeForTest: {image_shape: [736, 1280]}", {"fixed_size": (736, 1280), "keep_ratio": False}),
        ("DetResizeForTest: {image_shape: [736, 1280], keep_ratio: True}", {"keep_ratio": True}),
        ("RecResizeImg: {image_shape: [3, 32, 100]}", {"image_shape": (3, 32, 100), "mean": (0.5,) * 3}),
        (
            "RecResizeImg: {image_shape: [3, 48, 320], infer_mode: true, padding: true}",
            {"image_shape": (3, 48, 320)},
        ),
        ("ClsResizeImg: {image_shape: [3, 48, 192]}", {"image_shape": (3, 48, 192), "resize": (192, 48)}),
        ("ResizeImage: {size: [160, 80]}", {"resize": (160, 80), "interpolation": "LINEAR"}),
        (
            "ResizeImage: {size: 224, interpolation: bicubic}",
            {"resize": (224, 224), "interpolation": "CUBIC"},
        ),
        ("ResizeImage: {size: [8, 8], interpolation: AREA, backend: cv2}", {"interpolation": "AREA"}),
        ("ResizeImage: {resize_short: 256}\n  - CropImage: {size: 224}", {"resize_short": 256, "crop": 224}),
        (
            "ResizeImage: {resize_short: 99}\n  - CropImage: {size: [64, 64]}",
            {"resize_short": 99, "crop": 64},
        ),
        ("MultiLabelEncode: {gtc_encode: NRTRLabelEncode}", {"mean": None}),
        ("KeepKeys: {keep_keys: [image, shape]}", {"mean": None}),
    ],
)
def test_an_operation_is_honoured(tmp_path: Path, text: str, fields: dict[str, Any]) -> None:
    found = operation(tmp_path, text)
    assert {name: getattr(found, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("SVTRRecResizeImg: {image_shape: [3, 64, 256]}", "the operation SVTRRecResizeImg is not supported"),
        ("GrayImageChannelFormat: {inverse: True}", "the operation GrayImageChannelFormat is not supported"),
        ("DecodeImage: {img_mode: GRAY}", "img_mode 'GRAY' is not supported; known are BGR, RGB"),
        ("DecodeImage: {img_mode: BGR, channel_first: true}", "channel_first 'true' is not supported"),
        ("NormalizeImage: {mean: [0.5], std: [0.5, 0.5, 0.5]}", "mean holds 1 numbers instead of 3"),
        ("NormalizeImage: {std: [0.5, 0, 0.5]}", "std is 0.0, which is not at least"),
        ("NormalizeImage: {scale: 1/0}", "division by zero"),
        ("NormalizeImage: {scale: half}", "could not convert"),
        ("NormalizeImage: {channel_num: 4}", "channel_num '4' is not supported"),
        ("NormalizeImage: {output_fp16: true}", r"the setting output_fp16 \(true\) is not supported"),
        (
            "DetResizeForTest: {limit_type: resize_long, limit_side_len: 960}",
            "limit_type 'resize_long' is not",
        ),
        ("DetResizeForTest: {image_shape: [700, 1280]}", "no multiple of 32"),
        ("DetResizeForTest: {limit_side_len: 0}", "limit_side_len is 0, which is not at least 1"),
        ("RecResizeImg: {image_shape: [1, 32, 100]}", "lines of 1 channels are not supported"),
        ("RecResizeImg: {image_shape: [3, 48]}", "image_shape holds 2 numbers instead of 3"),
        ("RecResizeImg: {image_shape: [3, 48, 320], padding: false}", "padding 'false' is not supported"),
        ("RecResizeImg: {image_shape: [3, 48, 320]}\n  - NormalizeImage: null", "normalises by itself"),
        ("ResizeImage: {size: [160, 80], backend: pil}", "backend 'pil' is not supported; known are cv2"),
        ("ResizeImage: {size: [160, 80], interpolation: random}", "interpolation 'random' is not supported"),
        ("ResizeImage: {resize_short: 256}", "resize_short is not supported without CropImage"),
        ("CropImage: {size: [224, 192]}", "known are squares"),
        ("ResizeImage: nonsense", "PreProcess: ResizeImage is not a mapping"),
    ],
)
def test_what_cannot_be_honoured_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(WeightsError, match=sentence) as caught:
        operation(tmp_path, text)
    assert str(tmp_path / "inference.yml") in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("name: DBPostProcess, thresh: 0, box_thresh: 0.0", {"thresh": 0.0, "box_thresh": 0.0}),
        (
            "name: DBPostProcess, unclip_ratio: 2, max_candidates: 3000",
            {"unclip_ratio": 2.0, "max_candidates": 3000},
        ),
        ("name: DBPostProcess", {"use_dilation": False, "score_mode": "fast", "thresh": None}),
        (
            "use_dilation: True, score_mode: slow, box_type: quad",
            {"use_dilation": True, "score_mode": "slow"},
        ),
        (
            "name: DistillationDBPostProcess, model_name: [Student], key: maps",
            {"post_process": "DBPostProcess"},
        ),
        (
            "name: CTCLabelDecode, character_dict: [a, b]",
            {"use_space_char": True, "character_dict": ("a", "b")},
        ),
        ("use_space_char: false", {"use_space_char": False}),
        ("Topk: {topk: 1, label_list: ['0', '90']}", {"labels": ("0", "90"), "post_process": "Topk"}),
        ("name: ClsPostProcess, label_list: ['0', '180']", {"labels": ("0", "180"), "post_process": "Topk"}),
    ],
)
def test_post_processing_is_honoured(tmp_path: Path, text: str, fields: dict[str, Any]) -> None:
    found = after(tmp_path, text)
    assert {name: getattr(found, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name: DBPostProcess, box_type: poly", "box_type 'poly' is not supported; known are quad"),
        (
            "name: DBPostProcess, score_mode: medium",
            "score_mode 'medium' is not supported; known are fast, slow",
        ),
        (
            "name: DBPostProcess, use_dilation: perhaps",
            "use_dilation is 'perhaps', which is neither true nor",
        ),
        ("name: DBPostProcess, thresh: 1.5", "thresh is 1.5, which is not 0 to 1"),
        ("name: DBPostProcess, thresh: nan", "thresh is nan"),
        ("name: EASTPostProcess", "name 'EASTPostProcess' is not supported; known are DBPostProcess"),
        ("name: AttnLabelDecode", "name 'AttnLabelDecode' is not supported"),
        ("name: CTCLabelDecode, character_dict: dict.txt", "character_dict is not a list"),
        ("MultiLabelThreshOutput: {threshold: 0.5}", "the setting MultiLabelThreshOutput"),
        ("Topk: {topk: 5, delimiter: ';'}", "PostProcess: Topk: the setting delimiter"),
    ],
)
def test_post_processing_that_cannot_be_honoured_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(WeightsError, match=sentence):
        after(tmp_path, text)

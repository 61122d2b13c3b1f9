from __future__ import annotations

from typing import Any

import pytest

from pipelines.engines.choose import engine_name
from pipelines.engines.upstream import from_upstream
from pipelines.errors import ConfigError


def test_our_own_keys_stay_as_they_are() -> None:
    ours = {"threads": 2, "precision": "f32", "cache_dir": "/somewhere", "width_mode": "exact"}
    assert from_upstream(ours, "auto") == ours


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"cpu_threads": 8}, {"threads": 8}),
        ({"intra_op_num_threads": 4}, {"threads": 4}),
        ({"run_mode": "paddle_fp16"}, {"precision": "f16"}),
        ({"run_mode": "mkldnn", "cpu_threads": None}, {"precision": "f32"}),
        (
            {"providers": ["CUDAExecutionProvider"], "provider_options": {"use_tf32": 1}},
            {"providers": ["CUDAExecutionProvider"], "provider_options": [{"use_tf32": 1}]},
        ),
    ],
)
def test_keys_of_paddlex_are_read_as_ours(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    assert from_upstream(theirs, "paddle") == ours


def test_of_one_mapping_for_each_engine_its_own_is_taken() -> None:
    given = {"paddle_static": {"cpu_threads": 8}, "onnxruntime": {"intra_op_num_threads": 3}}
    assert from_upstream(given, "paddle") == {"threads": 8}
    assert from_upstream(given, "onnxruntime") == {"threads": 3}
    assert from_upstream(given, "openvino") == {}
    assert from_upstream({"hpi": None}, "auto") == {}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"device_type": "gpu"}, "'device_type' cannot be set: the device is said by 'device'"),
        ({"mkldnn_cache_capacity": 10}, "'mkldnn_cache_capacity' cannot be set: .*memory stays bounded"),
        ({"run_mode": "trt_fp16"}, "'run_mode' asks for TensorRT, which is one of onnxruntime's 'providers'"),
        ({"trt_dynamic_shapes": {}}, "'trt_dynamic_shapes' asks for TensorRT"),
        ({"run_mode": "quick"}, "run_mode: expected one of paddle, .*, got 'quick'"),
        ({"cpu_threads": 2, "threads": 4}, "'cpu_threads' and 'threads' say the same thing"),
        (
            {"threads": 2, "intra_op_num_threads": 4},
            "'threads' and 'intra_op_num_threads' say the same thing",
        ),
        ({"paddle_static": {}, "threads": 2}, "'threads' stands beside the mapping of 'paddle_static'"),
        ({"paddle_static": 3}, "paddle_static: expected a mapping, got 3"),
    ],
)
def test_what_cannot_be_honoured_is_said(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=f"^engine_config: {said}"):
        from_upstream(given, "paddle")


def test_engines_of_paddlex_have_names_here_or_a_reason_not_to() -> None:
    assert [engine_name(name) for name in ("paddle", "paddle_static", "onnxruntime", "hpi")] == [
        "paddle",
        "paddle",
        "onnxruntime",
        "auto",
    ]
    with pytest.raises(ConfigError, match="'paddle_dynamic' is PaddleX's own and not offered here"):
        engine_name("paddle_dynamic")

"""PaddleX's `engine_config`, read as ours.

Its keys are those of PaddleX 3.7 (`PaddleStaticRunnerConfig`, `ONNXRuntimeRunnerConfig`), flat or in one
mapping for each of its engines.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.errors import ConfigError

_BUCKETS = {
    "paddle_static": ("paddle",),
    "paddle_dynamic": (),
    "onnxruntime": ("onnxruntime",),
    "hpi": ("auto",),
    "transformers": (),
    "flexible": (),
    "genai_client": (),
}
_RENAMED = {"cpu_threads": "threads", "intra_op_num_threads": "threads"}
_RUN_MODES = {
    "paddle": "f32",
    "paddle_fp32": "f32",
    "paddle_fp16": "f16",
    "mkldnn": "f32",
    "mkldnn_bf16": "bf16",
}
_SAID_ELSEWHERE = {
    "device_type": "the device is said by 'device'",
    "device_id": "the device is said by 'device'",
    "enable_new_ir": "the form of the weights decides it here",
    "enable_cinn": "networks are not compiled by CINN here",
    "mkldnn_cache_capacity": "it is set here so that memory stays bounded",
    "delete_pass": "passes that fail on a device are left out here",
    "inter_op_num_threads": "operators run one after the other here; use 'threads'",
    "execution_mode": "operators run one after the other here",
    "graph_optimization_level": "graphs are always optimised here",
    "enable_mem_pattern": "it is set here by the provider",
    "enable_cpu_mem_arena": "it is off here, so that memory stays bounded",
    "log_severity_level": "the program's own log settings rule here",
    "session_options": "use the keys that stand for them here",
}


def from_upstream(given: Mapping[str, Any], engine: str) -> dict[str, Any]:
    """`given` in this project's keys; what is ours already stays as it is, unchecked.

    Args:
        given: an `engine_config`, ours or PaddleX's.
        engine: `auto` or the name of one; of one mapping for each engine, its own is taken.

    Raises:
        ConfigError: for a key of PaddleX's that cannot be honoured here; the sentence says why, or what to
            use in its place.
    """
    values: dict[str, Any] = {}
    said_by: dict[str, str] = {}
    for key, value in _flat(given, engine).items():
        if value is None:
            continue
        name, ours = _translated(key, value)
        if name in values:
            raise ConfigError(
                f"engine_config: {said_by[name]!r} and {key!r} say the same thing; give one of them"
            )
        values[name], said_by[name] = ours, key
    if isinstance(values.get("provider_options"), Mapping):
        values["provider_options"] = [values["provider_options"]]
    return values


def _flat(given: Mapping[str, Any], engine: str) -> Mapping[str, Any]:
    buckets = [key for key in given if key in _BUCKETS]
    if not buckets:
        return given
    if len(buckets) < len(given):
        flat = next(key for key in given if key not in _BUCKETS)
        raise ConfigError(
            f"engine_config: {flat!r} stands beside the mapping of {buckets[0]!r}; use one form or the other"
        )
    mine = [key for key in buckets if engine in _BUCKETS[key]]
    chosen = (given[mine[0]] or {}) if mine else {}
    if not isinstance(chosen, Mapping):
        raise ConfigError(f"engine_config: {mine[0]}: expected a mapping, got {chosen!r}")
    return chosen


def _translated(key: str, value: Any) -> tuple[str, Any]:
    if key in _SAID_ELSEWHERE:
        raise ConfigError(f"engine_config: {key!r} cannot be set: {_SAID_ELSEWHERE[key]}")
    if key == "run_mode":
        if value in _RUN_MODES:
            return "precision", _RUN_MODES[value]
        if not str(value).startswith("trt_"):
            raise ConfigError(
                f"engine_config: run_mode: expected one of {', '.join(_RUN_MODES)}, got {value!r}"
            )
    if key == "run_mode" or key.startswith("trt_"):
        raise ConfigError(
            f"engine_config: {key!r} asks for TensorRT, which is one of onnxruntime's 'providers' here, "
            "with its 'provider_options'"
        )
    return _RENAMED.get(key, key), value

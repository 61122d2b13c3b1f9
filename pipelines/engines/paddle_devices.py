"""Which devices the installed Paddle reaches, and how its predictor is told to run there.

Which passes fail on which hardware, and which switches its plug-ins want, is what PaddleX 3.7 does
(`paddlex/inference/models/runners/paddle_static`, `paddlex/utils/device.py`).
"""

from __future__ import annotations

import os
from typing import Any

from pipelines.devices import Device
from pipelines.engines.signals import handlers_kept
from pipelines.errors import EngineError

# Importing it puts in a handler that answers SIGTERM with a crash; taking that out leaves none at all.
with handlers_kept():
    import paddle
    from paddle import inference

    paddle.disable_signal_handler()

core: Any = paddle.base.core  # what it holds depends on what the package was built for

__all__ = ["configure", "core", "inference", "memory", "paddle", "precisions", "prepare", "unreached"]

_SHAPES_KEPT = 32  # oneDNN's prepared kernels, by input shape; beyond it the oldest go
_FIRST_POOL = 100  # MB of the device's memory taken at once; it grows
_PACKAGES = "https://www.paddlepaddle.org.cn/packages/stable"
_HELP = {
    "gpu": f"pip uninstall paddlepaddle, pip install paddlepaddle-gpu -i {_PACKAGES}/cu126/, and a driver",
    "dcu": f"pip uninstall paddlepaddle, pip install paddlepaddle-dcu -i {_PACKAGES}/dcu/, and Hygon's DTK",
    "xpu": f"pip uninstall paddlepaddle, pip install paddlepaddle-xpu -i {_PACKAGES}/xpu-p800/, and XRE",
    "npu": f"beside paddlepaddle pip install paddle-custom-npu -i {_PACKAGES}/npu/, and CANN",
    "mlu": f"beside paddlepaddle pip install paddle-custom-mlu -i {_PACKAGES}/mlu/, and Cambricon's SDK",
}
_CUSTOM = ("npu", "mlu")
_ROCM_PASSES = ("conv2d_add_act_fuse_pass", "conv2d_add_fuse_pass")
_XPU_PASSES = ("conv2d_bn_xpu_fuse_pass", "transfer_layout_pass")
# Read by the plug-ins from the environment, before the first predictor. Without them an NPU compiles its
# operators anew for every shape.
_SWITCHES = {
    "npu": {
        "FLAGS_npu_jit_compile": "0",
        "FLAGS_use_stride_kernel": "0",
        "FLAGS_allocator_strategy": "auto_growth",
        "FLAGS_npu_scale_aclnn": "True",
        "FLAGS_npu_split_aclnn": "True",
        "CUSTOM_DEVICE_BLACK_LIST": "pad3d,pad3d_grad,set_value,set_value_with_tensor",
    },
    "mlu": {"FLAGS_use_stride_kernel": "0", "FLAGS_use_stream_safe_cuda_allocator": "0"},
    "xpu": {"FLAGS_use_stride_kernel": "0", "XPU_BLACK_LIST": "pad3d", "XPU_PADDLE_CONV_FLOAT": "1"},
    "dcu": {"FLAGS_conv_workspace_size_limit": "2000"},
}


def unreached(device: Device) -> str | None:
    """Why this Paddle cannot run on one `device` and what would help, or None where it can."""
    if device.kind == "cpu":
        return None
    if not _is_built_for(device.kind):
        return f"the installed Paddle is not built for {device.kind} devices ({_HELP[device.kind]})"
    count = _count(device.kind)
    if device.index < count:
        return None
    return f"Paddle finds {count} such devices here (driver missing, or not handed to this container?)"


def _is_built_for(kind: str) -> bool:
    rocm = paddle.device.is_compiled_with_rocm()
    if kind == "gpu":  # a build for ROCm says yes to CUDA as well
        return bool(paddle.device.is_compiled_with_cuda()) and not rocm
    if kind == "dcu":
        return bool(rocm)
    if kind == "xpu":
        return bool(paddle.device.is_compiled_with_xpu())
    return kind in (paddle.device.get_all_custom_device_type() or ())


def _count(kind: str) -> int:
    if kind in ("gpu", "dcu"):
        return int(paddle.device.cuda.device_count())
    if kind == "xpu":
        return int(paddle.device.xpu.device_count())
    # One device is listed as `npu`, several as `npu:0`, `npu:1`.
    available = paddle.device.get_available_custom_device() or ()
    return sum(name.partition(":")[0] == kind for name in available)


def memory(device: Device) -> int | None:
    """Bytes of memory that the device has; None where Paddle does not tell."""
    if device.kind not in ("gpu", "dcu"):
        return None
    return int(paddle.device.cuda.get_device_properties(device.index).total_memory)


def precisions(kind: str) -> tuple[str, ...]:
    """What Paddle computes in on such a device, first what `auto` takes."""
    return ("f32", "tf32", "f16") if kind == "gpu" else ("f32",)


def prepare(device: Device, precision: str) -> None:
    """Set what holds for the whole process: the plug-ins' switches, and whether TensorFloat-32 is allowed."""
    for name, value in _SWITCHES.get(device.kind, {}).items():
        os.environ.setdefault(name, value)
    if device.kind == "gpu":
        core.set_cublas_switch(precision == "tf32")
        core.set_cudnn_switch(precision == "tf32")


def configure(config: Any, device: Device, precision: str, threads: int) -> None:
    """Tell a predictor's `config` to run on `device`.

    Raises:
        EngineError: when Paddle stays on the CPU in spite of it.
    """
    if device.kind == "cpu":
        config.disable_gpu()
        config.enable_mkldnn()
        config.set_mkldnn_cache_capacity(_SHAPES_KEPT)
        if threads:
            config.set_cpu_math_library_num_threads(threads)
    elif device.kind == "xpu":
        config.enable_xpu()
        config.set_xpu_device_id(device.index)
        _delete(config, _XPU_PASSES)
    elif device.kind in _CUSTOM:
        config.enable_custom_device(device.kind, device.index)
    else:
        _configure_gpu(config, device, precision)
    stayed = (device.kind in ("gpu", "dcu") and not config.use_gpu()) or (
        device.kind == "xpu" and not config.use_xpu()
    )
    if stayed:
        raise EngineError(f"it stays on the CPU although {device} was asked for")


def _configure_gpu(config: Any, device: Device, precision: str) -> None:
    half = precision == "f16"
    kind = inference.PrecisionType.Half if half else inference.PrecisionType.Float32
    config.enable_use_gpu(_FIRST_POOL, device.index, kind)
    if half:
        config.exp_disable_mixed_precision_ops({"feed", "fetch"})  # pages and answers stay float32
    if device.kind == "dcu":
        _delete(config, _ROCM_PASSES)


def _delete(config: Any, passes: tuple[str, ...]) -> None:
    for name in passes:
        config.delete_pass(name)

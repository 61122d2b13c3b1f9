"""What an engine's message says of the device: that its memory is full, that it is gone, or nothing.

Engines have no types for it. The words are those of CUDA, cuDNN and cuBLAS, of ROCm, OpenCL and Level Zero,
of Paddle and of ONNX Runtime's arena. OpenCL's lack of resources counts as a lost device: OpenVINO raises it
for faults in kernels too, and says that every later call may hang.
"""

from __future__ import annotations

from pipelines.errors import DeviceLost, EngineError, OutOfMemory

_FULL = (
    "out of memory",
    "out_of_memory",
    "outofmemory",
    "failed to allocate memory",
    "resourceexhausted",
    "status_alloc_failed",
    "cl_mem_object_allocation_failure",
    "exceeded max size of memory object allocation",
)
_GONE = (
    "illegal memory access",
    "illegal instruction",
    "misaligned address",
    "unspecified launch failure",
    "launch timed out",
    "device-side assert",
    "uncorrectable ecc",
    "no cuda-capable device",
    "driver shutting down",
    "cl_out_of_resources",
    "out of gpu resources",
    "cl_device_not_available",
    "device_lost",
    "device lost",
    "device hung",
    "device removed",
)


def engine_error(sentence: str, message: str) -> EngineError:
    """The error, with `sentence`, for an engine that raised `message`."""
    words = message.lower()
    if any(word in words for word in _GONE):
        return DeviceLost(sentence)
    if any(word in words for word in _FULL):
        return OutOfMemory(sentence)
    return EngineError(sentence)

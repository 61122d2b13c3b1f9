"""What engines' own words say of a device, and how much memory it has."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.engines import cuda_memory as cuda
from pipelines.engines.base import translated
from pipelines.engines.cuda_memory import cuda_memory
from pipelines.errors import DeviceLost, EngineError, OutOfMemory

FULL = [
    "bfc_arena.cc:376 BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer of size 9",
    "ResourceExhaustedError: Out of memory error on GPU 0. Cannot allocate 98.000244MB memory on GPU 0",
    "CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED",
    "[GPU] Exceeded max size of memory object allocation",
    "hipErrorOutOfMemory",
]
GONE = [
    "CUDA failure 700: an illegal memory access was encountered",
    "CUDA error 719: unspecified launch failure; out of memory",  # what follows a broken context is no news
    "[GPU] CL_OUT_OF_RESOURCES exception",
    "[GPU] out of GPU resources",
    "ZE_RESULT_ERROR_DEVICE_LOST",
]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        *((words, OutOfMemory) for words in FULL),
        *((words, DeviceLost) for words in GONE),
        ("odd", EngineError),
    ],
)
def test_words_of_engines_are_told_apart(words: str, expected: type[EngineError]) -> None:
    with pytest.raises(EngineError) as raised, translated("onnxruntime", "running a model"):
        raise RuntimeError(words)
    assert type(raised.value) is expected
    assert str(raised.value).startswith("onnxruntime failed at running a model: ")


def one_device() -> SimpleNamespace:
    """CUDA's driver, on a machine with one device of 16 GiB."""

    def tell(total: Any, device: Any) -> int:
        total._obj.value = 16 << 30
        return 0

    return SimpleNamespace(
        cuInit=lambda flags: flags,
        cuDeviceGet=lambda device, index: 101 * index,  # CUDA_ERROR_INVALID_DEVICE for others than the first
        cuDeviceTotalMem_v2=tell,
    )


def test_memory_is_asked_of_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: one_device())
    assert cuda_memory(0) == 16 << 30
    assert cuda_memory(1) is None


def test_without_a_driver_no_memory_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "_DRIVER", "libnowhere.so.9")
    assert cuda_memory(0) is None

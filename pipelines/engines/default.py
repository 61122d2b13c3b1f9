"""The device of a pipeline that was asked for none: the first GPU if there is one, else the CPU."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from pipelines.devices import CPU, Device
from pipelines.engines.choose import engine_name, unreached

_log = logging.getLogger(__name__)

_NODES = Path("/dev")
# The packages that bring an engine for NVIDIA's GPUs. Asking what is installed takes a millisecond, asking
# the engine itself up to two seconds of importing it.
_FOR_NVIDIA = {"onnxruntime": "onnxruntime-gpu", "paddle": "paddlepaddle-gpu"}


def default_device(engine: str = "auto") -> Device:
    """`gpu:0` where NVIDIA's first GPU is there and `engine`, or for `auto` an installed one, reaches it.

    Other makers' processors are taken only when asked for by name: an Intel GPU often is slower than the CPU
    beside it. Where no GPU is there, this looks at a few files and imports nothing.

    Raises:
        ConfigError: for an unknown engine.
    """
    name = engine_name(engine)
    able = [one for one in _FOR_NVIDIA if name in ("auto", one)]
    if not able or not _sees_nvidia():
        return CPU
    gpu = Device("gpu")
    reasons = [_unreached(one, gpu) for one in able]
    if None in reasons:
        return gpu
    _log.warning("a GPU is here but not used: %s", "; ".join(filter(None, reasons)))
    return CPU


def _unreached(engine: str, gpu: Device) -> str | None:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415  -- only where there is a GPU

    try:
        version(_FOR_NVIDIA[engine])
    except PackageNotFoundError:
        return f"{_FOR_NVIDIA[engine]} is not installed"
    return unreached(engine, gpu)


def _sees_nvidia() -> bool:
    """Whether the driver shows a GPU: its nodes on Linux, WSL's, or its library on Windows."""
    if os.name == "nt":
        from ctypes.util import find_library  # noqa: PLC0415  -- elsewhere it starts a compiler to look

        return find_library("nvcuda.dll") is not None
    return any(_NODES.glob("nvidia[0-9]*")) or (_NODES / "dxg").exists()

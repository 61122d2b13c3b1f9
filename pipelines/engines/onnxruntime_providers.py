"""ONNX Runtime's execution providers: which of them runs on a device, and whether it really does.

The package lists what it was built with, not what works: where a driver or a library is missing, a session
is made all the same, on the CPU, with a line in a log. So a provider counts only after a graph of one node
has run on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import cache
from io import StringIO
from typing import Any

import onnxruntime as ort

from pipelines.devices import Device
from pipelines.errors import EngineError

CPU_PROVIDER = "CPUExecutionProvider"

# ONNX, serialised: one Relu from `x` to `y`, each a single float32.
_ONE_NODE = bytes.fromhex(
    "08083a330a0c0a01781201792204"
    "52656c751201675a0f0a0178120a0a08080112040a0208"
    "01620f0a0179120a0a08080112040a020801"
    "4202100d"
)
ON_CUDA = ("CUDAExecutionProvider", "TensorrtExecutionProvider")
_QUIET, _USUAL = 4, 2  # severities of its log: only fatal errors; warnings, its default


@dataclass(frozen=True)
class Provider:
    """One execution provider.

    Attributes:
        precisions: what it can compute in, first what `auto` takes.
        options: for a device and a precision.
    """

    precisions: tuple[str, ...]
    options: Callable[[Device, str], dict[str, str]]


def _cuda(device: Device, precision: str) -> dict[str, str]:
    # Searching all algorithms is done anew for every shape, and pages and lines come in many.
    return {
        "device_id": str(device.index),
        "use_tf32": str(int(precision == "tf32")),
        "cudnn_conv_algo_search": "HEURISTIC",
    }


def _migraphx(device: Device, precision: str) -> dict[str, str]:
    return {"device_id": str(device.index), "migraphx_fp16_enable": str(int(precision == "f16"))}


def _cann(device: Device, precision: str) -> dict[str, str]:
    mode = "force_fp16" if precision == "f16" else "must_keep_origin_dtype"
    return {"device_id": str(device.index), "precision_mode": mode}


def _openvino(device: Device, precision: str) -> dict[str, str]:
    names = {"cpu": "CPU", "gpu": f"GPU.{device.index}", "npu": "NPU"}
    return {"device_type": names[device.kind], "precision": "FP16" if precision == "f16" else "FP32"}


def _by_index(device: Device, precision: str) -> dict[str, str]:  # noqa: ARG001  -- the table's signature
    return {"device_id": str(device.index)}


PROVIDERS = {
    CPU_PROVIDER: Provider(("f32",), lambda _device, _precision: {}),
    "CUDAExecutionProvider": Provider(("f32", "tf32"), _cuda),
    "MIGraphXExecutionProvider": Provider(("f32", "f16"), _migraphx),
    "ROCMExecutionProvider": Provider(("f32",), _by_index),
    "DmlExecutionProvider": Provider(("f32",), _by_index),
    "CANNExecutionProvider": Provider(("f32", "f16"), _cann),
    "OpenVINOExecutionProvider": Provider(("f16", "f32"), _openvino),
}
# By kind of device, best first.
OF_KIND = {
    "cpu": (CPU_PROVIDER,),
    "gpu": (
        "CUDAExecutionProvider",
        "MIGraphXExecutionProvider",
        "ROCMExecutionProvider",
        "DmlExecutionProvider",
        "OpenVINOExecutionProvider",
    ),
    "npu": ("CANNExecutionProvider", "OpenVINOExecutionProvider"),
    "dcu": ("MIGraphXExecutionProvider", "ROCMExecutionProvider"),
}
_HELP = {
    "gpu": "for NVIDIA's: pip uninstall onnxruntime, pip install 'pageline[gpu]', and a driver; "
    "for AMD's: onnxruntime-migraphx; for Intel's: onnxruntime-openvino; on Windows: onnxruntime-directml",
    "npu": "for Ascend's: pip install onnxruntime-cann, and CANN; for Intel's: onnxruntime-openvino, and "
    "its driver",
    "dcu": "a build of onnxruntime for ROCm, such as onnxruntime-migraphx, and the ROCm driver",
}


def find_provider(device: Device) -> str:
    """The first provider that really runs on `device`.

    Raises:
        EngineError: when none does; the sentence says what is missing and how to get it.
    """
    found, why = _search(device)
    if found is None:
        raise EngineError(why)
    return found


def check_providers(session: Any, wanted: Sequence[str]) -> None:
    """Raise an EngineError when a provider asked for is not in the session: it fell back in silence."""
    missing = [name for name in wanted if name not in session.get_providers()]
    if missing:
        raise EngineError(
            f"{' and '.join(missing)} did not start and the session fell back to "
            f"{', '.join(session.get_providers())}"
        )


@contextmanager
def _quietly() -> Iterator[None]:
    # What it would log and print is said in the sentence, which names what to do about it too.
    ort.set_default_logger_severity(_QUIET)
    try:
        with redirect_stdout(StringIO()):
            yield
    finally:
        ort.set_default_logger_severity(_USUAL)


@cache
def _search(device: Device) -> tuple[str | None, str]:
    wanted = OF_KIND.get(device.kind, ())
    here = [name for name in wanted if name in ort.get_available_providers()]
    failures = []
    for name in here:
        failure = _failure(name, device)
        if failure is None:
            return name, ""
        failures.append(f"{name} is installed, but {failure}")
    told = " and ".join(failures) or f"the installed onnxruntime has no provider for {device.kind} devices"
    return None, f"{told} ({_HELP[device.kind]})" if device.kind in _HELP else told


def _failure(name: str, device: Device) -> str | None:
    """Why a graph of one node does not run on the provider; None when it does."""
    offer = PROVIDERS[name]
    complaint = preload(name)
    try:
        with _quietly():
            session = make_session(_ONE_NODE, {name: offer.options(device, offer.precisions[0])})
            check_providers(session, [name])
    except Exception as error:  # noqa: BLE001  -- whatever a driver raises is a reason it does not work
        return complaint or str(error).strip().splitlines()[0]
    return None


@cache
def preload(name: str) -> str:
    """Load the CUDA libraries that came as packages, if the provider needs them; a complaint, or nothing."""
    if name not in ON_CUDA:
        return ""
    with redirect_stdout(StringIO()) as said:
        ort.preload_dlls()
    return next(iter(said.getvalue().strip().splitlines()), "")


def make_session(
    graph: bytes | str, providers: Mapping[str, Mapping[str, object]], options: Any = None
) -> ort.InferenceSession:
    """A session on `providers`, name to options; operators they lack run on the CPU, as shapes mostly do."""
    listed = [(name, dict(settings)) for name, settings in providers.items()]
    names = [*listed, CPU_PROVIDER] if CPU_PROVIDER not in providers else listed
    return ort.InferenceSession(graph, options, providers=names)

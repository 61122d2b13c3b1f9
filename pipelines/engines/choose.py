"""Which engine runs: by name, or the first of those that reach the device. Imported only when chosen."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING
from warnings import catch_warnings, simplefilter

from pipelines.devices import CPU, KINDS, Device
from pipelines.engines.settings import EngineSettings
from pipelines.errors import ConfigError, DeviceUnavailable, EngineUnavailable

if TYPE_CHECKING:
    from pipelines.engines.base import Engine


@dataclass(frozen=True)
class Known:
    """An engine before it is imported.

    Attributes:
        package: what must be installed; None for an engine of our own.
        module, attribute: where its class is.
        kinds: of devices that it can run on where everything it needs is there.
        extra: ours that brings the package.
    """

    package: str | None
    module: str
    attribute: str
    kinds: tuple[str, ...]
    extra: str = ""


_ENGINES = {
    "openvino": Known(
        "openvino", "pipelines.engines.openvino_engine", "OpenVinoEngine", ("cpu", "gpu", "npu"), "openvino"
    ),
    "onnxruntime": Known(
        "onnxruntime",
        "pipelines.engines.onnxruntime_engine",
        "OnnxRuntimeEngine",
        ("cpu", "gpu", "npu", "dcu"),
        "onnxruntime",
    ),
    "paddle": Known("paddle", "pipelines.engines.paddle_engine", "PaddleEngine", KINDS, "paddle"),
    "fake": Known(None, "pipelines.engines.fake", "FakeEngine", ("cpu",)),
}
# What `auto` tries, by kind. Off the CPU the engine comes first that is at home there: a `gpu` is NVIDIA's
# before it is Intel's, an `npu` Intel's where OpenVINO finds one.
_AUTO = {
    "cpu": ("onnxruntime", "openvino", "paddle"),
    "gpu": ("onnxruntime", "paddle", "openvino"),
    "npu": ("openvino", "paddle", "onnxruntime"),
    "dcu": ("paddle", "onnxruntime"),
    "xpu": ("paddle",),
    "mlu": ("paddle",),
}
_WITH_AVX512 = ("openvino", "onnxruntime", "paddle")
_CPU_AVX_512F = 13  # OpenCV's number for it; Python's binding has no name
# What PaddleX's configurations call engines that are here under another name.
_ALIASES = {"paddle_static": "paddle", "hpi": "auto"}
_UPSTREAM_ONLY = ("paddle_dynamic", "transformers", "flexible", "genai_client")


def engine_name(name: str) -> str:
    """The name used here for `name`, which may be PaddleX's: `auto` or one engine's.

    PaddleX's `hpi` is `auto` here, which `use_hpip` refines.

    Raises:
        ConfigError: for an unknown name, or one of PaddleX's that nothing here answers to.
    """
    name = _ALIASES.get(name, name)
    if name in _UPSTREAM_ONLY:
        raise ConfigError(
            f"engine: {name!r} is PaddleX's own and not offered here; "
            "'paddle' runs the same networks as exported graphs"
        )
    if name != "auto" and name not in _ENGINES:
        raise ConfigError.unknown(name, ["auto", *_ENGINES], where="engine", what="name")
    return name


def candidates(name: str, device: Device) -> list[str]:
    """The engines to try for `name` on `device`, best first.

    For `auto` the first of them is known to reach the device; those after it are only installed, since to
    ask an engine is to import it. On the CPU nothing is imported at all.

    Raises:
        ConfigError: for an unknown name.
        EngineUnavailable: when the engine, or for `auto` every one, is not installed.
        DeviceUnavailable: when no engine reaches the device; the sentence says for each one why.
    """
    name = engine_name(name)
    if name != "auto":
        _refuse(device, [name])
        return [name]
    wanted = _WITH_AVX512 if device.kind == "cpu" and _has_avx512() else _AUTO[device.kind]
    found = [engine for engine in wanted if installed(engine)]
    if device.kind != "cpu":
        while found and unreached(found[0], device) is not None:
            del found[0]
        if not found:
            _refuse(device, wanted)
    if not found:
        raise EngineUnavailable(
            f"no inference engine is installed; the fastest here is pip install 'pageline[{wanted[0]}]'"
        )
    return found


def _has_avx512() -> bool:
    """Whether the CPU has the wide vectors and matrix tiles for which OpenVINO generates its best kernels.

    With them it takes a third to a half of ONNX Runtime's time, without them more than ONNX Runtime does.
    """
    import cv2  # noqa: PLC0415  -- a command that is refused before should not wait for it

    return bool(cv2.checkHardwareSupport(_CPU_AVX_512F))


def installed(name: str) -> bool:
    """Whether the engine's package can be found, without importing it."""
    package = _ENGINES[name].package
    return package is None or find_spec(package) is not None


def unreached(name: str, device: Device) -> str | None:
    """Why the engine cannot run on `device` here and what would help, or None where it can.

    Imports the engine, unless the device is the CPU or of a kind that the engine does not know.
    """
    known = _ENGINES[name]
    if device.kind not in known.kinds:
        return f"it does not run on {device.kind} devices, only on {', '.join(known.kinds)}"
    if device.kind == "cpu":
        return None
    try:
        engine = _engine_class(name)
    except EngineUnavailable as error:
        return str(error)
    return next((reason for one in device.each if (reason := engine.unreached(one)) is not None), None)


def make_engine(name: str, settings: EngineSettings, device: Device = CPU) -> Engine:
    """The engine `name` for one device, imported now.

    Raises:
        EngineUnavailable: when its package is missing or broken; the sentence names the extra that brings it.
        DeviceUnavailable: when it cannot run on the device; the sentence says what is missing.
        OptionError: for a setting that this engine or device cannot honour.
    """
    engine_class = _engine_class(name)
    _refuse(device, [name])
    settings.refuse_others(name)
    return engine_class(settings, device)


def _refuse(device: Device, names: list[str] | tuple[str, ...]) -> None:
    """Raise a DeviceUnavailable unless one of the engines reaches the device."""
    reasons = {name: unreached(name, device) for name in names}
    if all(reasons.values()):
        told = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        raise DeviceUnavailable(f"device {str(device)!r} is not available here. {told}")


def _engine_class(name: str) -> type[Engine]:
    known = _ENGINES[name]
    try:
        with catch_warnings():
            simplefilter("ignore")  # Paddle's warns about compilers that nothing here needs
            engine: type[Engine] = getattr(import_module(known.module), known.attribute)
    except ImportError as error:
        raise EngineUnavailable(
            f"engine {name!r} needs the package {known.package}: "
            f"pip install 'pageline[{known.extra}]' ({error})"
        ) from error
    return engine

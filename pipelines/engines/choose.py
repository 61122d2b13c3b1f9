"""Which engine runs: by name, or the fastest one installed. Packages are imported only when chosen."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING
from warnings import catch_warnings, simplefilter

from pipelines.devices import Device
from pipelines.engines.settings import EngineSettings
from pipelines.errors import ConfigError, DeviceUnavailable, EngineUnavailable

if TYPE_CHECKING:
    from pipelines.engines.base import Engine

# Engine -> (its package, the module and the class here). In the order of measured speed on CPUs.
_ENGINES = {
    "openvino": ("openvino", "pipelines.engines.openvino_engine", "OpenVinoEngine"),
    "onnxruntime": ("onnxruntime", "pipelines.engines.onnxruntime_engine", "OnnxRuntimeEngine"),
    "paddle": ("paddle", "pipelines.engines.paddle_engine", "PaddleEngine"),
    "fake": (None, "pipelines.engines.fake", "FakeEngine"),
}
_REAL = ("openvino", "onnxruntime", "paddle")
_REACHED = ("cpu",)  # the kinds of devices that the engines here run on
# What PaddleX's configurations call the engine that is `paddle` here.
_ALIASES = {"paddle_static": "paddle"}


def candidates(name: str, device: Device) -> list[str]:
    """The engines to try for `name` on `device`, best first; `auto` stands for every installed real one.

    Raises:
        ConfigError: for an unknown name.
        DeviceUnavailable: when no engine runs on the device.
        EngineUnavailable: for `auto` when no engine is installed.
    """
    if device.kind not in _REACHED:
        raise DeviceUnavailable(
            f"device {str(device)!r} is not available: the engines here run on 'cpu' only"
        )
    name = _ALIASES.get(name, name)
    if name == "auto":
        found = [engine for engine in _REAL if installed(engine)]
        if not found:
            raise EngineUnavailable(
                "no inference engine is installed; the fastest on a CPU is pip install 'pageline[openvino]'"
            )
        return found
    if name not in _ENGINES:
        raise ConfigError.unknown(name, ["auto", *_ENGINES], where="engine", what="name")
    return [name]


def installed(name: str) -> bool:
    """Whether the engine's package can be found, without importing it."""
    package = _ENGINES[name][0]
    return package is None or find_spec(package) is not None


def make_engine(name: str, settings: EngineSettings) -> Engine:
    """The engine `name`, imported now.

    Raises:
        EngineUnavailable: when its package is missing or broken; the sentence names the extra that brings it.
    """
    package, module, attribute = _ENGINES[name]
    try:
        with catch_warnings():
            simplefilter("ignore")  # Paddle's warns about compilers that nothing here needs
            engine_class = getattr(import_module(module), attribute)
    except ImportError as error:
        raise EngineUnavailable(
            f"engine {name!r} needs the package {package}: pip install 'pageline[{name}]' ({error})"
        ) from error
    engine: Engine = engine_class(settings)
    return engine

"""How an engine is to run. Apart from `base`, so that a pipeline can be described without numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.errors import OptionError

PRECISIONS = ("auto", "f32", "bf16", "f16", "tf32")


@dataclass(frozen=True)
class EngineSettings:
    """How an engine is to run; the last three are handed to it as they are.

    Attributes:
        precision: one of `PRECISIONS`. `auto` takes the fastest that the device computes natively and reads
            right in; `f16` and `tf32` exist on graphics and neural processors only.
        threads: how many threads one call may use; 0 leaves it to the engine.
        batch: how many pages go into one inference; 0 leaves it to the device's memory.
        cache_dir: where compiled models may be kept between processes; None keeps none.
        providers: ONNX Runtime's execution providers, first choice first; none leaves them to the device.
        provider_options: one mapping for each of `providers`, or none at all.
        properties: OpenVINO's properties of a compiled model, over our own.
    """

    precision: str = "auto"
    threads: int = 0
    batch: int = 0
    cache_dir: Path | None = None
    providers: tuple[str, ...] = ()
    provider_options: tuple[Mapping[str, object], ...] = ()
    properties: Mapping[str, object] = field(default_factory=dict)

    def refuse_others(self, engine: str) -> None:
        """Raise an OptionError for a setting of another engine, which would have no effect on `engine`."""
        owners = {"providers": "onnxruntime", "provider_options": "onnxruntime", "properties": "openvino"}
        for name, owner in owners.items():
            if getattr(self, name) and owner != engine:
                raise OptionError(
                    f"engine_config: {name} speaks to {owner}, and the engine is {engine}; "
                    f"name engine={owner!r} with it"
                )

    def choose_precision(self, engine: str, offered: tuple[str, ...], where: str) -> str:
        """The precision to compute in: what is asked for or, for `auto`, the first that is `offered`.

        Raises:
            OptionError: when what is asked for is not among them; `where` ends the sentence.
        """
        if self.precision == "auto":
            return offered[0]
        if self.precision not in offered:
            raise OptionError(
                f"engine_config: precision {self.precision!r} is not something {engine} computes {where}; "
                f"use 'auto' or {' or '.join(map(repr, offered))}"
            )
        return self.precision

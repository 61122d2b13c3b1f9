"""The fleet's metrics as Prometheus takes them: a custom collector, which looks at Redis for each scrape.

The process that answers holds none of it, so any replica gives the same, and one that has just started too.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from infra.errors import BrokerUnavailable
from infra.status import Heartbeat
from infra.telemetry.catalogue import COUNTED, MEASURED, PREFIX, Type
from infra.telemetry.meter import SEPARATOR, SUM
from tasks.census import Census, take_census
from tasks.context import Tools
from tasks.queues import CONTROL

_MEBIBYTE = 2**20
_MOST_TENANTS = 100  # with series of their own; the smaller ones are added up
_OTHERS = "_others"
Samples = Iterable[tuple[Sequence[str], float]]


def exposition(tools: Tools) -> bytes:
    """Return all metrics in Prometheus's text format; without Redis only that it does not answer."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(FleetCollector(lambda: take_census(tools)))
    return generate_latest(registry)


class FleetCollector(Collector):
    """Collects what one look at the fleet gives."""

    def __init__(self, look: Callable[[], Census]) -> None:
        self._look = look

    def describe(self) -> Iterable[Metric]:
        """Nothing: asking Redis before somebody scrapes would be in vain."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Look, and yield every metric."""
        yield _gauge("build_info", [((version("pageline"),), 1)])
        try:
            census = self._look()
        except BrokerUnavailable:
            yield _gauge("broker_up", [((), 0)])
            return
        yield _gauge("broker_up", [((), 1)])
        for name, samples in _measured(census).items():
            yield _gauge(name, samples)
        yield from _counted(census.counted)


def _gauge(name: str, samples: Samples) -> Metric:
    described = MEASURED[name]
    family = GaugeMetricFamily(PREFIX + name, described.help, labels=described.labels)
    for labels, value in samples:
        family.add_metric(labels, value)
    return family


def _measured(census: Census) -> dict[str, Samples]:
    broker, letters = census.broker, census.letters
    return {
        "broker_ping_seconds": [((), broker.ping_seconds)],
        "broker_memory_bytes": [((), broker.memory)],
        "broker_memory_limit_bytes": [((), broker.memory_limit)],
        "broker_clients": [((), broker.clients)],
        "queue_messages": [((queue,), count) for queue, count in census.queues.items()],
        "line_length": [((step,), count) for step, count in sorted(census.lines.items())],
        "ranges_leased": [((), census.ranges)],
        "pages_leased": [((), census.pages)],
        "backlog_megapixels": [((one.kind,), one.waiting + one.held) for one in census.demands],
        "drain_seconds": [((one.kind,), _drain(one.drain_seconds, one.waiting)) for one in census.demands],
        "documents_active": [((), census.active)],
        "idle_document_seconds": [((), census.idle_seconds)],
        "letters": [(("due",), letters.due), (("later",), letters.later), (("dead",), letters.dead)],
        "letter_overdue_seconds": [((), letters.overdue_seconds)],
        "rhythm_age_seconds": [((name,), age) for name, age in sorted(census.rhythms.items())],
        **_of_workers(census),
        **_of_tenants(census),
    }


def _drain(seconds: float | None, waiting: float) -> float:
    if seconds is not None:
        return seconds
    return math.inf if waiting > 0 else 0.0


def _of_workers(census: Census) -> dict[str, Samples]:
    crews: dict[str, list[Heartbeat]] = {
        kind: [] for kind in (CONTROL, *(one.kind for one in census.demands))
    }
    for beat in census.workers:
        crews.setdefault(beat.kind, []).append(beat)
    healths = Counter((beat.kind, beat.health(census.at)) for beat in census.workers)
    states = {(kind, health): 0 for kind in crews for health in ("warming", "idle", "busy", "stuck")}
    readers = [(kind, crew) for kind, crew in sorted(crews.items()) if kind != CONTROL]
    memory = {kind: [(beat.memory_mb or 0) * _MEBIBYTE for beat in crew] for kind, crew in crews.items()}
    return {
        "workers": list((states | dict(healths)).items()),
        "pages_per_second": [((k,), sum(one.pages_per_second or 0 for one in crew)) for k, crew in readers],
        "megapixels_per_second": [
            ((k,), sum(one.megapixels_per_second or 0 for one in crew)) for k, crew in readers
        ],
        "worker_memory_bytes": [((kind,), sum(held)) for kind, held in memory.items()],
        "batches_halved": [((kind,), sum(one.halved for one in crew)) for kind, crew in readers],
        "worker_memory_max_bytes": [((kind,), max(held, default=0)) for kind, held in memory.items()],
        "worker_info": list(Counter(map(_described, census.workers)).items()),
    }


def _described(beat: Heartbeat) -> tuple[str, ...]:
    digest = (beat.digest or "")[:12]
    return beat.kind, beat.version or "", beat.engine or "", beat.precision or "", beat.pipeline or "", digest


def _of_tenants(census: Census) -> dict[str, Samples]:
    """Series for each tenant, the smaller of very many under one name."""
    by_size = sorted(census.tenants, key=lambda one: (-one.documents - one.waiting, one.tenant))
    sums: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for rank, one in enumerate(by_size):
        name = (one.tenant if rank < _MOST_TENANTS else _OTHERS,)
        sums["tenant_documents"][name] += one.documents
        sums["tenant_pages"][name] += one.pages
        sums["tenant_waiting"][name] += one.waiting
    return {name: list(values.items()) for name, values in sums.items()}


def _counted(counted: Mapping[str, float]) -> Iterator[Metric]:
    found: dict[str, dict[tuple[str, ...], float]] = defaultdict(dict)
    for field, amount in counted.items():
        name, *labels = field.split(SEPARATOR)
        found[name][tuple(labels)] = amount
    for name, described in COUNTED.items():
        series = found[name]
        if described.type is Type.HISTOGRAM:
            yield _histogram(name, series)
            continue
        family = CounterMetricFamily(PREFIX + name, described.help, labels=described.labels)
        for values, amount in sorted((series or _nothing(described.labels)).items()):
            if len(values) == len(described.labels):  # else a version with other labels has counted it
                family.add_metric(values, amount)
        yield family


def _nothing(labels: Sequence[str]) -> dict[tuple[str, ...], float]:
    """What is shown of a counter that has not counted: 0, unless it is unknown for what."""
    return {} if labels else {(): 0.0}


def _histogram(name: str, series: Mapping[tuple[str, ...], float]) -> Metric:
    """Add up what was kept bucket by bucket, as Prometheus has it."""
    described = COUNTED[name]
    family = HistogramMetricFamily(PREFIX + name, described.help, labels=described.labels)
    bounds = [*(str(bound) for bound in described.buckets), "+Inf"]
    for labels in sorted({key[:-1] for key in series if len(key) == len(described.labels) + 1}):
        total, buckets = 0.0, []
        for index, bound in enumerate(bounds):
            total += series.get((*labels, str(index)), 0.0)
            buckets.append((bound, total))
        family.add_metric(labels, buckets, series.get((*labels, SUM), 0.0))
    return family

"""Every metric there is: its type, its labels, what it says. Collector, dashboard and alerts keep to it.

`COUNTED` are kept in Redis, since workers come and go: a scrape of any replica gives the same. `MEASURED` are
looked up at each scrape. Values of labels are few: kinds, states, queues, tenants of the settings, classes of
errors; never a document, a host or a process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

PREFIX = "pageline_"


class Type(StrEnum):
    """A type of metric, as Prometheus names it."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        help: What it says, with its unit.
        labels: Names of its labels, in the order in which values are given.
        buckets: Upper bounds of a histogram's buckets, rising; the last one, infinity, is left out.
    """

    type: Type
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    def series(self, name: str) -> tuple[str, ...]:
        """Return the names that this metric has in Prometheus, as metric `name`."""
        full = PREFIX + name
        if self.type is Type.HISTOGRAM:
            return f"{full}_bucket", f"{full}_sum", f"{full}_count"
        return (full,)


def _counter(text: str, *labels: str) -> Metric:
    return Metric(Type.COUNTER, text, labels)


def _gauge(text: str, *labels: str) -> Metric:
    return Metric(Type.GAUGE, text, labels)


_PAGE_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0, 30.0, 60.0, 180.0)
_DOCUMENT_SECONDS = (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 14400.0)

COUNTED: Mapping[str, Metric] = {
    "documents_total": _counter("Documents that have ended, by how.", "state"),
    "pages_total": _counter("Pages settled, by how.", "state"),
    "document_seconds": Metric(
        Type.HISTOGRAM, "Seconds from a document's receipt to its end.", (), _DOCUMENT_SECONDS
    ),
    "pages_read_total": _counter("Pages that workers have read, repeated ones included.", "kind"),
    "megapixels_read_total": _counter("Megapixels of these pages.", "kind"),
    "page_seconds": Metric(
        Type.HISTOGRAM, "Seconds that one page kept a worker's process busy.", ("kind",), _PAGE_SECONDS
    ),
    "stage_seconds_total": _counter(
        "Seconds in each step around a page and in each stage of the pipeline; steps overlap.",
        "stage",
        "kind",
    ),
    "errors_total": _counter("Errors, by the step that met them and their class.", "step", "reason"),
    "pages_returned_total": _counter("Ranges and steps taken back from processes that died."),
    "messages_resent_total": _counter("Messages sent again since the first one was lost."),
    "letters_total": _counter(
        "Tries to tell of documents' ends, by outcome and kind of target.", "outcome", "target"
    ),
    "processes_replaced_total": _counter("Processes replaced since they held too much memory.", "kind"),
}

MEASURED: Mapping[str, Metric] = {
    "build_info": _gauge("The version that answers; always 1.", "version"),
    "broker_up": _gauge("1 while Redis answers."),
    "broker_ping_seconds": _gauge("How long Redis took to answer."),
    "broker_memory_bytes": _gauge("Memory that Redis holds."),
    "broker_memory_limit_bytes": _gauge("What it may hold at most; 0 for no limit."),
    "broker_clients": _gauge("Connections to Redis."),
    "queue_messages": _gauge("Messages that wait in a queue.", "queue"),
    "line_length": _gauge("What waits in tenants' lines, by the step it waits for.", "step"),
    "ranges_leased": _gauge("Ranges of pages in hand."),
    "pages_leased": _gauge("Pages in hand, those rendered ahead included."),
    "backlog_megapixels": _gauge("Megapixels that wait for a kind of worker.", "kind"),
    "drain_seconds": _gauge(
        "Seconds until that would be read, at the speed of now; infinite with no worker.", "kind"
    ),
    "workers": _gauge("Living workers by health: warming, idle, busy or stuck.", "kind", "health"),
    "pages_per_second": _gauge("What the workers of a kind read at together, by their own measure.", "kind"),
    "megapixels_per_second": _gauge("The same in megapixels.", "kind"),
    "worker_memory_bytes": _gauge("Memory that workers' processes hold together.", "kind"),
    "worker_memory_max_bytes": _gauge("Memory that the largest of them holds.", "kind"),
    "batches_halved": _gauge(
        "How often living workers halved their batch for want of device memory.", "kind"
    ),
    "worker_info": _gauge(
        "Workers by what they read with.", "kind", "version", "engine", "precision", "pipeline", "digest"
    ),
    "documents_active": _gauge("Documents that have not ended."),
    "idle_document_seconds": _gauge(
        "Seconds since the document that has waited longest for progress had some."
    ),
    "tenant_documents": _gauge("Documents that a tenant has begun and not ended.", "tenant"),
    "tenant_pages": _gauge("Pages of these documents, as far as they are counted.", "tenant"),
    "tenant_waiting": _gauge("Documents of a tenant that are announced or received, and wait.", "tenant"),
    "letters": _gauge("Letters in the outbox: due, later, or dead.", "state"),
    "letter_overdue_seconds": _gauge("Seconds that the oldest letter is overdue; 0 when none is."),
    "rhythm_age_seconds": _gauge("Seconds since a rhythm last did its work.", "rhythm"),
}

METRICS: Mapping[str, Metric] = {**COUNTED, **MEASURED}


def series() -> frozenset[str]:
    """Return every name in Prometheus."""
    return frozenset(each for name, metric in METRICS.items() for each in metric.series(name))

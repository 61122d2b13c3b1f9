"""Traces by OpenTelemetry, where an exporter is named by the usual variables.

Where none is, nothing of OpenTelemetry is imported, and a span is one comparison: whoever only announces
documents imports this module too. What crosses processes is W3C's `traceparent`, a plain text.
"""

# ruff: noqa: PLC0415  -- only who is traced pays for the imports
from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Literal

from infra.errors import SettingsError
from infra.log import masked

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

HEADER = "traceparent"
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"
_END_SECONDS = 3.0
_FORM = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_NOTHING = nullcontext()

SpanKind = Literal["internal", "consumer", "producer", "client", "server"]


class _Tracing:
    tracer: Tracer | None = None
    provider: TracerProvider | None = None


def wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Say whether the usual variables name an exporter, and none of them switches it off."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if environment.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp":
        return False
    return any(environment.get(name) for name in _ENDPOINTS)


def set_up_tracing(instance: str) -> None:
    """Have this process's spans exported, if that is wanted: over HTTP, in batches, by a thread.

    Args:
        instance: Tells this process from others of the service.

    Raises:
        SettingsError: the exporter is not installed, or another protocol than HTTP is asked for.
    """
    if not wanted() or _Tracing.tracer is not None:
        return
    protocol = next(filter(None, map(os.environ.get, _PROTOCOLS)), _PROTOCOL)
    if protocol != _PROTOCOL:
        raise SettingsError(
            f"traces are exported by {_PROTOCOL} alone, not by {protocol!r}: see {_PROTOCOLS[1]}"
        )
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise SettingsError(
            f"{_ENDPOINTS[0]} is set, but the exporter is not installed: pip install 'pageline[telemetry]'"
        ) from error
    provider = TracerProvider(resource=Resource.create(_described(instance)), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _Tracing.provider = provider
    _Tracing.tracer = provider.get_tracer("pageline")


def end_tracing() -> None:
    """Export what is left, for some seconds at most; spans are not recorded from then on."""
    provider, _Tracing.provider, _Tracing.tracer = _Tracing.provider, None, None
    if provider is not None:
        ending = threading.Thread(target=provider.shutdown, name="end of traces", daemon=True)
        ending.start()
        ending.join(_END_SECONDS)  # a receiver that does not answer must not hold up a worker's end


@contextmanager
def traced(instance: str) -> Iterator[None]:
    """Have spans exported while the context is open; raises what `set_up_tracing` raises."""
    set_up_tracing(instance)
    try:
        yield
    finally:
        end_tracing()


def span(
    name: str,
    *,
    parent: str | None = None,
    kind: SpanKind = "internal",
    document: str | None = None,
    **attributes: str | int | None,
) -> AbstractContextManager[None]:
    """Record what happens within as a span; an exception that leaves it marks it as failed.

    Args:
        name: What is done.
        parent: The `traceparent` of what it belongs to; None for the span around it, if there is one.
        kind: As OpenTelemetry has it.
        document: Id of the document.
        attributes: What else is known, under names of their own; what is None is left out.
    """
    tracer = _Tracing.tracer
    if tracer is None:
        return _NOTHING
    known = {f"pageline.{key}": value for key, value in attributes.items() if value is not None}
    if document is not None:
        known["pageline.document"] = document
    return _recorded(tracer, name, parent, kind, known)


def traceparent() -> str | None:
    """Return what names the span that goes on in this thread; None where there is none."""
    if _Tracing.tracer is None:
        return None
    from opentelemetry import trace

    here = trace.get_current_span().get_span_context()
    if not here.is_valid:
        return None
    return f"00-{here.trace_id:032x}-{here.span_id:016x}-{here.trace_flags:02x}"


def trace_id(parent: str | None) -> str | None:
    """Return the id of the trace in a `traceparent`, 32 hexadecimal digits; None where there is none."""
    return parent.split("-")[1] if parent else None


def is_traceparent(text: str) -> bool:
    """Say whether a text is a `traceparent` of the version that there is."""
    return _FORM.fullmatch(text) is not None


@contextmanager
def _recorded(
    tracer: Tracer, name: str, parent: str | None, kind: SpanKind, attributes: Mapping[str, str | int]
) -> Iterator[None]:
    from opentelemetry.trace import SpanKind as Kinds
    from opentelemetry.trace import StatusCode

    with tracer.start_as_current_span(
        name,
        context=_context(parent),
        kind=Kinds[kind.upper()],
        attributes=attributes,
        record_exception=False,  # its message may hold a secret
        set_status_on_exception=False,
    ) as recorded:
        try:
            yield
        except BaseException as error:
            recorded.set_status(StatusCode.ERROR, masked(f"{type(error).__name__}: {error}"))
            raise


def _context(parent: str | None) -> Context | None:
    """Return the context that a `traceparent` names; None for the one that is."""
    if parent is None:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({HEADER: parent})


def _described(instance: str) -> dict[str, str]:
    """Attributes of this process; the service's name may be set by the usual variables."""
    from importlib.metadata import version

    named = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in os.environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    service = {} if named else {"service.name": "pageline"}
    return {**service, "service.version": version("pageline"), "service.instance.id": instance}

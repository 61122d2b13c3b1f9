"""Traces cost nothing where they are off, and are refused with a sentence where they cannot be."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from infra.errors import SettingsError
from infra.telemetry.tracing import (
    is_traceparent,
    set_up_tracing,
    span,
    trace_id,
    traced,
    traceparent,
    wanted,
)

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
_OFF = """
import sys
import tasks.produce  # no redis: its client imports OpenTelemetry where it finds it
from infra.telemetry.tracing import set_up_tracing, span, traceparent
set_up_tracing("me")
with span("step", document="d"):
    assert traceparent() is None
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""


@pytest.mark.parametrize(
    ("environment", "on"),
    [
        ({}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://h/v1/traces"}, True),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "TRUE"}, False),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"}, False),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "otlp"}, True),
    ],
)
def test_the_usual_variables_say_whether_there_are_traces(environment: dict[str, str], on: bool) -> None:
    assert wanted(environment) is on


def test_nothing_is_imported_where_they_are_off() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    found = subprocess.run(
        [sys.executable, "-P", "-c", _OFF], capture_output=True, text=True, check=True, env=environment
    )
    assert found.stdout.strip() == "[]"


def test_a_protocol_that_is_not_spoken_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(SettingsError, match="grpc"):
        set_up_tracing("me")


def test_an_exporter_that_is_not_installed_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    with pytest.raises(SettingsError, match=r"pageline\[telemetry\]"):
        set_up_tracing("me")


def test_a_receiver_that_never_answers_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "3600")  # beyond the time that a test may take
        with traced("me"), span("step"):
            assert traceparent() is not None
        assert traceparent() is None


def test_what_is_untraced_has_no_traceparent() -> None:
    with span("step", parent="00-" + "1" * 32 + "-" + "2" * 16 + "-01"):
        assert traceparent() is None
    assert trace_id(None) is None


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", True),
        ("00-" + "0" * 32 + "-b7ad6b7169203331-01", False),
        ("00-0af7651916cd43dd8448eb211c80319c-" + "0" * 16 + "-01", False),
        ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", False),
        ("anything else", False),
    ],
)
def test_a_traceparent_is_known_by_its_form(text: str, good: bool) -> None:
    assert is_traceparent(text) is good

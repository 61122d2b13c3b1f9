"""Traces through real workers to a real OTLP/HTTP receiver."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from crew import Site, site, wait_for, write_pdf
from otlp import Collector, collector
from receiver import Receiver, receiver

from tasks.records import DocumentRef
from worker.stack.valkey import ValkeyHandle

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
STEPS = {"announce", "ingest", "split", "pages", "finalize", "tell"}
ACTIVITIES = {"fetching", "splitting", "opening", "rendering", "reading", "writing", "finalizing"}
# As a web service would: a process that is traced itself announces within its caller's trace.
ANNOUNCE = """
import sys
from infra.telemetry.tracing import end_tracing, set_up_tracing
from tasks.produce import Producer
from tasks.ref import DocumentRef
broker, prefix, source, key, trace = sys.argv[1:]
set_up_tracing("announcer")
with Producer(broker, key_prefix=prefix) as producer:
    producer.announce(DocumentRef(source=source, key=key, traceparent=trace or None))
end_tracing()
"""


@pytest.fixture(scope="module")
def traced() -> Iterator[Collector]:
    with collector() as made:
        yield made


@pytest.fixture(scope="module")
def hook() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, valkey: ValkeyHandle, traced: Collector, hook: Receiver
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("traced")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", traced.endpoint)
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        with site(folder, valkey.broker_url, "traced:", notify={"targets": [hook.url]}) as made:
            made.start("control")
            made.start("cpu")
            made.ready(control=1, cpu=1)
            yield made


def announce(running: Site, key: str, parent: str = "") -> None:
    settings = running.settings
    source = f"file://{running.inbox}"
    subprocess.run(
        [sys.executable, "-P", "-c", ANNOUNCE, settings.broker_url, settings.key_prefix, source, key, parent],
        check=True,
        env=dict(os.environ),
    )


def test_one_trace_tells_of_a_document_from_the_announcement_to_the_callback(
    running: Site, traced: Collector, hook: Receiver
) -> None:
    write_pdf(running.inbox / "a.pdf", 5)
    announce(running, "a.pdf", f"00-{TRACE}-{CALLER}-01")
    wait_for(lambda: traced.names(TRACE) >= STEPS | ACTIVITIES, f"spans of every step: {traced.names(TRACE)}")
    spans = [span for span in traced.spans if span.trace == TRACE]
    ids = {span.id: span for span in spans}
    (root,) = [span for span in spans if span.name == "announce"]
    assert root.parent == CALLER
    assert all(span.parent in ids for span in spans if span is not root)
    (ingest,) = [span for span in spans if span.name == "ingest"]
    assert ingest.parent == root.id
    for name in ("split", "pages", "finalize", "tell"):
        assert {span.parent for span in spans if span.name == name} == {ingest.id}
    (document,) = [one for one in running.documents() if one.source.endswith("a.pdf")]
    ranges = [span for span in spans if span.name == "pages"]
    assert len(ranges) == 2
    assert sorted(span.attributes["pageline.first"] for span in ranges) == [1, 4]
    read = [span for span in spans if span.name == "reading"]
    assert sorted(span.attributes["pageline.page"] for span in read) == [1, 2, 3, 4, 5]
    assert {span.attributes["pageline.document"] for span in [*ranges, *read]} == {document.id}
    assert {span.parent for span in read} == {span.id for span in ranges}
    assert not any(span.failed for span in spans)
    assert {span.resource["service.name"] for span in spans} == {"pageline"}
    assert len({span.resource["service.instance.id"] for span in spans}) == 3  # announcer, control, cpu


def test_the_callback_carries_the_trace_on_and_storage_keeps_it(running: Site, hook: Receiver) -> None:
    write_pdf(running.inbox / "b.pdf", 1)
    announce(running, "b.pdf", f"00-{TRACE}-{CALLER}-01")

    def told() -> list[str]:
        return [
            request.headers["traceparent"]
            for request in hook.taken
            if request.event["subject"].endswith("b.pdf") and TRACE in request.event["traceparent"]
        ]

    (header,) = wait_for(told, "the callback")
    assert header.split("-")[1] == TRACE
    (document,) = [one for one in running.documents() if one.source.endswith("b.pdf")]
    request = json.loads((running.results(document) / "request.json").read_bytes())
    assert request["traceparent"].split("-")[1] == TRACE


def test_a_document_that_nobody_traced_begins_a_trace_of_its_own(running: Site, traced: Collector) -> None:
    write_pdf(running.inbox / "c.pdf", 1)
    with running.producer() as producer:  # of this process, which is not traced
        producer.announce(DocumentRef(source=f"file://{running.inbox}", key="c.pdf"))

    def root() -> str | None:
        mine = [span for span in traced.spans if span.name == "ingest" and not span.parent]
        return mine[0].trace if mine else None

    trace = wait_for(root, "a trace of its own")
    wait_for(lambda: traced.names(trace) >= STEPS - {"announce"}, "its further steps")


def test_lines_of_log_name_the_trace_the_task_and_the_tenant(running: Site) -> None:
    write_pdf(running.inbox / "d.pdf", 1)
    announce(running, "d.pdf", f"00-{TRACE}-{CALLER}-01")

    def line() -> dict[str, str] | None:
        lines = [json.loads(each) for each in running.logs().splitlines() if each.startswith("{")]
        found = [
            one for one in lines if "pages 1 to 1 are over" in one["message"] and one.get("trace") == TRACE
        ]
        return found[-1] if found else None

    found = wait_for(line, "a line about the range")
    assert found["tenant"] == "default"
    assert len(found["task"]) == 36
    assert len(found["document"]) == 32


def test_every_line_of_the_log_is_json_to_the_end(running: Site) -> None:
    running.stop()
    lines = running.logs().splitlines()
    assert any("Warm shutdown" in json.loads(line)["message"] for line in lines)
    assert {"time", "level", "logger", "process", "message"} <= set(json.loads(lines[-1]))

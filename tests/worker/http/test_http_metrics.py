"""`GET /metrics` of the whole service."""

from __future__ import annotations

from pathlib import Path

from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from infra.settings import load_settings
from worker.http.app import build
from worker.http.desk import open_desk
from worker.stack.valkey import ValkeyHandle


def test_prometheus_is_answered_in_its_own_format(tmp_path: Path, valkey: ValkeyHandle) -> None:
    values = {
        "broker_url": valkey.broker_url,
        "key_prefix": "scraped:",
        "results": str(tmp_path / "out"),
        "work_dir": tmp_path / "work",
    }
    with (
        open_desk(load_settings(values)) as desk,
        TestClient(build(desk), base_url="http://localhost") as client,
    ):
        answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = {family.name: family for family in text_string_to_metric_families(answer.text)}
    (up,) = found["pageline_broker_up"].samples
    assert up.value == 1
    queues = {sample.labels["queue"] for sample in found["pageline_queue_messages"].samples}
    assert queues == {"control", "ocr.cpu", "ocr.cpu.high", "ocr.cpu.bulk"}

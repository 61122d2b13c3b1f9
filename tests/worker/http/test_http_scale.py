"""What an autoscaler is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from infra.settings import load_settings
from infra.status.work import PageRange
from worker.http.desk import open_desk
from worker.http.scale import router
from worker.stack.valkey import ValkeyHandle


def test_the_value_is_what_there_is_to_do_in_workers(tmp_path: Path, valkey: ValkeyHandle) -> None:
    settings = load_settings(
        {
            "broker_url": valkey.broker_url,
            "key_prefix": "scaled:",
            "results": str(tmp_path / "out"),
            "work_dir": tmp_path / "work",
        }
    )
    with open_desk(settings) as desk:
        app = FastAPI()
        app.include_router(router(desk))
        with TestClient(app) as client:
            assert client.get("/scale/cpu").json()["value"] == 0
            desk.store.placements.put(PageRange("d", 1, 1, 9), "cpu", 0.001, wished=False)
            assert client.get("/scale/cpu").json()["value"] > 0  # however little waits
            desk.store.placements.put(PageRange("d", 1, 1, 9), "cpu", 600, wished=False)
            desk.store.placements.remember_speeds({"cpu": 0.5})
            told = client.get("/scale/cpu", params={"drain_seconds": 100}).json()
            assert told["value"] == pytest.approx(12)
            assert (told["workers"], told["busy"], told["waiting_megapixels"]) == (0, 0, 600)
            assert told["drain_seconds"] is None
            assert client.get("/scale/gpu").json()["value"] == 0
            assert client.get("/scale/toaster").status_code == 422
            assert client.get("/scale/cpu", params={"drain_seconds": 0}).status_code == 422

"""The service as it is deployed, asked what KEDA, Prometheus and strangers ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from http_service import Service, served
from manifests import containers, documents

from infra.errors import SettingsError
from infra.settings import load_settings
from worker.http.app import build
from worker.http.desk import open_desk
from worker.http.keys import add_key
from worker.stack.valkey import ValkeyHandle

SCALED = [one for one in documents("components/scaling") if one["kind"] == "ScaledObject"]
MONITORS = [one for one in documents("components/monitoring") if one["kind"] == "ServiceMonitor"]
TRIGGERS = [trigger["metadata"] for one in SCALED for trigger in one["spec"]["triggers"]]


def environment() -> Mapping[str, str]:
    """What the manifest tells the service."""
    (serve,) = (one for one in containers() if one.name == "kubernetes pageline-serve")
    return serve.environment


@pytest.fixture
def service(tmp_path: Path, valkey: ValkeyHandle, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The service of the manifest, with keys; only places are this machine's."""
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    keys = tmp_path / "keys.json"
    add_key(keys, "somebody's", None)
    http = load_settings().http.model_copy(update={"port": 0, "host": "127.0.0.1", "keys_file": keys})
    here = {"broker_url": valkey.broker_url, "key_prefix": f"{tmp_path.name}:", "work_dir": tmp_path}
    with served(load_settings({**here, "http": http})) as made:
        yield made


def test_keda_and_prometheus_are_answered_without_a_key_and_strangers_are_not(service: Service) -> None:
    for trigger in TRIGGERS:
        url = urlsplit(trigger["url"])
        answer = service.http.get(f"{url.path}?{url.query}")
        assert answer.status_code == 200, (url, answer.text)
        assert answer.json()[trigger["valueLocation"]] == 0
    for one in MONITORS:
        for end in one["spec"]["endpoints"]:
            assert service.http.get(end["path"]).status_code == 200
    for path in ("/v1/documents", "/v1/fleet", "/scales", "/metrics/../v1/fleet"):
        assert service.http.get(path).status_code in (401, 404), path
    assert service.http.get("/v1/documents").status_code == 401
    assert service.http.post("/ocr", json={"file": "AAAA"}).json()["errorCode"] == 401


@pytest.mark.parametrize(
    ("open_paths", "is_open"),
    [("", False), ("/scale/gpu", False), ("/scale/cpu", True), ("/scale", True), ("/scale/", True)],
)
def test_an_open_path_covers_what_lies_under_it_and_nothing_else(
    tmp_path: Path, valkey: ValkeyHandle, open_paths: str, is_open: bool
) -> None:
    http: dict[str, Any] = {"port": 0, "keys_file": tmp_path / "keys.json", "open_paths": open_paths}
    here = {
        "broker_url": valkey.broker_url,
        "key_prefix": f"{tmp_path.name}:",
        "results": str(tmp_path / "out"),
    }
    with served(load_settings({**here, "http": http})) as made:
        assert made.http.get("/scale/cpu").status_code == (200 if is_open else 401)
        assert made.http.get("/metrics").status_code == 401


@pytest.mark.parametrize("path", ["/v1", "/", "/scal", "/metricz"])
def test_what_cannot_be_left_open_is_refused(tmp_path: Path, path: str) -> None:
    settings = load_settings({"results": str(tmp_path), "http": {"open_paths": f"/metrics,{path}"}})
    with open_desk(settings) as desk, pytest.raises(SettingsError, match=f"{path} cannot be left open"):
        build(desk)

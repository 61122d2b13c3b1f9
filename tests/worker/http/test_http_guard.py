"""Who may use the service, and what it bears."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from crew import Site, site, wait_for, write_pdf
from http_service import Service, served

from infra.errors import SettingsError
from infra.settings import load_settings
from worker.http.keys import add_key, read_keys, remove_key
from worker.http.serving import check_exposure
from worker.stack.valkey import ValkeyHandle


@pytest.fixture
def place(tmp_path: Path, valkey: ValkeyHandle) -> Any:
    """A queue without workers, for two tenants, with keys."""
    http = {"uploads": str(tmp_path / "up"), "port": 0, "keys_file": str(tmp_path / "keys.json")}
    values = {"tenants": ["a", "b"], "http": {**http, "max_bytes": 100_000, "idle_seconds": 2}}
    with site(tmp_path, valkey.broker_url, f"{tmp_path.name}:", **values) as made:
        yield made


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def upload(service: Service, path: Path, key: str, **fields: str) -> httpx.Response:
    files = {"file": (path.name, path.read_bytes())}
    return service.http.post("/v1/documents", files=files, data=fields, headers=bearer(key))


def test_a_key_opens_its_own_tenant_s_documents(
    place: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys = tmp_path / "keys.json"
    of_a, of_all = add_key(keys, "for a", "a"), add_key(keys, "for all", None)
    path = write_pdf(tmp_path / "x.pdf", 1)
    with caplog.at_level(logging.DEBUG), served(place.settings, place) as service:
        for wrong in ({}, bearer("pl_00000000nothing"), bearer(of_a[:-1] + "x"), {"X-API-Key": "é"}):
            answer = service.http.get("/v1/documents", headers={k: v.encode() for k, v in wrong.items()})
            assert (answer.status_code, answer.headers["www-authenticate"][:6]) == (401, "Bearer")
        mine, other = upload(service, path, of_a), upload(service, path, of_all, tenant="b")
        assert (mine.json()["tenant"], other.json()["tenant"]) == ("a", "b")
        assert upload(service, path, of_a, tenant="b").status_code == 403
        assert upload(service, path, of_all).status_code == 403  # which tenant's?
        url = f"/v1/documents/{other.json()['id']}"
        assert service.http.get(url, headers={"X-API-Key": of_a}).status_code == 404
        assert service.http.delete(url, headers=bearer(of_a)).status_code == 404
        assert service.http.get(url, headers={"Authorization": f"token {of_all}"}).status_code == 200
        (seen,) = service.http.get("/v1/documents", headers=bearer(of_a)).json()["documents"]
        assert seen["id"] == mine.json()["id"]
        where = {"location": f"file://{place.inbox}/x.pdf"}
        assert service.http.post("/v1/documents", json=where, headers=bearer(of_a)).status_code == 403
        assert service.http.get("/healthz").status_code == 200
        assert service.http.post("/ocr", json={"file": "AAAA"}).json()["errorCode"] == 401
    assert of_a not in keys.read_text() + caplog.text
    assert of_all not in keys.read_text() + caplog.text
    assert keys.stat().st_mode & 0o077 == 0


def test_a_key_that_is_removed_opens_nothing(tmp_path: Path) -> None:
    keys = tmp_path / "deep" / "keys.json"
    add_key(keys, "one", None)
    (known,) = read_keys(keys)
    assert remove_key(keys, known.id)
    assert not remove_key(keys, known.id)
    assert read_keys(keys) == ()


def test_bodies_have_bounds(place: Site, tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys.json", "a", "a")
    with served(place.settings, place) as service:
        said = service.http.post("/ocr", content=b"x" * 200_000, headers=bearer(key))
        headers = {**bearer(key), "Content-Type": "application/json"}
        counted = service.http.post("/ocr", content=iter([b"x" * 60_000] * 3), headers=headers)
        wish = service.http.post("/v1/uploads", content=b" " * 20_000, headers=headers)
        counted_wish = service.http.post("/v1/uploads", content=iter([b" " * 9_000] * 2), headers=headers)
        assert [one.status_code for one in (said, counted, wish, counted_wish)] == [413] * 4
        assert "16384 bytes" in wish.json()["detail"]
        assert service.http.post("/v1/uploads", content=b"{}", headers=bearer(key)).status_code == 415
        head = f"POST /v1/documents HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\n"
        address = httpx.URL(service.url)
        with socket.create_connection((address.host, address.port or 0)) as slow:
            slow.settimeout(30)
            slow.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{{".encode())
            assert slow.recv(1000).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("path", ["/ocr", "/v1/uploads", "/v1/documents"])
def test_a_wrong_key_is_told_while_the_body_still_comes(place: Site, tmp_path: Path, path: str) -> None:
    add_key(tmp_path / "keys.json", "all", None)
    with served(place.settings, place) as service, _begun(service, path, "pl_00000000nothing") as link:
        assert link.recv(1000).startswith(b"HTTP/1.1 401 ")


def test_one_too_many_is_told_while_its_body_still_comes(place: Site, tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys.json", "a", "a")
    http = place.settings.http.model_copy(update={"ocr_per_tenant": 1, "idle_seconds": 30, "ocr_seconds": 3})
    settings = place.settings.model_copy(update={"http": http})
    with served(settings, place) as service, _begun(service, "/ocr", key) as first:
        wait_for(lambda: _told(service, key).startswith(b"HTTP/1.1 429 "), "the second to be turned away")
        assert first.recv(1000).startswith(b"HTTP/1.1 408 ")  # and the first does not stay for ever


def _told(service: Service, key: str) -> bytes:
    """What is answered to a request whose body has only begun."""
    with _begun(service, "/ocr", key) as link:
        return link.recv(1000)


@contextmanager
def _begun(service: Service, path: str, key: str) -> Iterator[socket.socket]:
    """A request whose body never ends."""
    address = httpx.URL(service.url)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\nTransfer-Encoding: chunked\r\n"
    with socket.create_connection((address.host, address.port or 0)) as link:
        link.settimeout(20)
        link.sendall(f'{head}Content-Type: application/json\r\n\r\na\r\n{{"file": "\r\n'.encode())
        yield link


def test_a_document_that_is_too_large_is_not_fetched_for_a_picture(
    tmp_path: Path, valkey: ValkeyHandle
) -> None:
    values = {"http": {"uploads": str(tmp_path / "up"), "port": 0}, "limits": {"max_bytes": 100}}
    place_of = site(tmp_path, valkey.broker_url, f"{tmp_path.name}:", **values)
    with place_of as place, served(place.settings, place) as service:
        document = service.submit(write_pdf(tmp_path / "x.pdf", 1))["id"]
        answer = service.http.get(f"/v1/documents/{document}/pages/1/image")
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:pageline:no-picture")
        assert "max_bytes allows (100)" in answer.json()["detail"]
        assert not [path for path in place.settings.work_dir.rglob("*.pdf") if path.is_file()]


def test_pages_of_other_origins_change_nothing(service: Service) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = service.http.post("/v1/documents", json={"url": "http://x/"}, headers=headers)
        assert answer.status_code == 403
    answer = service.http.get("/v1/documents", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    rebound = service.http.get("/v1/documents", headers={"Host": "evil.example:8080"})
    assert rebound.status_code == 421
    own = service.http.post("/v1/documents", json={}, headers={"Origin": service.url.rstrip("/")})
    assert own.status_code == 422


def test_an_origin_may_be_let_in(tmp_path: Path, valkey: ValkeyHandle) -> None:
    http = {"port": 0, "origins": ["https://ours.example"]}
    place_of = site(tmp_path, valkey.broker_url, f"{tmp_path.name}:", http=http)
    with place_of as place, served(place.settings, place) as service:
        asked = {"Origin": "https://ours.example", "Access-Control-Request-Method": "POST"}
        answer = service.http.options("/v1/documents", headers=asked)
        assert answer.headers["access-control-allow-origin"] == "https://ours.example"
        missing = service.http.post("/v1/documents", json={"url": "http://x/"}, headers=asked)
        assert missing.json()["detail"].startswith("This service takes no uploads")


def test_addresses_of_private_networks_are_refused(tmp_path: Path, valkey: ValkeyHandle) -> None:
    http = {"port": 0, "uploads": str(tmp_path / "up")}
    place_of = site(tmp_path, valkey.broker_url, f"{tmp_path.name}:", http=http)
    with place_of as place, served(place.settings, place) as service:
        for host in ("127.0.0.1:1", "169.254.169.254", "[::1]", "10.0.0.1"):
            answer = service.http.post("/v1/documents", json={"url": f"http://{host}/latest"})
            assert (answer.status_code, answer.json()["type"]) == (403, "urn:pageline:address-refused")


def test_a_queue_that_is_away_is_told_of(tmp_path: Path) -> None:
    values = {"results": str(tmp_path / "out"), "http": {"port": 0}, "broker_url": "redis://127.0.0.1:1/0"}
    with served(load_settings(values)) as service:
        answer = service.http.get("/readyz")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["detail"] == "The queue is unavailable at the moment."
        assert service.http.get("/healthz").status_code == 200


def test_others_are_served_with_keys_or_on_purpose(tmp_path: Path) -> None:
    def checked(**http: Any) -> None:
        check_exposure(load_settings({"results": str(tmp_path), "http": http}))

    with pytest.raises(SettingsError, match="API keys"):
        checked(host="0.0.0.0")
    checked(host="0.0.0.0", anonymous=True)
    checked(host="0.0.0.0", keys_file=str(tmp_path / "keys"))
    checked(host="127.0.0.1")


def test_uploads_lie_apart(tmp_path: Path) -> None:
    for uploads in ("out", "out/up", "in/up"):
        values = {"results": str(tmp_path / "out"), "sources": [str(tmp_path / "in")]}
        with pytest.raises(SettingsError, match="overlaps"):
            load_settings({**values, "http": {"uploads": str(tmp_path / uploads)}})

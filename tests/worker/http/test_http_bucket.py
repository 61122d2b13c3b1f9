"""The service of a fleet whose uploads and results are in a bucket: bytes go there and come from there."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from crew import Site, site, write_pdf
from http_service import Service, served
from places import client_of

from infra.status.states import DocumentState
from infra.storage import Location
from tasks.context import storage_at
from tasks.places import Folder
from tasks.records import Manifest, StoredFile
from worker.stack.seaweed import SeaweedHandle
from worker.stack.valkey import ValkeyHandle


@pytest.fixture
def bucket(tmp_path: Path, valkey: ValkeyHandle, s3_server: SeaweedHandle) -> Iterator[Site]:
    """A queue without workers, on a bucket of its own."""
    name = f"http-{uuid.uuid4().hex[:8]}"
    client_of(s3_server.options).create_bucket(Bucket=name)
    options = s3_server.options
    values = {
        "results": f"s3://{name}/results",
        "sources": [f"s3://{name}/in"],
        "s3": {
            "endpoint": options.endpoint,
            "access_key": options.access_key,
            "secret_key": options.secret_key,
        },
        "http": {"uploads": f"s3://{name}/uploads", "port": 0},
    }
    with site(tmp_path, valkey.broker_url, f"{tmp_path.name}:", **values) as made:
        yield made


def end_it(place: Site, document: str) -> None:
    """Have a document end with a text, as a control worker would."""
    results = Location.parse(place.settings.results)
    storage = storage_at(place.settings.results, place.settings.s3)
    folder = Folder(place.store.listing.documents([document])[0].folder)
    request = json.loads(storage.read(folder.request))
    text = StoredFile(name="document.txt", key=folder.text, size=5, sha256="0" * 64)
    fields = {"generation": 1, "state": "succeeded", "reason": None, "pages": [], "outputs": [text]}
    timings = {"created": 1.0, "finished": 2.0}
    manifest = Manifest.model_validate({**request, **fields, "timings": timings, "retention": None})
    assert folder.key.startswith(results.key)
    storage.create(folder.text, b"words", content_type="text/plain")
    storage.create(folder.manifest, manifest.model_dump_json().encode(), content_type="application/json")
    place.store.status.cancel(document)
    place.store.status.finish(document, 1, DocumentState.CANCELLED, None, adopted=1)


def test_an_upload_goes_straight_to_the_bucket(bucket: Site, tmp_path: Path) -> None:
    data = write_pdf(tmp_path / "a.pdf", 1).read_bytes()
    with served(bucket.settings, bucket) as service:
        wish = service.http.post("/v1/uploads", json={"name": "big one.pdf", "size": len(data)}).json()
        assert wish["url"].startswith(str(bucket.settings.s3.endpoint))
        assert (
            httpx.put(wish["url"], content=data + b"more").status_code == 403
        )  # another size than was signed
        early = service.http.post("/v1/documents", json=wish["then"]["body"])
        assert early.status_code == 404
        assert httpx.put(wish["url"], content=data, headers=wish["headers"]).status_code == 200
        answer = service.http.post("/v1/documents", json=wish["then"]["body"])
        assert (answer.status_code, answer.json()["name"]) == (202, "big one.pdf")


def test_an_upload_is_encrypted_as_the_settings_ask(bucket: Site) -> None:
    sealed = replace(bucket.settings.s3, encryption="AES256")
    with served(bucket.settings.model_copy(update={"s3": sealed}), bucket) as service:
        wish = service.http.post("/v1/uploads", json={"name": "a.pdf", "size": 4}).json()
        assert wish["headers"] == {"Content-Length": "4", "x-amz-server-side-encryption": "AES256"}
        assert httpx.put(wish["url"], content=b"%PDF").status_code == 403  # without what was signed
        assert httpx.put(wish["url"], content=b"%PDF", headers=wish["headers"]).status_code == 200
        place = Location.parse(bucket.settings.http.uploads or "").join(wish["id"])
    stored = client_of(sealed).head_object(Bucket=place.bucket, Key=place.key)
    assert stored["ServerSideEncryption"] == "AES256"


def test_an_output_comes_from_the_bucket(bucket: Site, tmp_path: Path) -> None:
    with served(bucket.settings, bucket) as service:
        document = service.submit(write_pdf(tmp_path / "a.pdf", 1))["id"]
        end_it(bucket, document)
        url = f"/v1/documents/{document}/outputs/document.txt"
        answer = service.http.get(url)
        assert answer.status_code == 307
        assert answer.headers["cache-control"] == "no-store"
        linked = httpx.get(answer.headers["location"], headers={"Range": "bytes=1-2"})
        assert (linked.status_code, linked.text) == (206, "or")
        assert 'filename="a.txt"' in linked.headers["content-disposition"]
    http = bucket.settings.http.model_copy(update={"redirect": False})
    with served(bucket.settings.model_copy(update={"http": http}), bucket) as service:
        passed = service.http.get(url, headers={"Range": "bytes=1-2"})
        assert (passed.status_code, passed.text) == (206, "or")
        _deleted(service, document)


def _deleted(service: Service, document: str) -> None:
    assert service.http.delete(f"/v1/documents/{document}").status_code == 204
    results = service.site.settings.results
    storage = storage_at(results, service.site.settings.s3)
    assert list(storage.list(f"{Location.parse(results).key}/")) == []

"""Documents over HTTP, from the upload to their end."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from crew import wait_for, write_pdf
from http_service import Service
from PIL import Image


def events_of(service: Service, document: str, last: str | None = None) -> list[tuple[str, Any, str | None]]:
    """All events of a document, to their end: name, data, id."""
    headers = {} if last is None else {"Last-Event-ID": last}
    found: list[tuple[str, Any, str | None]] = []
    fields: dict[str, str] = {}
    with service.http.stream("GET", f"/v1/documents/{document}/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "event" in fields:
                found.append((fields["event"], json.loads(fields["data"]), fields.get("id")))
                fields = {}
    return found


def test_a_document_is_taken_read_and_handed_out(service: Service, letter: Path) -> None:
    summary = service.submit(letter, dpi="72", options='{"visualize": false}')
    assert summary["name"] == letter.name
    found = service.ended(summary["id"])
    assert found["state"] == "succeeded"
    assert found["pages"] == {
        "total": 2, "done": 2, "failed": 0, "running": 0, "pending": 0, "cancelled": 0, "skipped": 0,
    }  # fmt: skip
    assert found["options"]["dpi"] == 72
    assert found["pipeline"]["engine"] == "fake"
    assert found["timings"]["finished"] > found["timings"]["created"]
    outputs = {output["name"]: output for output in found["outputs"]}
    text = service.http.get(outputs["document.txt"]["url"])
    assert len(text.content) == outputs["document.txt"]["size"]
    assert text.headers["content-disposition"].endswith("filename*=UTF-8''Brief%20f%C3%BCr%20dich.txt")
    manifest = service.http.get(outputs["document.json"]["url"]).json()
    assert manifest["id"] == found["id"]
    page = service.http.get(found["page_list"][1]["url"]).json()
    assert "\n".join(page["rec_texts"]) in text.text
    listed = service.http.get("/v1/documents").json()["documents"]
    assert [one["state"] for one in listed if one["id"] == found["id"]] == ["succeeded"]


def test_the_same_upload_is_the_same_document(service: Service, letter: Path) -> None:
    first = service.submit(letter, pages="1")
    assert service.submit(letter, pages="1")["id"] == first["id"]
    assert service.submit(letter, pages="2")["id"] != first["id"]
    found = service.ended(first["id"])
    assert [page["state"] for page in found["page_list"]] == ["done", "skipped"]


def test_several_files_at_once_are_several_documents(service: Service, tmp_path: Path) -> None:
    files = [("file", (f"{n}.pdf", write_pdf(tmp_path / f"{n}.pdf", n).read_bytes())) for n in (1, 2)]
    answer = service.http.post("/v1/documents", files=files)
    assert answer.status_code == 202
    assert [one["name"] for one in answer.json()["documents"]] == ["1.pdf", "2.pdf"]
    for one in answer.json()["documents"]:
        assert service.ended(one["id"])["state"] == "succeeded"


def test_a_large_upload_arrives_whole(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "large.bmp"
    Image.effect_noise((1300, 1000), 50).convert("RGB").save(path)
    assert path.stat().st_size > 3 << 20
    found = service.read(path)
    assert found["state"] == "succeeded"
    (stored,) = Path(service.settings.work_dir.parent / "uploads").glob("*/*-large.bmp")
    assert stored.read_bytes() == path.read_bytes()


def test_events_tell_every_page_and_what_was_missed(service: Service, tmp_path: Path) -> None:
    document = service.submit(write_pdf(tmp_path / "seven.pdf", 7))["id"]
    found = events_of(service, document)
    assert found[-1][0] == "end"
    assert found[-1][1]["state"] == "succeeded"
    done = [data["number"] for name, data, _ in found if name == "page" and data["state"] == "done"]
    assert sorted(done) == list(range(1, 8))
    ids = [identity for _, _, identity in found if identity is not None]
    missed = events_of(service, document, ids[0])
    assert {data["number"] for name, data, _ in missed if name == "page"} >= set(done) - {
        data["number"] for name, data, _ in found[: [e[2] for e in found].index(ids[0])] if name == "page"
    }
    nothing = service.http.get(f"/v1/documents/{document}/events", headers={"Last-Event-ID": ids[-1]})
    assert nothing.status_code == 204
    strange = events_of(service, document, "12-not packed by anybody")
    assert len([name for name, _, _ in strange if name == "page"]) == 7


def test_a_request_with_a_key_of_its_own_is_done_once(service: Service, letter: Path, tmp_path: Path) -> None:
    other = write_pdf(tmp_path / "other.pdf", 1)
    key = {"Idempotency-Key": "order 17"}

    def post(path: Path) -> Any:
        files = {"file": (path.name, path.read_bytes())}
        return service.http.post("/v1/documents", files=files, headers=key)

    first, again, conflict = post(letter), post(letter), post(other)
    assert first.status_code == again.status_code == 202
    assert first.json()["id"] == again.json()["id"]
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (
        None,
        "true",
    )
    assert conflict.status_code == 422
    assert conflict.json()["type"] == "urn:pageline:idempotency-conflict"


def test_outputs_come_in_parts(service: Service, letter: Path) -> None:
    found = service.read(letter)
    url = f"/v1/documents/{found['id']}/outputs/document.txt"
    whole = service.http.get(url)
    size = len(whole.content)

    def part(wanted: str, **more: str) -> Any:
        return service.http.get(url, headers={"Range": wanted, **more})

    assert part("bytes=2-5").content == whole.content[2:6]
    assert part("bytes=2-5").headers["content-range"] == f"bytes 2-5/{size}"
    assert part("bytes=-4").content == whole.content[-4:]
    assert part("bytes=3-").content == whole.content[3:]
    assert part(f"bytes={size}-").status_code == 416
    assert part("bytes=0-1,3-4").status_code == 200
    assert part("bytes=2-5", **{"If-Range": '"another"'}).status_code == 200
    assert service.http.get(url, headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
    head = service.http.head(url)
    assert (head.status_code, head.headers["content-length"]) == (200, str(size))
    assert service.http.get(f"/v1/documents/{found['id']}/outputs/request.json").status_code == 404


def test_a_page_is_shown_as_it_was_read(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "wide.png"
    Image.linear_gradient("L").resize((900, 300)).save(path)
    found = service.read(path)
    page = service.http.get(found["page_list"][0]["url"]).json()["page"]
    answer = service.http.get(found["page_list"][0]["image_url"], params={"max_side": 450})
    assert answer.headers["content-type"] == "image/jpeg"
    (tmp_path / "shown.jpg").write_bytes(answer.content)
    shown = Image.open(tmp_path / "shown.jpg")
    turned = page["transform"]["angle"] % 180 == 90
    assert shown.size == ((150, 450) if turned else (450, 150))
    again = service.http.get(
        found["page_list"][0]["image_url"],
        params={"max_side": 450},
        headers={"If-None-Match": answer.headers["etag"]},
    )
    assert again.status_code == 304


def test_bad_input_is_rejected_and_can_be_deleted(service: Service, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"no document at all")
    found = service.read(tmp_path / "a.pdf")
    assert found["state"] == "rejected"
    assert found["reason"]
    assert service.http.get(f"/v1/documents/{found['id']}/pages/1/image").status_code == 404
    folder = service.site.results(service.site.store.listing.documents([found["id"]])[0])
    assert service.http.delete(f"/v1/documents/{found['id']}").status_code == 204
    assert list(folder.rglob("*.json")) == []
    assert service.http.get(f"/v1/documents/{found['id']}").status_code == 404
    again = service.read(tmp_path / "a.pdf")
    assert (again["id"], again["state"]) == (found["id"], "rejected")


def test_what_is_read_is_stopped_before_it_goes_and_may_go_on(service: Service, tmp_path: Path) -> None:
    document = service.submit(write_pdf(tmp_path / "long.pdf", 60))["id"]
    assert service.http.post(f"/v1/documents/{document}/cancel").status_code == 202
    assert service.ended(document)["state"] == "cancelled"
    assert service.http.post(f"/v1/documents/{document}/cancel").status_code == 409
    assert service.http.post(f"/v1/documents/{document}/retry").status_code == 202
    first = service.http.delete(f"/v1/documents/{document}")
    assert first.status_code == 202
    assert first.headers["retry-after"] == "1"
    wait_for(
        lambda: service.http.delete(f"/v1/documents/{document}").status_code == 204, "the document's removal"
    )
    assert service.http.get(f"/v1/documents/{document}").status_code == 404


def test_a_location_is_read_within_the_sources_alone(service: Service, tmp_path: Path) -> None:
    write_pdf(service.site.inbox / "there.pdf", 1)
    there = service.http.post("/v1/documents", json={"location": f"file://{service.site.inbox}/there.pdf"})
    assert there.status_code == 202
    assert service.ended(there.json()["id"])["state"] == "succeeded"
    for place in ("file:///etc/passwd", f"file://{service.site.inbox}/../out/x", "s3://other/a.pdf"):
        assert service.http.post("/v1/documents", json={"location": place}).status_code == 403
    gone = service.http.post("/v1/documents", json={"location": f"file://{service.site.inbox}/gone.pdf"})
    assert gone.status_code == 404


def test_an_address_is_fetched(service: Service, letter: Path) -> None:
    class Web(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = letter.read_bytes() if self.path.startswith("/a") else b""
            self.send_response(200 if data else 404)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Web) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{web.server_port}"
        found = service.http.post("/v1/documents", json={"url": f"{url}/a/b%20c.pdf?secret=1"})
        missing = service.http.post("/v1/documents", json={"url": f"{url}/none"})
        web.shutdown()
    assert (found.status_code, found.json()["name"]) == (202, "b c.pdf")
    assert missing.status_code == 424
    assert service.ended(found.json()["id"])["state"] == "succeeded"


def test_an_upload_without_a_form(service: Service, letter: Path) -> None:
    data = letter.read_bytes()
    wish = service.http.post("/v1/uploads", json={"name": "a b.pdf", "size": len(data)}).json()
    assert service.http.put(wish["url"], content=data).status_code == 204
    answer = service.http.request(wish["then"]["method"], wish["then"]["url"], json=wish["then"]["body"])
    assert (answer.status_code, answer.json()["name"]) == (202, "a b.pdf")
    assert service.ended(answer.json()["id"])["state"] == "succeeded"


def test_the_list_is_turned_page_by_page(service: Service, tmp_path: Path) -> None:
    ids = {service.submit(write_pdf(tmp_path / f"list-{n}.pdf", 1))["id"] for n in range(5)}
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = service.http.get("/v1/documents", params={"limit": 2, **cursor}).json()
        seen += [one["id"] for one in answer["documents"]]
        if answer["next"] is None:
            break
        cursor = {"cursor": answer["next"]}
    assert len(seen) == len(set(seen))
    assert ids <= set(seen)
    for document in ids:
        service.ended(document)
    failed = service.http.get("/v1/documents", params={"state": ["failed", "partial"]}).json()
    assert failed["documents"] == []


def test_the_fleet_is_shown(service: Service) -> None:
    fleet = service.http.get("/v1/fleet").json()
    assert {worker["kind"] for worker in fleet["workers"]} == {"control", "cpu"}
    assert [queue["kind"] for queue in fleet["queues"]] == ["cpu"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"dp": "3"}, "options.dp"),
        ({"dpi": "3"}, "options.dpi"),
        ({"retention": "move:/x"}, "options.retention"),
        ({"options": '{"visualize": "yes"}'}, "options.visualize"),
    ],
)
def test_wrong_options_are_named(service: Service, letter: Path, fields: dict[str, str], named: str) -> None:
    answer = service.http.post(
        "/v1/documents", files={"file": (letter.name, letter.read_bytes())}, data=fields
    )
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [named]

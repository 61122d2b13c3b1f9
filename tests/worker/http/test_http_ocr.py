"""`POST /ocr` for those who come from PaddleX."""

from __future__ import annotations

import base64
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from crew import Site, site, wait_for, write_pdf
from http_service import Service, served
from PIL import Image

from worker.http.problems import Refusal
from worker.stack.valkey import ValkeyHandle

# As PaddleX's documentation of its General OCR pipeline publishes it; nothing but the address is ours.
SNIPPET = """
import base64
import requests

API_URL = "http://localhost:8080/ocr"
file_path = "./demo.jpg"

with open(file_path, "rb") as file:
    file_bytes = file.read()
    file_data = base64.b64encode(file_bytes).decode("ascii")

payload = {"file": file_data, "fileType": 1}

response = requests.post(API_URL, json=payload)

assert response.status_code == 200
result = response.json()["result"]
for i, res in enumerate(result["ocrResults"]):
    print(res["prunedResult"])
    ocr_img_path = f"ocr_{i}.jpg"
    with open(ocr_img_path, "wb") as f:
        f.write(base64.b64decode(res["ocrImage"]))
    print(f"Output image saved at {ocr_img_path}")
"""


def encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def test_the_published_client_works_as_it_is(service: Service, tmp_path: Path) -> None:
    Image.linear_gradient("L").resize((320, 120)).convert("RGB").save(tmp_path / "demo.jpg")
    snippet = SNIPPET.replace("http://localhost:8080/", service.url)
    done = subprocess.run(
        [sys.executable, "-c", snippet], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "'rec_texts'" in done.stdout
    assert "input_path" not in done.stdout
    assert Image.open(tmp_path / "ocr_0.jpg").size == (640, 120)


def test_a_reply_has_the_older_and_the_newer_shape(service: Service, letter: Path) -> None:
    asked = {"file": encoded(letter), "fileType": 0, "textRecScoreThresh": 0.1, "useDocUnwarping": None}
    reply = service.http.post("/ocr", json=asked).json()
    assert (reply["errorCode"], reply["errorMsg"]) == (0, "Success")
    assert reply["logId"]
    info = reply["result"]["dataInfo"]
    assert (info["type"], info["numPages"], len(info["pages"])) == ("pdf", 2, 2)
    page = reply["result"]["ocrResults"][0]
    pruned = page["prunedResult"]
    assert pruned["text_rec_score_thresh"] == 0.1
    assert [line["text"] for line in page["texts"]] == pruned["rec_texts"]
    assert [line["poly"] for line in page["texts"]] == pruned["rec_polys"]
    assert page["image"] == page["ocrImage"]
    (letter.parent / "input.jpg").write_bytes(base64.b64decode(page["inputImage"]))
    assert Image.open(letter.parent / "input.jpg").size == (
        info["pages"][0]["width"],
        info["pages"][0]["height"],
    )


def test_nothing_stays_behind(service: Service, letter: Path) -> None:
    asked = {"file": encoded(letter), "visualize": False, "inferenceParams": {"maxLongSide": 640}}
    page = service.http.post("/ocr", json=asked).json()["result"]["ocrResults"][0]
    assert (page["ocrImage"], page["inputImage"]) == (None, None)
    assert page["prunedResult"]["text_det_params"]["limit_side_len"] == 640
    folder = service.site.folder
    wait_for(
        lambda: not [path for name in ("out", "uploads") for path in (folder / name).glob("ocr/*")],
        "the end of all that was left of requests",
    )


def test_a_picture_that_cannot_be_made_withholds_no_text(
    service: Service, letter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crashes(*asked: object) -> bytes:
        raise Refusal(404, "The page cannot be shown.", kind="no-picture")

    monkeypatch.setattr("worker.http.ocr_reply.picture_of", crashes)
    answer = service.http.post("/ocr", json={"file": encoded(letter)})
    assert answer.status_code == 200
    page = answer.json()["result"]["ocrResults"][0]
    assert page["inputImage"] is None
    assert page["ocrImage"]
    assert page["prunedResult"]["rec_texts"]


def test_the_first_pages_are_read(service: Service, tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "twelve.pdf", 12)
    reply = service.http.post("/ocr", json={"file": encoded(path), "visualize": False}).json()
    assert reply["result"]["dataInfo"]["numPages"] == 10


def test_errors_come_in_the_envelope(service: Service, tmp_path: Path) -> None:
    def post(**asked: Any) -> tuple[int, dict[str, Any]]:
        answer = service.http.post("/ocr", json=asked)
        return answer.status_code, answer.json()

    for asked in ({}, {"file": "a b"}, {"file": "AAAA"}, {"file": "AAAA", "textDetThresh": 7}):
        status, reply = post(**asked)
        assert (status, reply["errorCode"]) == (422, 422)
        assert set(reply) == {"logId", "errorCode", "errorMsg"}
        assert reply["errorMsg"]
    assert service.http.get("/ocr").json()["errorCode"] == 405


def test_overload_is_turned_away_and_nobody_hangs(tmp_path: Path, valkey: ValkeyHandle, letter: Path) -> None:
    http = {
        "uploads": str(tmp_path / "up"),
        "port": 0,
        "ocr_at_once": 3,
        "ocr_per_tenant": 2,
        "ocr_seconds": 3,
    }
    place_of = site(tmp_path, valkey.broker_url, f"{tmp_path.name}:", http=http)
    with place_of as place, served(place.settings, place) as service:
        none = service.http.post("/ocr", json={"file": encoded(letter)})
        assert (none.status_code, none.headers["retry-after"]) == (503, "5")
        _pretend_worker(place)
        answers = _at_once(service, 5, {"file": encoded(letter)})
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {429, 503}
    assert statuses.count(503) >= 2  # those that were let in, and waited in vain until their deadline
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
    assert all(answer.json()["errorCode"] == answer.status_code for answer in answers)


def _at_once(service: Service, count: int, asked: dict[str, Any]) -> list[httpx.Response]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: httpx.post(f"{service.url}ocr", json=asked, timeout=60), range(count)))


def _pretend_worker(place: Site) -> None:
    """Have a worker say that it lives, which never reads anything."""
    from infra.status import Heartbeat  # noqa: PLC0415  -- used here alone

    beat = {"host": "h", "pid": 1, "device": "cpu", "kind": "cpu", "state": "idle", "started": 0.0}
    long = place.settings.queue.model_copy(update={"heartbeat_seconds": 60})
    place.store.fleet._queue = long
    place.store.fleet.beat(Heartbeat.model_validate({"name": "mute", **beat}))

"""The page's files as they are served, and the texts for its search."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from crew import write_pdf

from worker.http.web.files import modules, page_files

if TYPE_CHECKING:
    from conftest import Service

STATIC = Path(__file__).resolve().parents[3] / "worker/http/web/static"


def test_every_script_is_one_that_the_page_begins_with() -> None:
    contents = {path.name: path.read_bytes() for path in STATIC.iterdir()}
    scripts = {name for name in contents if name.endswith(".js")}
    assert set(modules(contents)) == scripts - {"theme.js"}  # which runs before them


def test_the_page_names_nothing_but_its_own_files(service: Service) -> None:
    index = service.http.get("/")
    assert index.headers["cache-control"] == "no-cache"
    named = re.findall(r'(?:src|href)="([^"#]+)"', index.text)
    assert len(named) > 10
    for address in named:
        answer = service.http.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        if answer.headers["content-type"].startswith("text/"):
            assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", answer.text), address


def test_a_page_that_is_known_is_not_sent_again(service: Service) -> None:
    etag = service.http.get("/").headers["etag"]
    assert service.http.get("/", headers={"If-None-Match": etag}).status_code == 304


def test_files_go_as_small_as_the_browser_takes_them(service: Service) -> None:
    version = page_files().version
    with service.http.stream("GET", f"/assets/{version}/app.js") as answer:
        packed = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    plain = service.http.get(f"/assets/{version}/app.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(packed) == plain.content == (STATIC / "app.js").read_bytes()


@pytest.mark.parametrize("name", ["nothing.js", "index.html", "..%2f..%2froutes.py"])
def test_there_are_no_other_files(service: Service, name: str) -> None:
    answer = service.http.get(f"/assets/{page_files().version}/{name}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_another_version_of_a_file_is_not_kept_for_ever(service: Service) -> None:
    assert service.http.get("/assets/0123/app.js").headers["cache-control"] == "no-cache"


def test_the_texts_of_all_pages_come_in_one_answer(service: Service, tmp_path: Path) -> None:
    found = service.read(write_pdf(tmp_path / "many.pdf", 20), visualize="false")
    rows = [
        json.loads(row) for row in service.http.get(f"/v1/documents/{found['id']}/lines").text.splitlines()
    ]
    assert [row["page"] for row in rows] == list(range(1, 21))
    for row in rows[::9]:
        stored = service.http.get(f"/v1/documents/{found['id']}/pages/{row['page']}").json()
        assert row["lines"] == [[index, stored["rec_texts"][index]] for index in stored["reading_order"]]


def test_the_texts_of_a_document_nobody_knows_are_not_there(service: Service) -> None:
    assert service.http.get(f"/v1/documents/{'0' * 32}/lines").status_code == 404

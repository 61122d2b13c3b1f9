"""Sources of any name come out whole, each in a folder of its own: on a directory, SeaweedFS and moto."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from crew import QUICK, write_pdf
from desk import Desk
from places import client_of

from infra.settings import load_settings
from infra.status.states import DocumentState
from infra.storage import S3Options
from tasks.ledger import read_manifest
from tasks.newest import Latest
from tasks.records import DocumentRef
from tasks.retention import Retainer
from worker.stack.valkey import ValkeyHandle

PLANES = "".join(chr(plane * 0x10000 + 0x41) for plane in range(17))
EVERYWHERE = [
    "trailing dot.",
    "trailing space ",
    " .pdf",
    f"{PLANES}.pdf",
    "100%+a%2Fb?#&.pdf",
    "latest.json",
]
IN_BUCKETS = [*EVERYWHERE, "/".join(["deep"] * 200)]
IN_ANY_BUCKET = [*IN_BUCKETS, "a//b.pdf", "..", "a/../b.pdf", "k" * 1018, "ü" * 509]


def settings_of(kind: str, folder: Path, request: pytest.FixtureRequest) -> dict[str, Any]:
    if kind == "directory":
        (folder / "in").mkdir()
        return {"results": str(folder / "out"), "sources": [str(folder / "in")]}
    served = request.getfixturevalue("s3_server" if kind == "seaweed" else "moto_server")
    options: S3Options = served.options if kind == "seaweed" else served
    name = f"odd-{uuid4().hex[:8]}"
    for bucket in (f"{name}-in", f"{name}-out"):
        client_of(options).create_bucket(Bucket=bucket)
    return {"results": f"s3://{name}-out/results", "sources": [f"s3://{name}-in/inbox"], "s3": options}


@pytest.fixture(params=["directory", "seaweed", "moto"])
def odd(request: pytest.FixtureRequest, tmp_path: Path, valkey: ValkeyHandle) -> Iterator[tuple[str, Desk]]:
    places = settings_of(request.param, tmp_path, request)
    settings = load_settings(
        {
            "broker_url": valkey.broker_url,
            "key_prefix": f"{uuid4().hex}:",
            "work_dir": tmp_path / "work",
            "defaults": {"visualize": False},
            "queue": QUICK,
            **places,
        }
    )
    desk = Desk(settings, tmp_path / "in")
    yield request.param, desk
    desk.lose()
    desk.store.close()


def test_every_source_comes_out_whole(odd: tuple[str, Desk], tmp_path: Path) -> None:
    kind, desk = odd
    body = write_pdf(tmp_path / "page.pdf", 1).read_bytes()
    names = {"directory": EVERYWHERE, "seaweed": IN_BUCKETS, "moto": IN_ANY_BUCKET}[kind]
    (source,) = desk.settings.sources
    inbox = desk.context.storage(source)
    start = "" if kind == "directory" else "inbox/"
    documents = {}
    for name in names:
        inbox.create(f"{start}{name}", body, content_type="application/pdf")
        ref = DocumentRef(source=source, key=name, options={"results_days": 1})
        documents[name] = desk.take(ref)
    desk.work(limit=2000)
    folders = {name: desk.folder(document) for name, document in documents.items()}
    assert len({folder.key for folder in folders.values()}) == len(names)
    for name, folder in folders.items():
        manifest = read_manifest(desk.context.results, folder)
        assert manifest is not None
        assert manifest.state == DocumentState.SUCCEEDED, (name, manifest.reason)
        assert manifest.source.key == f"{start}{name}"
        latest = Latest.model_validate_json(desk.context.results.read(folder.latest))
        assert latest.id == documents[name]
    keys = [info.key for info in desk.context.results.list("")]
    assert all(len(key.encode()) < 1024 and key.isascii() for key in keys)
    assert Retainer(desk.tools, desk.context.storage)() == 0  # nothing is due, and every folder is found


def test_a_whole_bucket_is_a_source_of_keys_that_begin_with_slashes(
    tmp_path: Path, valkey: ValkeyHandle, moto_server: S3Options
) -> None:
    bucket = f"whole-{uuid4().hex[:8]}"
    client_of(moto_server).create_bucket(Bucket=bucket)
    settings = load_settings(
        {
            "broker_url": valkey.broker_url,
            "key_prefix": f"{uuid4().hex}:",
            "work_dir": tmp_path / "work",
            "results": str(tmp_path / "out"),
            "sources": [f"s3://{bucket}"],
            "s3": moto_server,
            "queue": QUICK,
        }
    )
    desk, body = Desk(settings, tmp_path / "in"), write_pdf(tmp_path / "page.pdf", 1).read_bytes()
    names = ["/a.pdf", "//a.pdf", "a.pdf", "/"]
    inbox = desk.context.storage(f"s3://{bucket}")
    for name in names:
        inbox.create(name, body, content_type="application/pdf")
    documents = [desk.take(DocumentRef(source=f"s3://{bucket}", key=name)) for name in names]
    desk.work()
    assert len({desk.folder(document).key for document in documents}) == len(names)
    for name, document in zip(names, documents, strict=True):
        manifest = read_manifest(desk.context.results, desk.folder(document))
        assert manifest is not None
        assert (manifest.state, manifest.source.key) == (DocumentState.SUCCEEDED, name)
    desk.lose()
    desk.store.close()

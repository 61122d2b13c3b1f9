"""`pageline explain`: the options of one document, as ingest resolves them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from crew import write_pdf
from places import client_of

from infra.settings import Settings, load_settings
from infra.storage import S3Options
from tasks.context import storage_at
from tasks.identify import identify
from tasks.records import DocumentRef
from worker.stack.seaweed import SeaweedHandle


def explain(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "worker.cli", "explain", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **settings.environment(), "COLUMNS": "200"},
    )


def by_name(found: dict[str, Any]) -> dict[str, tuple[Any, str, list[str]]]:
    return {row["name"]: (row["value"], row["origin"], row["overridden"]) for row in found["options"]}


@pytest.fixture
def fleet(tmp_path: Path, s3_server: SeaweedHandle) -> Settings:
    for bucket in ("explain-in", "explain-out"):
        if bucket not in {one["Name"] for one in client_of(s3_server.options).list_buckets()["Buckets"]}:
            s3_server.create_bucket(bucket)
    return load_settings(
        {
            "results": "s3://explain-out/results",
            "sources": ["s3://explain-in/letters"],
            "s3": s3_server.options,
            "work_dir": tmp_path,
            "defaults": {"dpi": 100, "visualize": True},
            "rules": [{"prefix": "2026/", "options": {"dpi": 150, "text_det_thresh": 0.25}}],
            "retention": {"sources": "tag", "results_days": 30},
        }
    )


def test_every_option_is_shown_with_who_gave_it(fleet: Settings) -> None:
    client, key = client_of(fleet.s3), f"letters/2026/{uuid4().hex}.pdf"
    metadata = {"pageline-visualize": "false", "pageline-dpi": "160"}
    client.put_object(Bucket="explain-in", Key=key, Body=b"x", Metadata=metadata)
    sidecar = b'{"dpi": 170, "pages": "1-3"}'
    client.put_object(Bucket="explain-in", Key=f"{key}.pageline.json", Body=sidecar)
    done = explain(fleet, f"s3://explain-in/{key}", "--option", "visualize-scale=0.5", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    rows = by_name(found)
    assert rows["dpi"] == (170, "sidecar", ["settings", "rule '2026/'", "metadata"])
    assert rows["pages"] == ("1-3", "sidecar", [])
    assert rows["visualize"] == (False, "metadata", ["settings"])
    assert rows["text_det_thresh"] == (0.25, "rule '2026/'", [])
    assert rows["visualize_scale"] == (0.5, "call", [])
    assert rows["priority"] == ("normal", "default", [])
    assert rows["retention"] == ("tag", "settings", [])
    assert rows["results_days"] == (30, "settings", [])
    assert (found["problems"], found["verdict"], found["known"]) == ([], None, "never announced")
    ref = DocumentRef(
        source="s3://explain-in/letters",
        key=key.removeprefix("letters/"),
        options={"visualize_scale": 0.5},
    )
    ingested = identify(fleet, lambda uri: storage_at(uri, fleet.s3), ref)
    assert found["id"] == ingested.request.id
    assert found["results"] == f"s3://explain-out/{ingested.folder.key}"


def test_what_would_be_refused_is_told_in_full(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "in" / "a.pdf", 1)
    (tmp_path / "in" / "a.pdf.pageline.json").write_text('{"priority": "high", "outputs": "docx", "dpi": 99}')
    settings = load_settings(
        {"results": str(tmp_path / "out"), "sources": [str(tmp_path / "in")], "work_dir": tmp_path}
    )
    done = explain(settings, str(path), "--option", "retention=tag", "--json")
    assert done.returncode == 3, done.stderr
    found = json.loads(done.stdout)
    assert [(one["origin"], one["option"]) for one in found["problems"]] == [
        ("sidecar", "priority"),
        ("sidecar", "outputs"),
        ("call", "retention"),
    ]
    assert found["verdict"] == {"state": "rejected", "reason": found["problems"][0]["sentence"]}
    assert by_name(found)["dpi"] == (99, "sidecar", [])
    shown = explain(settings, str(path), "--option", "retention=tag")
    assert shown.returncode == 3
    assert "refused (sidecar): The option priority may not be given in a sidecar file" in shown.stdout
    assert "it would be rejected: " in shown.stdout
    assert any(line.split() == ["dpi", "99", "sidecar"] for line in shown.stdout.splitlines())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["absent.pdf"], "absent.pdf"),
        (["a.pdf", "--option", "dpi"], "--option takes NAME=VALUE, not 'dpi'"),
        (["a.pdf", "--tenant", "/"], "'/' cannot be a tenant's name"),
        (["."], "there are 2 documents at"),
    ],
)
def test_what_cannot_be_explained_is_said_in_a_sentence(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    for name in ("a.pdf", "b.pdf"):
        write_pdf(tmp_path / "in" / name, 1)
    settings = load_settings({"results": str(tmp_path / "out"), "work_dir": tmp_path})
    location, *others = arguments
    done = explain(settings, str(tmp_path / "in" / location), *others)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_document_belongs_to_the_inner_source_as_it_does_for_a_bridge(tmp_path: Path) -> None:
    inner = tmp_path / "in" / "letters"
    write_pdf(inner / "a.pdf", 1)
    sources = [str(inner), str(tmp_path / "in")]
    rules = [{"prefix": "a.", "options": {"dpi": 90}}, {"prefix": "letters/", "options": {"dpi": 80}}]
    for order in (sources, sources[::-1]):
        settings = load_settings({"results": str(tmp_path / "out"), "sources": order, "rules": rules})
        found = json.loads(explain(settings, str(inner / "a.pdf"), "--json").stdout)
        assert by_name(found)["dpi"] == (90, "rule 'a.'", [])


def test_slashes_at_the_beginning_of_a_key_count(tmp_path: Path, moto_server: S3Options) -> None:
    bucket = f"slashes-{uuid4().hex}"
    client = client_of(moto_server)
    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key="/a.pdf", Body=b"x")
    settings = load_settings(
        {"results": str(tmp_path / "out"), "sources": [f"s3://{bucket}"], "s3": moto_server}
    )
    found = json.loads(explain(settings, f"s3://{bucket}//a.pdf", "--json").stdout)
    assert (found["source"], found["verdict"]) == (f"s3://{bucket}//a.pdf", None)
    listed = json.loads(explain(settings, f"s3://{bucket}", "--json").stdout)
    assert listed == found

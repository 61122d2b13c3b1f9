"""What is published about the event is true."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from infra.notify import DocumentFinished, event_schema

ROOT = Path(__file__).resolve().parents[3]


def test_the_published_schema_is_the_models(tmp_path: Path) -> None:
    published = json.loads((ROOT / "docs/schemas/document-finished.v1.json").read_text("utf-8"))
    assert published == event_schema(), "run: python docs/make_schemas.py"


def test_the_page_shows_an_event_as_it_is_sent() -> None:
    (example,) = re.findall(
        r"^```json\n(.*?)^```$", (ROOT / "docs/events.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    shown = json.loads(example)
    assert json.loads(DocumentFinished.model_validate(shown).body()) == shown


def test_later_fields_do_no_harm_and_missing_ones_do() -> None:
    event = json.loads(_event().body())
    assert DocumentFinished.model_validate({**event, "new": 1}) == _event()
    del event["data"]["state"]
    with pytest.raises(ValidationError):
        DocumentFinished.model_validate(event)


def test_every_required_attribute_of_cloudevents_is_there() -> None:
    required = set(event_schema()["properties"]) - {"traceparent"}  # an extension of its own
    assert {"specversion", "type", "id", "source", "time", "subject", "datacontenttype", "data"} == required


def test_reading_the_event_brings_neither_boto3_nor_an_engine() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import infra.notify.send, sys; print('boto3' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert told.stdout.strip() == "False"


def _event() -> DocumentFinished:
    return DocumentFinished.model_validate(
        {
            "id": "d:1",
            "source": "s3://out",
            "subject": "s3://in/a.pdf",
            "time": "2026-01-01T00:00:00Z",
            "data": {
                "id": "d",
                "generation": 1,
                "tenant": "t",
                "source": {"uri": "s3://in/a.pdf"},
                "state": "succeeded",
                "pages": {"total": 1, "done": 1, "failed": 0, "cancelled": 0},
            },
        }
    )

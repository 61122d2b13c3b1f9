"""Writes schemas/ from the models: `python docs/make_schemas.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from infra.notify import event_schema

FOLDER = Path(__file__).with_name("schemas")


def schemas() -> dict[str, dict[str, Any]]:
    """Each published schema by its file's name."""
    return {"document-finished.v1.json": event_schema()}


def text_of(schema: dict[str, Any]) -> str:
    """A schema as its file holds it."""
    return f"{json.dumps(schema, indent=2)}\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, schema in schemas().items():
        (FOLDER / name).write_text(text_of(schema), encoding="utf-8")

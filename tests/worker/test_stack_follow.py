"""Reading the log of changes that `weed filer.meta.tail` prints."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from worker.stack.follow import changes, created_key, tail_arguments

ROOT = "/buckets/box/"
PORTS = {"filer.port": 8888, "filer.port.grpc": 18888}


def change(
    folder: str, new: str | None, *, old: str | None = None, is_folder: bool = False
) -> dict[str, Any]:
    """A change as the program prints it, less the fields that nobody reads."""
    return {
        "directory": folder,
        "eventNotification": {
            "oldEntry": None if old is None else {"name": old, "isDirectory": is_folder},
            "newEntry": None if new is None else {"name": new, "isDirectory": is_folder},
            "newParentPath": folder,
        },
        "tsNs": "1795351678873790948",
    }


@pytest.mark.parametrize(
    ("event", "key"),
    [
        (change("/buckets/box", "a.pdf"), "a.pdf"),
        (change("/buckets/box/in/deep", "two words.pdf"), "in/deep/two words.pdf"),
        (change("/buckets/box/in", "a.pdf", old="a.pdf"), "in/a.pdf"),  # replaced
        (change("/buckets/box/in", "b.pdf", old="a.pdf"), "in/b.pdf"),  # moved here
        (change("/buckets/box/in", None, old="a.pdf"), None),  # deleted
        (change("/buckets/box", "in", is_folder=True), None),
        (change("/buckets/box/.uploads/0a1b_2c", "0001_3d.part"), None),
        (change("/buckets/box/in/.uploads", "a.pdf"), "in/.uploads/a.pdf"),  # a folder of the user's
        (change("/buckets/box2", "a.pdf"), None),
        (change("/buckets", "box"), None),
        (change("/topics/.system/log", "x"), None),
    ],
)
def test_objects_that_came_are_told_from_everything_else(event: dict[str, Any], key: str | None) -> None:
    assert created_key(event, ROOT) == key


def test_the_log_is_split_at_the_ends_of_its_objects() -> None:
    events = [change("/buckets/box", "}\n{ ü \\"), change("/buckets/box", "b")]
    printed = "".join(json.dumps(event, indent=2, ensure_ascii=False) + "\n" for event in events)
    assert list(changes(io.BytesIO(printed.encode()))) == events


def test_what_is_cut_off_is_left_out() -> None:
    whole = json.dumps(change("/buckets/box", "a"), indent=2) + "\n"
    assert list(changes(io.BytesIO((whole + whole[:40]).encode()))) == [change("/buckets/box", "a")]
    assert list(changes(io.BytesIO(b"no object\n}\n" + whole.encode()))) == [change("/buckets/box", "a")]
    assert list(changes(io.BytesIO(b""))) == []


def test_the_log_is_asked_for_by_place_and_from_early_enough() -> None:
    now = datetime.now(UTC)
    command, filer, prefix, ago = tail_arguments(PORTS, "/buckets/box/in", now - timedelta(hours=1))
    assert command == "filer.meta.tail"
    assert filer == "-filer=127.0.0.1:8888.18888"
    assert prefix == "-pathPrefix=/buckets/box/in"
    assert 3600 < float(ago.removeprefix("-timeAgo=").removesuffix("s")) < 3600 + 600
    in_an_hour = tail_arguments(PORTS, "/", now + timedelta(hours=1))[3]
    assert float(in_an_hour.removeprefix("-timeAgo=").removesuffix("s")) > 0

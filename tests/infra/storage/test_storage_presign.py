"""Links to objects in a bucket of a real server."""

from __future__ import annotations

import time
import urllib.error
import urllib.request

import pytest

from infra.storage import Location, open_storage
from infra.storage.presign import presigned
from worker.stack.seaweed import SeaweedHandle

KEY = "a b/ä+%41/document.json"


def read_for_a_minute(link: str) -> None:
    """Read through a link again and again."""
    begun = time.monotonic()
    while time.monotonic() - begun < 60:
        urllib.request.urlopen(link).close()


def test_a_link_reads_its_object_without_credentials_and_ends(s3_server: SeaweedHandle) -> None:
    s3_server.create_bucket("linked")
    place = Location("s3", "linked", KEY)
    open_storage(place, s3_server.options).create(KEY, b"{}", content_type="application/json")
    link = presigned(place.uri, s3=s3_server.options, seconds=60)
    assert link is not None
    with urllib.request.urlopen(link) as answer:
        assert answer.read() == b"{}"
    short = presigned(place.uri, s3=s3_server.options, seconds=1)
    assert short is not None
    with pytest.raises(urllib.error.HTTPError, match="403"):
        read_for_a_minute(short)


def test_a_folder_knows_no_links(s3_server: SeaweedHandle) -> None:
    assert presigned("file:///out/document.json", s3=s3_server.options, seconds=60) is None

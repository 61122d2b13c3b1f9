"""Links to objects in a bucket of a real server."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from dataclasses import replace
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import pytest

from infra.storage import Location, open_storage
from infra.storage.options import S3Options
from infra.storage.presign import presigned, presigned_upload
from infra.storage.s3_client import client_for
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


@pytest.mark.parametrize(
    ("encryption", "kms_key"), [("AES256", None), ("aws:kms", "alias/ours"), ("aws:kms", None), (None, None)]
)
def test_an_upload_by_link_is_encrypted_as_every_other(
    moto_options: S3Options, encryption: Literal["AES256", "aws:kms"] | None, kms_key: str | None
) -> None:
    options = replace(moto_options, encryption=encryption, kms_key=kms_key)
    client = client_for(options)
    client.create_bucket(Bucket="sealed")
    link = presigned_upload(f"s3://sealed/{KEY}", s3=options, seconds=60, size=2)
    assert link is not None
    (signed,) = parse_qs(urlsplit(link.url).query)["X-Amz-SignedHeaders"]
    start = "x-amz-server-side-encryption"
    wanted = {start: encryption, f"{start}-aws-kms-key-id": kms_key}
    assert link.headers == {name: value for name, value in wanted.items() if value is not None}
    assert set(signed.split(";")) == {"host", "content-length", *link.headers}
    request = urllib.request.Request(link.url, b"{}", dict(link.headers), method="PUT")
    urllib.request.urlopen(request).close()
    stored = client.head_object(Bucket="sealed", Key=KEY)
    assert stored.get("ServerSideEncryption") in {encryption, encryption or "AES256"}  # the bucket's default
    assert stored.get("SSEKMSKeyId") == kms_key


def test_a_folder_knows_no_links(s3_server: SeaweedHandle) -> None:
    assert presigned_upload("file:///up/a.pdf", s3=s3_server.options, seconds=60, size=1) is None
    assert presigned("file:///out/document.json", s3=s3_server.options, seconds=60) is None

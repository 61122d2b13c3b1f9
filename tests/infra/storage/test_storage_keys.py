from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import InvalidKey
from infra.storage.keys import (
    MAX_KEY_BYTES,
    MAX_SEGMENT_BYTES,
    document_folder,
    encode_key,
    encode_segment,
    result_key,
    source_folder,
)

ANY_TEXT = st.text(st.characters(codec=None), max_size=300)  # lone surrogates too: names may not be UTF-8
SAFE = re.compile(r"[A-Za-z0-9._~%-]+")
DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
ID = "0" * 64


@pytest.mark.parametrize(
    ("segment", "encoded"),
    [
        ("letter.pdf", "letter.pdf"),
        ("two words.pdf", "two%20words.pdf"),
        ("100%.pdf", "100%25.pdf"),
        ("ü", "%C3%BC"),
        ("", "%"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        ("...", "%2E%2E%2E"),
        ("end.", "end%2E"),
        (".hidden", ".hidden"),
        ("~home", "%7Ehome"),
        ("CON", "%43ON"),
        ("nul.tar.gz", "%6Eul.tar.gz"),
        ("console", "console"),
        ("latest.json", "%6Catest.json"),
        ("a/b", "a%2Fb"),
    ],
)
def test_a_segment_is_encoded(segment: str, encoded: str) -> None:
    assert encode_segment(segment) == encoded


@given(ANY_TEXT)
def test_an_encoded_segment_suits_every_file_system(segment: str) -> None:
    encoded = encode_segment(segment)
    assert 0 < len(encoded) <= MAX_SEGMENT_BYTES
    assert SAFE.fullmatch(encoded)
    assert not encoded.endswith(".")
    assert not DEVICES.fullmatch(encoded)
    assert encoded.lower() != "latest.json"


@given(st.text(max_size=60))
def test_a_segment_of_usual_length_can_be_decoded(segment: str) -> None:
    encoded = encode_segment(segment)
    if segment and len(encoded) < MAX_SEGMENT_BYTES:
        assert unquote(encoded) == segment


@given(st.lists(ANY_TEXT, min_size=2, max_size=2, unique=True))
def test_different_segments_stay_different(segments: list[str]) -> None:
    assert encode_segment(segments[0]) != encode_segment(segments[1])


def test_long_segments_are_cut_at_whole_escapes_and_stay_different() -> None:
    for padding in range(3):  # whatever the escapes' alignment
        name = "p" * padding + "ü" * 150
        encoded = encode_segment(name)
        assert len(encoded) <= MAX_SEGMENT_BYTES
        kept, _, digest = encoded.partition("~")
        assert re.fullmatch(r"p*(%C3%BC)+(%C3)?", kept), kept
        assert len(digest) == 32
        assert encode_segment(name + "x") != encoded
        assert encode_segment(encoded) != encoded  # what looks like a cut name is none


def test_200_bytes_fit_and_201_are_cut() -> None:
    assert encode_segment("a" * 200) == "a" * 200
    assert "~" in encode_segment("a" * 201)


@given(st.lists(ANY_TEXT, min_size=1, max_size=12))
def test_a_key_keeps_its_segments_or_ends_in_a_hash(segments: list[str]) -> None:
    key = "/".join(segments)
    encoded = encode_key(key, max_bytes=500)
    assert len(encoded) <= 500
    whole = "/".join(encode_segment(segment) for segment in key.split("/"))
    if len(whole) <= 500:
        assert encoded == whole
    else:
        kept, _, digest = encoded.rpartition("~")
        assert whole.startswith(kept)
        assert kept.endswith("/") or not kept
        assert len(digest) == 32


def test_empty_segments_and_dots_lead_nowhere_else() -> None:
    assert encode_key("a//b/../c/") == "a/%/b/%2E%2E/c/%"


def test_a_source_has_a_folder_and_each_document_one_in_it() -> None:
    assert source_folder("out", "in/letter 1.pdf") == "out/in/letter%201.pdf"
    assert source_folder("", "letter.pdf") == "letter.pdf"
    assert source_folder("/out/", "x", tenant="acme", bucket="/home/me/in") == "out/acme/%2Fhome%2Fme%2Fin/x"
    assert document_folder("out", "in/x.pdf", ID, tenant="t") == f"out/t/in/x.pdf/{ID}"
    assert result_key("out/x.pdf/1", "pages", "00001.json") == "out/x.pdf/1/pages/00001.json"


@given(ANY_TEXT, ANY_TEXT)
def test_results_of_any_source_stay_below_the_limit(source: str, tenant: str) -> None:
    long_source = "/".join([source] * 10)
    folder = document_folder("p" * 300, long_source, ID, tenant=tenant, bucket="b" * 300)
    assert folder.startswith(f"{'p' * 300}/")
    key = result_key(folder, "pages", "20000_doc_preprocessor_res_img.jpg")
    assert len(key.encode()) <= MAX_KEY_BYTES


def test_sources_that_are_too_long_stay_different() -> None:
    first, second = ("/".join(["folder" * 20] * 20) + end for end in ("/a.pdf", "/b.pdf"))
    assert source_folder("out", first) != source_folder("out", second)
    assert source_folder("out", first).startswith(f"out/{'folder' * 20}/")


def test_no_room_at_all_is_said() -> None:
    with pytest.raises(InvalidKey, match="a hash of it takes 33"):
        source_folder("p" * 900, "x")
    with pytest.raises(InvalidKey, match="1023 are allowed"):
        result_key("p" * 1000, "n" * 30)

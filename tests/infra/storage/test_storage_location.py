from __future__ import annotations

from pathlib import Path

import pytest

from infra.errors import InvalidLocation
from infra.storage.location import Location, innermost


def test_a_bucket_and_a_prefix() -> None:
    location = Location.parse("s3://bucket/some/prefix/")
    assert (location.scheme, location.bucket, location.key) == ("s3", "bucket", "some/prefix")
    assert location.uri == str(location) == "s3://bucket/some/prefix"
    assert Location.parse("S3://bucket").uri == "s3://bucket"


def test_an_s3_key_is_taken_as_it_stands() -> None:
    assert Location.parse("s3://bucket/100%25 a?b#c+d.pdf").key == "100%25 a?b#c+d.pdf"


def test_a_directory_is_a_root(tmp_path: Path) -> None:
    for text in (
        str(tmp_path),
        tmp_path,
        f"file://{tmp_path}",
        f"file://localhost{tmp_path}",
        f"{tmp_path}/x/..",
    ):
        location = Location.parse(text)
        assert (location.scheme, location.bucket, location.key) == ("file", str(tmp_path), "")
        assert location.path == tmp_path


def test_a_plain_path_is_relative_to_where_we_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert Location.parse("out").path == tmp_path / "out"
    assert Location.parse("100%25").path == tmp_path / "100%25"
    assert Location.parse("~/out").path == Path("/home/somebody/out")


@pytest.mark.parametrize("name", ["two words", "100%", "ü通", "a?b#c", "\udce9 not utf-8"])
def test_a_file_url_reads_back_to_the_same_path(name: str) -> None:
    location = Location.parse(Path("/root", name))
    assert location.uri.isascii()
    assert Location.parse(location.uri) == location


@pytest.mark.parametrize(
    "text",
    [
        "s3://",
        "s3:///key",
        "s3://a/b",
        "s3://bad bucket/x",
        "ftp://host/x",
        "file://host/x",
        "file://x",
        "",
        "a\0b",
    ],
)
def test_what_names_no_storage_is_refused(text: str) -> None:
    with pytest.raises(InvalidLocation):
        Location.parse(text)


def test_joining() -> None:
    base = Location.parse("s3://bucket/in")
    assert base.join("a", "/b/", "c.pdf").uri == "s3://bucket/in/a/b/c.pdf"
    assert Location.parse("s3://bucket").join("x").uri == "s3://bucket/x"
    assert Location.parse("/in").join("a b/c.pdf").path == Path("/in/a b/c.pdf")
    assert Location.parse("/in").join("a b/c.pdf").uri == "file:///in/a%20b/c.pdf"


def test_only_a_directory_has_a_path() -> None:
    with pytest.raises(InvalidLocation, match="no directory"):
        _ = Location.parse("s3://bucket").path


@pytest.mark.parametrize(
    ("outer", "inner", "inside"),
    [
        ("s3://bucket", "s3://bucket/x", True),
        ("s3://bucket/in", "s3://bucket/in", True),
        ("s3://bucket/in", "s3://bucket/in/x", True),
        ("s3://bucket/in", "s3://bucket/input", False),
        ("s3://bucket/in", "s3://bucket", False),
        ("s3://bucket", "s3://other", False),
        ("/in", "/in/x", True),
        ("/in", "/in", True),
        ("/in", "/input", False),
        ("/in", "/in/../out", False),
        ("/", "s3://bucket", False),
    ],
)
def test_what_lies_within_what(outer: str, inner: str, inside: bool) -> None:
    assert Location.parse(outer).contains(Location.parse(inner)) is inside


def test_a_link_does_not_hide_that_results_lie_within_an_input(tmp_path: Path) -> None:
    (tmp_path / "in" / "results").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "in" / "results")
    assert Location.parse(tmp_path / "in").contains(Location.parse(tmp_path / "link"))


def test_a_url_is_located_below_its_root(tmp_path: Path) -> None:
    root = Location.parse(tmp_path)
    there = root.join("a b", "c.pdf")
    assert root.locate(there.uri) == there
    assert root.locate(tmp_path) == root
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert Location.parse(tmp_path / "link").locate(tmp_path / "real" / "x").key == "x"
    assert Location.parse("s3://bucket/in").locate("s3://bucket/in/x").key == "in/x"
    with pytest.raises(InvalidLocation, match="does not lie within"):
        root.locate(tmp_path.parent)


def test_a_place_belongs_to_the_inner_one_of_several_that_contain_it() -> None:
    places = [Location.parse(f"s3://bucket{key}") for key in ("/in/letters", "", "/in")]
    assert innermost(places, Location.parse("s3://bucket/in/letters/a.pdf")) == places[0]
    assert innermost(places, Location.parse("s3://bucket/in/a.pdf")) == places[2]
    assert innermost(places, Location.parse("s3://other/in/a.pdf")) is None


def test_the_key_of_an_object_is_taken_as_it_is() -> None:
    assert Location.parse("s3://bucket//a.pdf").key == "a.pdf"
    assert Location.of_object("s3://bucket//a.pdf").key == "/a.pdf"
    assert Location.of_object("s3://bucket/in//a.pdf").uri == "s3://bucket/in//a.pdf"
    assert Location.of_object("s3://bucket").key == ""
    root = Location.parse("s3://bucket/in")
    assert root.at("/a.pdf") == Location.of_object("s3://bucket/in//a.pdf")
    assert root.key_of(root.at("/a.pdf")) == "/a.pdf"
    assert Location.parse("s3://bucket").key_of(Location.of_object("s3://bucket//a.pdf")) == "/a.pdf"
    assert Location.parse("/in").key_of(Location.parse("/in/a/b.pdf")) == "a/b.pdf"

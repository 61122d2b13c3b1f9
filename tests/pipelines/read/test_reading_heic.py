"""HEIC: read where its decoder is installed, a sentence where it is not."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipelines.errors import DamagedInput, LimitExceeded, UnsupportedInput
from pipelines.read import ReadLimits, open_document, probe
from pipelines.read.sniff import known_type

Array = np.ndarray[Any, Any]


@pytest.fixture
def heif() -> Any:
    """The decoder, which can also write."""
    return pytest.importorskip("pillow_heif", reason="the extra heic is not installed")


def encoded(heif: Any, *pictures: Image.Image, **options: Any) -> bytes:
    container = heif.from_pillow(pictures[0])
    for picture in pictures[1:]:
        container.add_from_pillow(picture)
    container.save(file := io.BytesIO(), quality=95, chroma=444, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0heicmif1", "image/heic"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "image/heic"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "image/avif"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "image/avif"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", None),
        (b"\0\0\0\x10ftypmif1\0\0\0\0heic", None),
    ],
)
def test_the_brand_tells_the_kind(head: bytes, kind: str | None) -> None:
    assert known_type(head) == kind


def test_without_the_decoder_the_sentence_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(UnsupportedInput, match=r"scan\.jpg: HEIC .*pillow-heif; install pageline\[heic\]"):
        probe(b"\0\0\0\x18ftypheic\0\0\0\0heicmif1", name="scan.jpg")


def test_the_containers_own_turn_is_applied_once(heif: Any, pattern: Array, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    container = heif.from_pillow(Image.fromarray(pattern))
    container.info["exif"] = exif.tobytes()  # written into the container as well, as phones do
    path = tmp_path / "photo.heic"
    container.save(path, quality=95, chroma=444)
    assert b"irot" in path.read_bytes()
    info = probe(path)
    assert info.media_type == "image/heic"
    for source in (path.read_bytes(), path):
        with open_document(source) as document:
            page = document.page(1)
        assert (page.width, page.height) == (info.pages[0].width, info.pages[0].height) == (40, 60)
        assert np.abs(page.image[15, 30].astype(int) - (0, 0, 250)).max() < 16
        assert np.abs(page.image[15, 10].astype(int) - (250, 0, 0)).max() < 16


def test_of_several_the_primary_one_is_read(heif: Any) -> None:
    first, second = Image.new("RGB", (64, 64), "black"), Image.new("RGB", (96, 64), "white")
    with open_document(encoded(heif, first, second, primary_index=1)) as document:
        assert len(document.info.pages) == 1
        page = document.page(1)
    assert (page.width, page.image.min() > 250) == (96, True)


def test_limits_and_damage_are_told(heif: Any, pattern: Array) -> None:
    body = encoded(heif, Image.fromarray(pattern))
    with pytest.raises(LimitExceeded, match="60x40 pixels"):
        probe(body, limits=ReadLimits(max_side=50))
    with pytest.raises(DamagedInput, match="the document: it starts like image/heic"):
        probe(body[:60])
    with (
        pytest.raises(DamagedInput, match="the document: the picture is damaged"),
        open_document(body[:-60]) as cut,
    ):
        cut.page(1)

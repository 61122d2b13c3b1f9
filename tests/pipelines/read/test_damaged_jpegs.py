"""A JPEG that is damaged in its middle says so, where its decoder can tell."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipelines.read import PageImage, open_document

Encode = Callable[..., bytes]


@pytest.fixture
def strict() -> Any:
    """The decoder that tells."""
    return pytest.importorskip("simplejpeg", reason="simplejpeg is not installed")


@pytest.fixture
def scan(encode: Encode) -> bytes:
    noise = np.random.default_rng(3).integers(0, 255, (400, 300, 3), dtype=np.uint8)
    return encode(Image.fromarray(noise), "JPEG", quality=80)


def page_of(source: bytes | Path) -> PageImage:
    with open_document(source, name="scan.jpg") as document:
        return document.page(1)


def damaged(body: bytes) -> bytes:
    """A sector of 512 bytes is lost in the middle."""
    middle = len(body) // 2
    return body[:middle] + bytes(512) + body[middle + 512 :]


def test_damage_inside_is_told_and_the_rest_is_read(strict: Any, scan: bytes) -> None:
    sound, broken = page_of(scan), page_of(damaged(scan))
    assert sound.warning is None
    assert broken.warning is not None
    assert broken.warning.startswith("scan.jpg: damaged inside, text may be missing or wrong (")
    assert broken.image.shape == sound.image.shape
    assert (broken.image[:150] == sound.image[:150]).all()


def test_bytes_that_a_camera_leaves_at_the_end_are_no_damage(strict: Any, scan: bytes) -> None:
    assert page_of(scan[:-2] + b"\x15" * 10 + scan[-2:]).warning is None
    assert page_of(scan[:-2] + b"\x15" * 1000 + scan[-2:]).warning is not None


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_both_decoders_give_the_same_pixels(
    strict: Any,
    monkeypatch: pytest.MonkeyPatch,
    encode: Encode,
    mode: str,
    progressive: bool,
    subsampling: int,
) -> None:
    noise = np.random.default_rng(5).integers(0, 255, (61, 47, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).convert(mode)
    body = encode(picture, "JPEG", progressive=progressive, subsampling=subsampling)
    with_it = page_of(body).image
    monkeypatch.setitem(sys.modules, "simplejpeg", None)
    assert np.array_equal(page_of(body).image, with_it)


def test_without_that_decoder_the_page_is_read_as_it_is(monkeypatch: pytest.MonkeyPatch, scan: bytes) -> None:
    monkeypatch.setitem(sys.modules, "simplejpeg", None)
    page = page_of(damaged(scan))
    assert (page.width, page.height, page.warning) == (300, 400, None)


def test_no_sound_jpeg_is_called_damaged(strict: Any, dev_data: Path) -> None:
    names = [path for path in (dev_data / "images").iterdir() if path.suffix.lower() in (".jpg", ".jpeg")]
    assert len(names) > 20
    assert [path.name for path in names if page_of(path).warning] == []

"""Every kind of picture becomes the same BGR page."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipelines.errors import DamagedInput, LimitExceeded, OptionError, UnsupportedInput
from pipelines.read import ReadLimits, open_document, probe

Array = np.ndarray[Any, Any]
Encode = Callable[..., bytes]


def read(source: bytes | Path, **options: Any) -> Array:
    with open_document(source, **options) as document:
        return document.page(1).image


def is_pattern(image: Array, tolerance: int = 12) -> bool:
    """Whether the four quarters of a BGR picture have the pattern's colours."""
    height, width = image.shape[:2]
    expected = {(0, 0): (0, 0, 250), (0, 1): (0, 250, 0), (1, 0): (250, 0, 0), (1, 1): (255, 255, 255)}
    return all(
        np.abs(image[height // 4 + r * height // 2, width // 4 + c * width // 2].astype(int) - colour).max()
        <= tolerance
        for (r, c), colour in expected.items()
    )


@pytest.mark.parametrize(
    ("kind", "options", "media_type"),
    [
        ("PNG", {}, "image/png"),
        ("JPEG", {"quality": 95, "subsampling": 0}, "image/jpeg"),
        ("JPEG", {"quality": 95, "progressive": True, "subsampling": 0}, "image/jpeg"),
        ("TIFF", {}, "image/tiff"),
        ("TIFF", {"compression": "tiff_lzw"}, "image/tiff"),
        ("BMP", {}, "image/bmp"),
        ("WEBP", {"lossless": True}, "image/webp"),
        ("JPEG2000", {}, "image/jp2"),
        ("PPM", {}, "image/x-portable-anymap"),
        ("GIF", {}, "image/gif"),
        ("AVIF", {"quality": 100, "subsampling": "4:4:4"}, "image/avif"),
    ],
)
def test_every_format_gives_the_same_page(
    tmp_path: Path, pattern: Array, encode: Encode, kind: str, options: dict[str, Any], media_type: str
) -> None:
    body = encode(Image.fromarray(pattern), kind, **options)
    path = tmp_path / "a picture.wrong-ending"
    path.write_bytes(body)
    for source in (body, path):
        with open_document(source) as document:
            page = document.page(1)
        assert is_pattern(page.image)
        assert (page.width, page.height, page.number, page.page_index) == (60, 40, 1, None)
        assert page.image.dtype == np.uint8
        assert page.image.flags.c_contiguous
        assert page.media_type == media_type
        assert page.input_path == (None if source is body else str(path))
    assert probe(path).media_type == media_type


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_every_mode_of_a_grey_ramp_reads_as_the_ramp(tmp_path: Path, encode: Encode, mode: str) -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8), (16, 1))
    if mode in ("I;16", "I", "F"):
        wide = ramp.astype(np.uint16) * 257
        picture = Image.fromarray(wide if mode == "I;16" else wide.astype({"I": "i4", "F": "f4"}[mode]))
    elif mode == "1":
        ramp = np.where(ramp >= 128, 255, 0).astype(np.uint8)
        picture = Image.fromarray(ramp).convert("1")
    else:
        picture = Image.fromarray(ramp).convert(mode)
    image = read(encode(picture, "TIFF"))
    assert image.shape == (16, 256, 3)
    assert np.abs(image[8, :, 1].astype(int) - ramp[8]).max() <= 2


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_cut(encode: Encode, kind: str) -> None:
    grey = np.full((8, 8), 0x8040, np.uint16)
    assert read(encode(Image.fromarray(grey), kind))[0, 0].tolist() == [128, 128, 128]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_applied_once(
    pattern: Array, encode: Encode, orientation: int, kind: str
) -> None:
    back: dict[int, Callable[[Array], Array]] = {  # how a camera would have stored the upright pattern
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a.transpose(1, 0, 2), 2),
        8: lambda a: np.rot90(a, -1),
    }
    stored = Image.fromarray(np.ascontiguousarray(back[orientation](pattern)))
    exif = Image.Exif()
    exif[274] = orientation
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    if kind == "JPEG":
        options = {"quality": 95, "subsampling": 0}
    body = encode(stored, kind, exif=exif, **options)
    info = probe(body).pages[0]
    assert (info.width, info.height) == (60, 40)
    with open_document(body) as document:
        page = document.page(1)
    assert is_pattern(page.image)
    assert page.rotation == {3: 180, 4: 180, 5: 270, 6: 90, 7: 90, 8: 270}.get(orientation, 0)


class TestTransparency:
    """Nothing becomes white paper, unless white is all there is to see."""

    @staticmethod
    def letters(colour: tuple[int, int, int]) -> Image.Image:
        picture = np.zeros((20, 20, 4), np.uint8)
        picture[5:15, 5:15] = (*colour, 255)
        return Image.fromarray(picture)

    def test_black_on_nothing_lies_on_white(self, encode: Encode) -> None:
        image = read(encode(self.letters((0, 0, 0)), "PNG"))
        assert (image[0, 0, 0], image[10, 10, 0]) == (255, 0)

    def test_white_on_nothing_lies_on_black(self, encode: Encode) -> None:
        image = read(encode(self.letters((255, 255, 255)), "PNG"))
        assert (image[0, 0, 0], image[10, 10, 0]) == (0, 255)

    def test_half_transparent_is_mixed(self, encode: Encode) -> None:
        picture = self.letters((0, 0, 0))
        picture.putalpha(128)
        assert abs(int(read(encode(picture, "PNG"))[10, 10, 0]) - 127) <= 1

    def test_a_transparent_palette_entry_is_nothing_too(self, encode: Encode) -> None:
        picture = Image.new("P", (20, 20), 1)
        picture.putpalette([0, 0, 0, 10, 20, 30])
        picture.paste(0, (5, 5, 15, 15))
        image = read(encode(picture, "PNG", transparency=1))
        assert (image[0, 0].tolist(), image[10, 10].tolist()) == ([255, 255, 255], [0, 0, 0])


def test_a_tiff_has_a_page_per_frame(encode: Encode) -> None:
    frames = [Image.new("L", (30 + n, 20), 50 * n) for n in range(1, 4)]
    body = encode(frames[0], "TIFF", save_all=True, append_images=frames[1:], dpi=(200, 200))
    info = probe(body)
    assert [(p.number, p.width, p.dpi) for p in info.pages] == [(1, 31, 200), (2, 32, 200), (3, 33, 200)]
    with open_document(body) as document:
        assert [int(document.page(n).image.mean()) for n in (3, 1, 2)] == [150, 50, 100]
        page = document.page(2)
        assert (page.page_index, page.number, page.dpi) == (1, 2, 200)


def test_an_animation_is_its_first_frame(encode: Encode) -> None:
    frames = [Image.new("L", (30, 20), 50 * n) for n in range(1, 4)]
    assert len(probe(encode(frames[0], "GIF", save_all=True, append_images=frames[1:])).pages) == 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "BMP", "WEBP", "JPEG2000"])
@pytest.mark.parametrize("keep", [0.3, 0.7, 0.98])
def test_a_picture_that_breaks_off_is_refused_never_grey(encode: Encode, kind: str, keep: float) -> None:
    noise = np.random.default_rng(7).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    body = encode(Image.fromarray(noise), kind)
    with pytest.raises(DamagedInput, match="the document: ") as caught:
        read(body[: int(len(body) * keep)])
    assert "\n" not in str(caught.value)


def test_bytes_after_the_picture_do_no_harm(pattern: Array, encode: Encode) -> None:
    for kind in ("JPEG", "PNG"):
        body = encode(Image.fromarray(pattern), kind)
        assert read(body + b"\0" * 50).shape == (40, 60, 3)
        assert read(body + b"trailing words " * 20).shape == (40, 60, 3)


def huge_png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


class TestLimits:
    """Checked on the header alone; the sentence names the limit."""

    @pytest.mark.parametrize(
        ("size", "limit"),
        [
            ((60_000, 60_000), "max_side"),
            ((20_000, 20_000), "max_page_megapixels"),
            ((1, 32_001), "max_side"),
        ],
    )
    def test_a_picture_too_large_is_refused_undecoded(self, size: tuple[int, int], limit: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(LimitExceeded, match=f"{size[0]}x{size[1]} pixels .*{limit}") as caught:
                probe(huge_png(*size), name="scan.png")
        assert caught.value.limit == limit
        assert str(caught.value).startswith("scan.png: ")

    def test_raised_limits_let_pillows_own_not_speak(self) -> None:
        limits = ReadLimits(max_page_megapixels=500, max_side=40_000)
        before = Image.MAX_IMAGE_PIXELS
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert probe(huge_png(20_000, 20_000), limits=limits).pages[0].megapixels == 400
        assert before == Image.MAX_IMAGE_PIXELS

    def test_one_frame_too_large_spoils_only_itself(self, encode: Encode) -> None:
        frames = [Image.new("L", (30, 20)), Image.new("L", (300, 200)), Image.new("L", (30, 20))]
        body = encode(frames[0], "TIFF", save_all=True, append_images=frames[1:])
        limits = ReadLimits(max_side=100)
        with open_document(body, limits=limits) as document:
            assert [p.problem is None for p in document.info.pages] == [True, False, True]
            assert "page 2: 300x200 pixels" in (document.info.pages[1].problem or "")
            with pytest.raises(LimitExceeded, match="page 2"):
                document.page(2)
            assert document.page(3).width == 30

    def test_frames_are_counted_no_further_than_allowed(self, encode: Encode) -> None:
        frames = [Image.new("L", (9, 9)) for _ in range(5)]
        body = encode(frames[0], "TIFF", save_all=True, append_images=frames[1:])
        with pytest.raises(LimitExceeded, match="max_pages allows"):
            probe(body, limits=ReadLimits(max_pages=4))
        assert len(probe(body, limits=ReadLimits(max_pages=5)).pages) == 5

    def test_a_file_too_large_is_refused_unread(self, tmp_path: Path) -> None:
        path = tmp_path / "big.png"
        with path.open("wb") as file:
            file.truncate(3 << 30)  # sparse: no disk is used
        with pytest.raises(LimitExceeded, match=r"big\.png: 3221225472 bytes .* max_bytes"):
            probe(path)


class TestStrangers:
    """What is no document is told apart by its content."""

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (b"PK\x03\x04rest", "ZIP archive or an office document"),
            (b"\xd0\xcf\x11\xe0rest", "an old office document"),
            (b"<!doctype html><p>hello", "markup"),
            (b"Dear Sir,", "plain text"),
            ("Grüße".encode() * 400, "plain text"),
            (b"\x00\x01\x02\x03\xfe", "something unknown"),
        ],
    )
    def test_the_sentence_says_what_it_looks_like(self, body: bytes, said: str) -> None:
        with pytest.raises(UnsupportedInput, match=said):
            probe(body, name="invoice.pdf")

    def test_an_empty_file_says_so(self) -> None:
        with pytest.raises(DamagedInput, match=r"invoice\.pdf: the file is empty"):
            probe(b"", name="invoice.pdf")

    @pytest.mark.parametrize("path", ["/nowhere/at all.png", "with\0null", "/"])
    def test_a_path_that_cannot_be_opened_says_so(self, path: str) -> None:
        with pytest.raises(UnsupportedInput, match="cannot be opened"):
            probe(path)

    @pytest.mark.parametrize(
        "start", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"BM", b"GIF89a", b"P6"]
    )
    def test_a_good_start_and_nothing_behind_is_damaged(self, start: bytes) -> None:
        with pytest.raises(DamagedInput):
            probe(start + b"\xaa\x55" * 40)

    def test_a_page_that_is_not_there_is_the_callers_fault(self, pattern: Array, encode: Encode) -> None:
        with open_document(encode(Image.fromarray(pattern), "PNG")) as document:
            for number in (0, 2, -1):
                with pytest.raises(OptionError, match=f"no page {number}"):
                    document.page(number)

"""Everything `predict` accepts, as a stream of pages."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipelines.errors import DamagedInput, InputError, LimitExceeded, PasswordRequired, UnsupportedInput
from pipelines.read import PageImage, ReadLimits, iter_inputs, probe

Array = np.ndarray[Any, Any]


def first(source: Any, **options: Any) -> PageImage:
    return next(iter(iter_inputs(source, **options)))


class TestArrays:
    """Shapes and depths."""

    @pytest.mark.parametrize(
        ("array", "expected"),
        [
            (np.full((4, 5), 7, np.uint8), [7, 7, 7]),
            (np.full((4, 5, 1), 7, np.uint8), [7, 7, 7]),
            (np.full((4, 5, 3), (1, 2, 3), np.uint8), [1, 2, 3]),
            (np.full((4, 5, 4), (1, 2, 3, 255), np.uint8), [1, 2, 3]),
            (np.full((4, 5, 4), (1, 2, 3, 0), np.uint8), [255, 255, 255]),
            (np.full((4, 5, 2), (9, 255), np.uint8), [9, 9, 9]),
            (np.full((4, 5), 200, np.int64), [200] * 3),
            (np.full((4, 5), 65535, np.uint16), [255] * 3),
            (np.full((4, 5), 0x8040, np.uint16), [128] * 3),
            (np.full((4, 5), 4095, np.uint16), [255] * 3),
            (np.full((4, 5), 2**31, np.uint32), [255] * 3),
            (np.full((4, 5), -5, np.int16), [0] * 3),
            (np.full((4, 5), 0.5), [128] * 3),
            (np.full((4, 5), 0.5, np.float16), [128] * 3),
            (np.full((4, 5), 127.6, np.float32), [128] * 3),
            (np.full((4, 5), np.nan), [0] * 3),
            (np.full((4, 5), True), [255] * 3),
            (np.full((4, 5, 3), (0, 128, 1023), np.uint16), [0, 32, 255]),
            (np.full((4, 5, 3), (0, 8192, 16383), ">i2"), [0, 128, 255]),
            (np.full((4, 5, 3), (-0.1, 0.5, 1.08)), [0, 128, 255]),
            (np.full((4, 5, 3), (-9, 128, 271), np.float32), [0, 128, 255]),
            (np.full((4, 5, 3), (0, 32896, 65535.0)), [0, 128, 255]),
            (np.full((4, 5, 3), (0, 0.5, np.inf)), [0, 128, 255]),
            (np.full((4, 5, 4), (10, 20, 200, 1.0)), [10, 20, 200]),
            (np.full((4, 5, 4), (10, 20, 200, 0), np.uint16), [255] * 3),
            (np.asfortranarray(np.full((4, 5, 3), (1, 2, 3), np.uint8)), [1, 2, 3]),
        ],
    )
    def test_any_depth_and_channels_become_bgr(self, array: Array, expected: list[int]) -> None:
        page = first(array)
        assert page.image.shape == (4, 5, 3)
        assert page.image.dtype == np.uint8
        assert page.image[2, 2].tolist() == expected
        assert (page.input_path, page.page_index, page.media_type, page.dpi) == (None, None, None, None)

    def test_a_view_becomes_contiguous(self) -> None:
        page = first(np.zeros((10, 10, 3), np.uint8)[:, ::-2])
        assert page.image.flags.c_contiguous

    def test_pillow_pictures_are_taken_with_their_turn(self, pattern: Array) -> None:
        picture = Image.fromarray(pattern)
        picture.getexif()[274] = 6
        page = first(picture)
        assert (page.width, page.height, page.rotation, page.origin) == (40, 60, 90, "picture")
        assert page.image[15, 10].tolist() == [250, 0, 0]
        assert page.image[15, 30].tolist() == [0, 0, 250]

    @pytest.mark.parametrize(
        "array",
        [
            np.zeros(5),
            np.zeros((2, 3, 5)),
            np.zeros((1, 2, 3, 4)),
            np.zeros((0, 5)),
            np.array([["a", "b"]]),
            np.zeros((2, 2), np.complex64),
        ],
    )
    def test_what_is_no_picture_is_refused(self, array: Array) -> None:
        with pytest.raises(UnsupportedInput, match="is no picture"):
            first(array)

    def test_limits_hold_for_arrays_too(self) -> None:
        with pytest.raises(LimitExceeded, match="max_side"):
            first(np.zeros((1, 40_000), np.uint8))


@pytest.fixture
def folder(tmp_path: Path, pattern: Array, make_pdf: Callable[..., bytes]) -> Path:
    """A PDF of two pages, a picture with another ending, one in a sub-folder; words, a hidden file."""
    (tmp_path / "sub").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "b.pdf").write_bytes(make_pdf((9, 9, 0), (18, 9, 0)))
    Image.fromarray(pattern).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.dat")
    Image.fromarray(pattern).save(tmp_path / "sub" / "c.jpg")
    Image.fromarray(pattern).save(tmp_path / ".hidden" / "d.png")
    (tmp_path / "readme.txt").write_text("words")
    return tmp_path


def test_a_folder_gives_its_documents_in_order(folder: Path) -> None:
    pages = list(iter_inputs(folder))
    where = [(Path(str(page.input_path)).name, page.page_index) for page in pages]
    assert where == [("a.dat", None), ("b.pdf", 0), ("b.pdf", 1), ("c.jpg", None)]


def test_what_claims_to_be_a_document_is_not_passed_over(folder: Path) -> None:
    (folder / "aa.jpg").write_text("words")
    pages = iter_inputs(str(folder))
    assert Path(str(next(pages).input_path)).name == "a.dat"
    with pytest.raises(UnsupportedInput, match=r"aa\.jpg: neither a PDF nor a picture"):
        next(pages)


def test_a_folder_without_documents_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedInput, match="holds no PDF and no picture"):
        first(tmp_path)


def test_a_list_mixes_everything(folder: Path, make_pdf: Callable[..., bytes]) -> None:
    ready = first(np.zeros((3, 3), np.uint8))
    mixed = [
        ready,
        np.zeros((4, 4), np.uint8),
        make_pdf((9, 9, 0)),
        [str(folder / "a.dat"), folder / "b.pdf"],
    ]
    pages = list(iter_inputs(mixed))
    assert pages[0] is ready
    assert [page.width for page in pages] == [3, 4, 18, 60, 18, 36]


def test_options_reach_the_documents(folder: Path) -> None:
    (page,) = iter_inputs(folder / "b.pdf", dpi=72, pages="2")
    assert (page.width, page.number) == (18, 2)


def test_a_page_range_ends_where_each_document_does(folder: Path) -> None:
    pages = [(Path(str(page.input_path)).name, page.number) for page in iter_inputs(folder, pages="1-9")]
    assert pages == [("a.dat", 1), ("b.pdf", 1), ("b.pdf", 2), ("c.jpg", 1)]


def test_an_iterator_is_taken_one_by_one(pattern: Array) -> None:
    taken: list[int] = []

    def scanner() -> Iterator[Array]:
        for number in range(3):
            taken.append(number)
            yield pattern

    pages = iter_inputs(scanner())
    next(pages)
    assert taken == [0]
    assert len(list(pages)) == 2


def test_what_a_folder_listing_holds_is_a_path(folder: Path) -> None:
    with os.scandir(folder) as entries:
        (entry,) = (entry for entry in entries if entry.name == "a.dat")
    assert first(entry).width == 60


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "scan.pdf")
    with pytest.raises(UnsupportedInput, match=r"scan\.pdf: cannot be opened \(not a file\)"):
        first(tmp_path / "scan.pdf")


@pytest.mark.parametrize("source", [None, 7, {"a": 1}, object()])
def test_what_is_no_input_is_refused(source: Any) -> None:
    with pytest.raises(UnsupportedInput, match="is no input"):
        first(source)


def test_an_empty_text_is_no_path() -> None:
    with pytest.raises(UnsupportedInput, match="an empty text is no path"):
        first("")


def test_a_text_too_long_for_a_path_is_an_error_of_the_input() -> None:
    with pytest.raises(UnsupportedInput, match="cannot be opened"):
        first("QUJD" * 2000)


def test_an_address_of_another_kind_is_refused_without_its_keys() -> None:
    with pytest.raises(UnsupportedInput, match="s3://bucket/key: only http and https") as caught:
        first("s3://user:secret@bucket/key?token=secret")
    assert "secret" not in str(caught.value)


def test_a_bad_page_names_file_and_page(tmp_path: Path, make_pdf: Callable[..., bytes]) -> None:
    path = tmp_path / "broken.pdf"
    path.write_bytes(make_pdf((9, 9, 0), claim=2))
    pages = iter_inputs(path)
    assert next(pages).number == 1
    with pytest.raises(DamagedInput, match=r"broken\.pdf, page 2"):
        next(pages)


class TestRealDocuments:
    """Documents that others made."""

    def test_every_hostile_file_reads_or_says_why(self, dev_data: Path) -> None:
        said: dict[str, str] = {}
        sentences: list[tuple[str, str]] = []
        for path in sorted((dev_data / "hostile").iterdir()):
            try:
                for page in iter_inputs(path, limits=ReadLimits(max_page_megapixels=20)):
                    assert page.image.shape == (page.height, page.width, 3)
            except InputError as error:
                said[path.name] = type(error).__name__
                sentences.append((path.name, str(error)))
        assert all(name in sentence and "\n" not in sentence for name, sentence in sentences)
        assert len(list((dev_data / "hostile").iterdir())) == 36
        heic = "a page" if find_spec("pillow_heif") else "UnsupportedInput"
        assert said.pop("unstructur__DA-1p.heic", "a page") == heic
        assert said.pop("pillow__reallybig.bmp") == "LimitExceeded"
        assert said.pop("pdfjs__poppler-85140-0.pdf") == "LimitExceeded"
        locked = {name for name, kind in said.items() if kind == "PasswordRequired"}
        assert locked == {
            "pypdfium2__encrypted.pdf",
            "samplefile__libreoffice-writer-password.pdf",
            "testpdffil__encrypted.pdf",
        }
        assert {kind for name, kind in said.items() if name not in locked} == {"DamagedInput"}
        assert len(said) - len(locked) == 16

    @pytest.mark.parametrize(
        ("name", "password"),
        [
            ("testpdffil__encrypted.pdf", "kanbanery"),
            ("pypdfium2__encrypted.pdf", "test_user"),
            ("pypdfium2__encrypted.pdf", "test_owner"),
            ("samplefile__libreoffice-writer-password.pdf", "openpassword"),
        ],
    )
    def test_the_password_opens_and_a_wrong_one_does_not(
        self, dev_data: Path, name: str, password: str
    ) -> None:
        path = dev_data / "hostile" / name
        assert first(path, password=password).width > 1000
        with pytest.raises(PasswordRequired, match="the password given does not open"):
            first(path, password="wrong")

    def test_page_counts_of_all_pdfs(self, dev_data: Path) -> None:
        facts = json.loads((dev_data / "MANIFEST.json").read_text())["files"]
        pdfs = {entry["file"]: entry["facts"] for entry in facts if entry["kind"] == "pdf"}
        assert len(pdfs) == 26
        for name, fact in pdfs.items():
            info = probe(dev_data / name)
            assert len(info.pages) == fact["pages"], name
            assert not [page.problem for page in info.pages if page.problem]

    def test_white_letters_on_nothing_can_be_seen(self, dev_data: Path) -> None:
        for colour in ("white", "black"):
            image = first(dev_data / "hostile" / f"rapidocr__{colour}_font_color_transparent.png").image
            assert image.std() > 20

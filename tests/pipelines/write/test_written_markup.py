"""hOCR and ALTO: valid, the same text as the JSON, and every page in them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import xmlschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from sheets import CANCELLED, FAILED, SKIPPED, line, sheet, written

from pipelines.write import DocumentInfo

ALTO = "{http://www.loc.gov/standards/alto/ns-v4#}"
HTML = "{http://www.w3.org/1999/xhtml}"
# The schema as the Library of Congress publishes it, from a package of others who write ALTO: one file is
# wanted, and nothing that the package depends on.
SCHEMA_WHEEL = "htrflow==0.2.6 --hash=sha256:49755e919c6acb3faf56ba225582a932ab8bff1d9d627fc7ded75bc55e84f51c"
SCHEMA_FILE = "htrflow/serialization/schemas/alto-4-4.xsd"
MIXED = [
    sheet(
        line("Plain & <simple>", 0),
        line("\"quoted\" 'text' ]]>", 1),
        line("bell \x07 null \x00 and \ufffe \udc80 lone", 2),
        line("שלום עולם 12", 3),
        ("縦書き", (900, 100, 930, 400)),
        ("on its side", (950, 100, 980, 400)),
        line("👍🏽 wide 𐍈", 5),
        rec_languages=["en", "en", "en", "he", "ja", None, None],
    ),
    FAILED,
    SKIPPED,
    CANCELLED,
    sheet(),
]
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # by XML 1.0
NAME = 'a "b" & <c>\x01.pdf'


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> xmlschema.XMLSchema11 | xmlschema.XMLSchema10:
    folder = tmp_path_factory.mktemp("schema")
    (folder / "wanted.txt").write_text(SCHEMA_WHEEL)
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    done = subprocess.run(
        [*download, "-r", "wanted.txt"], cwd=folder, capture_output=True, text=True, check=False
    )
    wheels = list(folder.glob("*.whl"))
    if not wheels and not os.environ.get("CI"):
        pytest.skip(f"the package index does not give the schema: {done.stderr.strip()[-200:]}")
    with zipfile.ZipFile(wheels[0]) as wheel:
        source = wheel.read(SCHEMA_FILE).decode()
    locations = {"http://www.w3.org/1999/xlink": str(Path(__file__).with_name("xlink.xsd"))}
    return xmlschema.XMLSchema(source, locations=locations, allow="local")


@pytest.fixture
def alto(tmp_path: Path) -> Any:
    return etree.fromstring(written(tmp_path, "alto", *MIXED, info=DocumentInfo(NAME, 5)).encode())


@pytest.fixture
def hocr(tmp_path: Path) -> Any:
    return etree.fromstring(written(tmp_path, "hocr", *MIXED, info=DocumentInfo(NAME, 5)).encode())


def properties(element: Any) -> dict[str, str]:
    """The parts of an hOCR title."""
    parts = (part.strip().split(" ", 1) for part in element.get("title").split(";"))
    return dict(parts)


def of_class(root: Any, name: str) -> list[Any]:
    return root.findall(f".//*[@class='{name}']")


def expected() -> list[str]:
    return [" ".join(_FORBIDDEN.sub("\ufffd", text).split()) for text in MIXED[0]["rec_texts"]]


def test_alto_is_valid(tmp_path: Path, schema: Any) -> None:
    written(tmp_path, "alto", *MIXED, info=DocumentInfo(NAME, 5))
    schema.validate(tmp_path / "document.alto.xml")


def test_the_schema_refuses_what_is_wrong(tmp_path: Path, schema: Any) -> None:
    text = written(tmp_path, "alto", MIXED[0])
    for wrong in (text.replace('WC="0.970"', 'WC="2"', 1), text.replace("PHYSICAL_IMG_NR", "NUMBER", 1)):
        assert not schema.is_valid(wrong)


def test_a_document_without_pages_is_valid_too(tmp_path: Path, schema: Any) -> None:
    written(tmp_path, "alto")
    schema.validate(tmp_path / "document.alto.xml")


def test_alto_has_every_word_once(alto: Any) -> None:
    lines = [
        " ".join(string.get("CONTENT") for string in each.iter(f"{ALTO}String"))
        for each in alto.iter(f"{ALTO}TextLine")
    ]
    assert sorted(lines) == sorted(expected())
    assert all(0 <= float(each.get("WC")) <= 1 for each in alto.iter(f"{ALTO}String"))


def test_alto_says_which_pages_were_not_read_and_why(alto: Any) -> None:
    pages = list(alto.iter(f"{ALTO}Page"))
    assert [page.get("PHYSICAL_IMG_NR") for page in pages] == ["1", "2", "3", "4", "5"]
    assert [page.get("QUALITY") for page in pages] == [None, "Missing", "Missing", "Missing", None]
    assert pages[1].get("QUALITY_DETAIL") == "[Page 2 could not be read: Its <image> is torn & lost.]"


def test_alto_tells_directions_languages_and_turns(alto: Any) -> None:
    lines = {each[0].get("CONTENT"): each for each in alto.iter(f"{ALTO}TextLine")}
    assert lines["שלום"].get("BASEDIRECTION") == "rtl"
    assert lines["縦書き"].get("BASEDIRECTION") == "ttb"
    assert lines["Plain"].get("BASEDIRECTION") is None
    assert lines["שלום"].get("LANG") == "he"
    assert next(alto.iter(f"{ALTO}Page")).get("LANG") == "en"
    assert lines["on"].getparent().get("ROTATION") == "270.0"
    assert lines["縦書き"].getparent().get("ROTATION") is None


def test_hocr_has_every_word_once(hocr: Any) -> None:
    lines = [" ".join("".join(each.itertext()).split()) for each in of_class(hocr, "ocr_line")]
    assert sorted(lines) == sorted(expected())
    words = [word.text for word in of_class(hocr, "ocrx_word")]
    assert words == [word for text in lines for word in text.split(" ")]


def test_hocr_is_what_its_specification_asks_for(hocr: Any) -> None:
    metas = {meta.get("name"): meta.get("content") for meta in hocr.iter(f"{HTML}meta") if meta.get("name")}
    assert metas["ocr-system"]
    assert metas["ocr-number-of-pages"] == "5"
    used = {each.get("class") for each in hocr.iter() if each.get("class")}
    assert (
        used
        == {"ocr_page", "ocr_carea", "ocr_par", "ocr_line", "ocrx_word"}
        < set(metas["ocr-capabilities"].split())
    )
    ids = [each.get("id") for each in hocr.iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    inside = {"ocr_carea": "ocr_page", "ocr_par": "ocr_carea", "ocr_line": "ocr_par", "ocrx_word": "ocr_line"}
    for child, parent in inside.items():
        for each in of_class(hocr, child):
            assert each.getparent().get("class") == parent
            outer, inner = (list(map(int, properties(at)["bbox"].split())) for at in (each.getparent(), each))
            assert outer[0] <= inner[0] <= inner[2] <= outer[2]
            assert outer[1] <= inner[1] <= inner[3] <= outer[3]
    assert all(0 <= int(properties(each)["x_wconf"]) <= 100 for each in of_class(hocr, "ocrx_word"))


def test_hocr_says_which_pages_were_not_read_and_why(hocr: Any) -> None:
    pages = of_class(hocr, "ocr_page")
    assert [properties(page)["ppageno"] for page in pages] == ["0", "1", "2", "3", "4"]
    texts = [" ".join("".join(page.itertext()).split()) for page in pages]
    assert texts[1] == "[Page 2 could not be read: Its <image> is torn & lost.]"
    assert texts[2] == "[Page 3 was left out: It is not among the pages that were asked for.]"
    assert texts[3] == "[Page 4 was not read: The document was cancelled before.]"
    assert texts[4] == ""


def test_hocr_tells_directions_languages_and_turns(hocr: Any) -> None:
    lines = {each[0].text: each for each in of_class(hocr, "ocr_line")}
    assert lines["שלום"].get("dir") == "rtl"
    assert lines["שלום"].get("lang") == "he"
    assert lines["Plain"].get("lang") is None
    assert of_class(hocr, "ocr_page")[0].get("lang") == "en"
    assert properties(lines["on"])["textangle"] == "270"
    assert "vertical-rl" in lines["縦書き"].get("style")
    assert "textangle" not in properties(lines["縦書き"])


def test_a_slanting_line_rests_on_a_slanting_baseline(tmp_path: Path) -> None:
    content = sheet(("slanting", (0, 0, 1, 1)))
    content["rec_polys"] = [[[100, 100], [300, 120], [298, 140], [98, 120]]]
    root = etree.fromstring(written(tmp_path, "hocr", content).encode())
    (found,) = of_class(root, "ocr_line")
    slope, offset = map(float, properties(found)["baseline"].split())
    bottom = int(properties(found)["bbox"].split()[3])
    assert slope == pytest.approx(0.1, abs=0.001)
    assert bottom + offset == pytest.approx(116, abs=1.5)  # at the left: a fifth of the height above the edge


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=1, max_size=30).filter(str.strip))
def test_any_text_can_be_read_back(tmp_path: Path, text: str) -> None:
    words = " ".join(_FORBIDDEN.sub("\ufffd", word) for word in text.split())
    content = sheet((text, (100, 100, 400, 130)))
    page = etree.fromstring(written(tmp_path, "hocr", content).encode())
    assert " ".join(word.text for word in of_class(page, "ocrx_word")) == words
    strings = etree.fromstring(written(tmp_path, "alto", content).encode()).iter(f"{ALTO}String")
    assert " ".join(string.get("CONTENT") for string in strings) == words


def test_the_same_pages_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("hocr", "alto", "md", "txt", "csv", "jsonl"):
        assert written(tmp_path, name, *MIXED) == written(tmp_path, name, *MIXED)

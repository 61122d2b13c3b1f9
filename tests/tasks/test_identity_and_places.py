from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.settings import PipelineSettings, Settings, load_settings
from infra.storage import Location
from tasks.identity import document_id, pipeline_identity
from tasks.places import Folder, folder_of

BASE: dict[str, Any] = {
    "tenant": "default",
    "place": "bucket",
    "key": "a.pdf",
    "version": None,
    "etag": "e",
    "pipeline": "OCR",
    "options": {"dpi": 144, "visualize": True},
}


def test_the_id_is_the_same_whatever_the_order_of_options() -> None:
    assert document_id(**BASE) == document_id(**{**BASE, "options": {"visualize": True, "dpi": 144}})
    assert len(document_id(**BASE)) == 32


@pytest.mark.parametrize(
    "change",
    [
        {"tenant": "other"},
        {"place": "tekcub"},
        {"key": "b.pdf"},
        {"etag": "f"},
        {"version": "v"},
        {"version": "e"},
        {"pipeline": "OCR-v4"},
        {"options": {"dpi": 145, "visualize": True}},
        {"options": {}},
    ],
)
def test_whatever_makes_another_document_changes_the_id(change: dict[str, Any]) -> None:
    assert document_id(**{**BASE, **change}) != document_id(**BASE)


def test_a_pipeline_goes_by_its_name_or_by_its_configuration() -> None:
    own = {"pipeline_name": "OCR", "SubModules": {"TextDetection": {"thresh": 0.25}}}
    changed = {"pipeline_name": "OCR", "SubModules": {"TextDetection": {"thresh": 0.26}}}
    names = [
        pipeline_identity(PipelineSettings()),
        pipeline_identity(PipelineSettings(name="OCR-v4")),
        pipeline_identity(PipelineSettings(engine="fake")),
        pipeline_identity(PipelineSettings(config=own)),
        pipeline_identity(PipelineSettings(config=changed)),
    ]
    assert names[0] == pipeline_identity(PipelineSettings(engine="onnxruntime"))
    assert len(set(names)) == len(names)


def test_with_a_version_the_etag_does_not_count() -> None:
    one, other = ({**BASE, "version": "v", "etag": etag} for etag in "ef")
    assert document_id(**one) == document_id(**other)


def settings(tmp_path: Path, **values: Any) -> Settings:
    return load_settings({"results": "s3://results/base", **values})


def folder(chosen: Settings, tenant: str = "default") -> str:
    source = Location.parse("s3://inbox/in")
    return folder_of(chosen, document="d1", tenant=tenant, source=source, key="x/a b.pdf").key


def test_levels_appear_where_there_can_be_several(tmp_path: Path) -> None:
    assert folder(settings(tmp_path)) == "base/x/a%20b.pdf/d1"
    two = ["s3://inbox/in", "s3://other/in"]
    assert folder(settings(tmp_path, sources=two)) == "base/inbox/x/a%20b.pdf/d1"
    assert folder(settings(tmp_path, sources=two, bucket_level=False)) == "base/x/a%20b.pdf/d1"
    assert folder(settings(tmp_path, tenants=["a", "b"]), "b") == "base/b/x/a%20b.pdf/d1"


@given(st.integers(1, 99_999))
def test_keys_of_pages_sort_by_page_and_tell_their_number(number: int) -> None:
    here = Folder("base/a.pdf/d1")
    assert here.page_number(here.page(number)) == number
    assert here.page_number(here.picture(number, "ocr_res_img")) is None
    assert here.page_start(number) < here.page(number) < here.picture(number, "ocr_res_img")
    if number < 99_999:
        assert here.picture(number, "ocr_res_img") < here.page(number + 1)


@pytest.mark.parametrize("number", [0, -1, 100_000])
def test_a_page_without_a_key_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="has no key"):
        Folder("f").page(number)

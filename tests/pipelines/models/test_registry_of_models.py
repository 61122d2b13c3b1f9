"""The registry knows every name and pins whole digests."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from pipelines.errors import OptionError
from pipelines.models import MODELS, Module, known_sha256, spec_of
from pipelines.models.registry import pinned

_SCRIPTS_V3 = [
    "korean",
    "japan",
    "chinese_cht",
    "te",
    "ka",
    "ta",
    "latin",
    "arabic",
    "cyrillic",
    "devanagari",
]
_SCRIPTS_V5 = ["korean", "latin", "arabic", "cyrillic", "devanagari", "el", "en", "eslav", "ta", "te", "th"]
NAMES = {
    Module.DOC_ORIENTATION: {"PP-LCNet_x1_0_doc_ori"},
    Module.DOC_UNWARPING: {"UVDoc"},
    Module.TEXTLINE_ORIENTATION: {
        "PP-LCNet_x0_25_textline_ori",
        "PP-LCNet_x1_0_textline_ori",
        "ch_ppocr_mobile_v2.0_cls",
    },
    Module.TEXT_DETECTION: {
        *(f"PP-OCR{v}_{size}_det" for v in ("v3", "v4", "v5") for size in ("server", "mobile")),
        *(f"PP-OCRv6_{size}_det" for size in ("medium", "small", "tiny")),
    },
    Module.TEXT_RECOGNITION: {
        "PP-OCRv4_server_rec_doc",
        "ch_SVTRv2_rec",
        "ch_RepSVTR_rec",
        "PP-OCRv3_mobile_rec",
        *(f"PP-OCR{v}_{size}_rec" for v in ("v4", "v5") for size in ("server", "mobile")),
        *(f"PP-OCRv6_{size}_rec" for size in ("medium", "small", "tiny")),
        "en_PP-OCRv4_mobile_rec",
        "en_PP-OCRv3_mobile_rec",
        *(f"{script}_PP-OCRv3_mobile_rec" for script in _SCRIPTS_V3),
        *(f"{script}_PP-OCRv5_mobile_rec" for script in _SCRIPTS_V5),
    },
}


@pytest.mark.parametrize("module", list(Module))
def test_every_name_of_a_module_is_known(module: Module) -> None:
    assert {spec.name for spec in MODELS.values() if spec.module is module} == NAMES[module]


def test_every_pin_is_a_whole_digest_with_a_size() -> None:
    members = [m for spec in MODELS.values() for w in spec.wheels for m in w.members]
    assert len(members) > 20
    for member in members:
        assert re.fullmatch(r"[0-9a-f]{64}", member.sha256), member
        assert member.size > 0


@pytest.mark.parametrize(
    ("name", "form", "start"),
    [
        ("PP-OCRv6_small_det", "onnx", "d73e0058b7a8086b"),
        ("PP-OCRv6_small_rec", None, "5435fd747c9e0efe"),
        ("PP-OCRv4_mobile_det", "paddle", "49ee815e30cff43c"),
        ("PP-OCRv4_mobile_rec", "paddle", "a6dbfa63e7ee1616"),
        ("PP-OCRv4_mobile_rec", "onnx", "48fc40f24f6d2a20"),
        ("PP-LCNet_x1_0_doc_ori", None, "2f62c9bfb830a0b4"),
        ("UVDoc", None, "98f7a03bbe376400"),
    ],
)
def test_known_digest_is_of_the_file_with_the_numbers(name: str, form: str | None, start: str) -> None:
    digest = known_sha256(name, form)  # type: ignore[arg-type]  # parametrised as plain strings
    assert digest is not None
    assert digest.startswith(start)


def test_a_model_without_a_wheel_has_no_known_digest() -> None:
    assert known_sha256("PP-OCRv5_server_det") is None
    assert known_sha256("PP-OCRv6_small_det", "paddle") is None


def test_wheels_for_tests_are_no_pins() -> None:
    assert spec_of("japan_PP-OCRv3_mobile_rec").wheels[0].tests_only
    assert pinned("japan_PP-OCRv3_mobile_rec") is None


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(OptionError, match=r"'PP-OCRv6_smal_det'; did you mean 'PP-OCRv6_small_det'\?"):
        spec_of("PP-OCRv6_smal_det")
    with pytest.raises(OptionError, match="models list"):
        spec_of("zzz")


def test_only_the_grid_form_of_the_unwarper_is_ever_used() -> None:
    assert spec_of("UVDoc").official_forms == ()
    assert spec_of("UVDoc").forms == ("onnx",)


def test_asking_for_a_digest_imports_no_array_library_and_no_parser() -> None:
    code = (
        "import sys; from pipelines.models import known_sha256; known_sha256('PP-OCRv6_small_det');"
        "print(sorted({'numpy', 'cv2', 'yaml', 'filelock', 'http.client'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

from __future__ import annotations

import pytest

from pipelines.errors import OptionError
from pipelines.languages import (
    language_of,
    language_of_model,
    languages_of,
    recognisers_for,
    scripts_of,
)
from pipelines.models import MODELS, Module

SMALL, OLD = "PP-OCRv6_small_rec", "PP-OCRv4_mobile_rec"
RECOGNISERS = [name for name, spec in MODELS.items() if spec.module is Module.TEXT_RECOGNITION]


@pytest.mark.parametrize(
    ("languages", "main", "chosen"),
    [
        ([], SMALL, [SMALL]),
        (["zh", "en", "ja", "fr"], SMALL, [SMALL]),  # it reads them all
        (["en"], OLD, [OLD]),
        (["ja"], OLD, [OLD, SMALL]),
        (["ja", "zh-Hant", "fr"], OLD, [OLD, SMALL]),  # the first that is added reads the others too
        (["ru"], SMALL, [SMALL, "eslav_PP-OCRv5_mobile_rec"]),
        (["bg", "ru"], SMALL, [SMALL, "cyrillic_PP-OCRv5_mobile_rec"]),
        (["ko", "th"], SMALL, [SMALL, "korean_PP-OCRv5_mobile_rec", "th_PP-OCRv5_mobile_rec"]),
        (["kn"], SMALL, [SMALL, "ka_PP-OCRv3_mobile_rec"]),
        (["ja"], "PP-OCRv6_tiny_rec", ["PP-OCRv6_tiny_rec", SMALL]),
        (["japan_PP-OCRv3_mobile_rec", "ja"], OLD, [OLD, "japan_PP-OCRv3_mobile_rec"]),
        ([SMALL, OLD], OLD, [OLD, SMALL]),
    ],
)
def test_languages_bring_the_models_that_read_them(
    languages: list[str], main: str, chosen: list[str]
) -> None:
    assert recognisers_for(languages, main) == tuple(chosen)


@pytest.mark.parametrize(
    ("language", "nearest"),
    [
        ("jp", "'ja'"),
        ("japan", "'ja'"),
        ("ch", "'zh'"),
        ("korean", "'ko'"),
        ("zh-hant", "'zh-Hant'"),
        ("zh_TW", "'zh-Hant'"),
        ("zh_CN", "'zh'"),
        ("EN", "'en'"),
        ("pt-BR", "'pt'"),
        ("japan_PP-OCRv3_mobile", "'japan_PP-OCRv3_mobile_rec'"),
        ("PP-OCRv6_small_det", "'PP-OCRv6_small_rec'"),  # a model, but it finds lines
        ("tlh-Piqd-x-federation", "such as 'ja'"),
    ],
)
def test_what_is_no_language_names_the_nearest(language: str, nearest: str) -> None:
    with pytest.raises(OptionError, match=f"languages: .*{language}.*{nearest}"):
        recognisers_for([language], SMALL)


@pytest.mark.parametrize("name", RECOGNISERS)
def test_every_model_reads_something_and_is_taken_by_its_name(name: str) -> None:
    assert languages_of(name)
    assert recognisers_for([name], "another") == ("another", name)


def test_every_language_some_model_reads_brings_one_that_is_known() -> None:
    for language in frozenset().union(*map(languages_of, RECOGNISERS)):
        *_, added = recognisers_for([language], "of another maker" if language in ("zh", "en") else OLD)
        assert added in {*RECOGNISERS, "of another maker"}


def test_models_for_one_language_tell_it() -> None:
    assert language_of_model("japan_PP-OCRv3_mobile_rec") == "ja"
    assert language_of_model("en_PP-OCRv5_mobile_rec") == "en"
    assert language_of_model("ka_PP-OCRv3_mobile_rec") == "kn"
    assert language_of_model("th_PP-OCRv5_mobile_rec") == "th"
    assert language_of_model("latin_PP-OCRv5_mobile_rec") is None
    assert language_of_model(SMALL) is None


@pytest.mark.parametrize(
    ("script", "model", "language"),
    [
        ("Jpan", SMALL, "ja"),
        ("Hani", SMALL, None),  # Chinese or Japanese
        ("Hani", OLD, "zh"),
        ("Hani", "japan_PP-OCRv3_mobile_rec", "ja"),
        ("Hani", "chinese_cht_PP-OCRv3_mobile_rec", "zh-Hant"),
        ("Latn", "korean_PP-OCRv5_mobile_rec", None),
        ("Kore", "korean_PP-OCRv5_mobile_rec", "ko"),
        ("Latn", "en_PP-OCRv5_mobile_rec", "en"),
        ("Latn", "latin_PP-OCRv5_mobile_rec", None),
        ("Cyrl", "eslav_PP-OCRv5_mobile_rec", None),
        ("Thai", "th_PP-OCRv5_mobile_rec", "th"),
        (None, "th_PP-OCRv5_mobile_rec", None),
        (None, SMALL, None),
    ],
)
def test_script_and_model_together_tell_a_lines_language(
    script: str | None, model: str, language: str | None
) -> None:
    assert language_of(script, model) == language


def test_models_made_for_a_script_say_so() -> None:
    assert scripts_of("eslav_PP-OCRv5_mobile_rec") == {"Cyrl"}
    assert not scripts_of(SMALL)

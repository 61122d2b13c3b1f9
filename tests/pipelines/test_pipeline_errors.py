from __future__ import annotations

import inspect
import pickle
import re
from pathlib import Path

import pytest

from pipelines import create_pipeline, errors
from pipelines.errors import ConfigError, InputError, LimitExceeded, OptionError, PipelineError, WeightsError

CLASSES = [
    value for _, value in inspect.getmembers(errors, inspect.isclass) if value.__module__ == errors.__name__
]


def test_one_root_catches_them_all() -> None:
    assert len(CLASSES) > 10
    assert all(issubclass(each, PipelineError) for each in CLASSES)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^ {4}([│ ]*)(?:[├└]── )?([A-Z]\w+)", line)
        if match:
            drawn.append((len(match[1]) // 4 + ("──" in line), match[2]))
    parents: dict[str, str] = {}
    above: list[str] = []
    for depth, name in drawn:
        above[depth:] = [name]
        if depth:
            parents[name] = above[depth - 1]
    real = {each.__name__: each.__bases__[0].__name__ for each in CLASSES if each is not PipelineError}
    assert parents == real


@pytest.mark.parametrize("each", CLASSES)
def test_each_says_whether_trying_again_may_help(each: type[PipelineError]) -> None:
    assert each.retryable is (each is WeightsError)


def test_a_limit_keeps_its_name_on_the_way_between_processes() -> None:
    error = pickle.loads(
        pickle.dumps(LimitExceeded("page 3 has 900 megapixels", limit="max_page_megapixels"))
    )
    assert isinstance(error, LimitExceeded)
    assert issubclass(LimitExceeded, InputError)
    assert (str(error), error.limit) == ("page 3 has 900 megapixels", "max_page_megapixels")


def test_an_unknown_key_comes_with_the_nearest_known_one() -> None:
    error = ConfigError.unknown("unclip", ["thresh", "unclip_ratio"], where="TextDetection")
    assert isinstance(error, OptionError)
    assert str(error) == "TextDetection: unknown key 'unclip'; did you mean 'unclip_ratio'?"


def test_a_key_like_no_other_comes_with_all_of_them() -> None:
    error = ConfigError.unknown("zzz", ["thresh", "limit_type"], where="TextDetection")
    assert str(error) == "TextDetection: unknown key 'zzz'; known are limit_type, thresh"


def test_where_no_engine_can_be_had_the_first_ones_reason_is_told(tmp_path: Path) -> None:
    pytest.importorskip("paddle", reason="the last engine, which asks for another form of weights")
    off = {"use_doc_orientation_classify": False, "use_doc_unwarping": False}
    with pytest.raises(WeightsError, match=r"PP-OCRv6_small_det \(onnx\)"):
        create_pipeline("OCR", device="cpu", cache_dir=tmp_path, model_source=["cache"], **off)

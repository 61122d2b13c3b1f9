from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def scoring() -> ModuleType:
    spec = importlib.util.spec_from_file_location("scoring", BENCHMARKS / "scoring.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["scoring"] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


def _box(x: int, y: int, width: int = 100) -> list[list[int]]:
    return [[x, y], [x + width, y], [x + width, y + 20], [x, y + 20]]


def _reading(*lines: tuple[str, list[list[int]]]) -> dict[str, Any]:
    return {"rec_texts": [text for text, _ in lines], "rec_polys": [box for _, box in lines]}


def test_lines_are_compared_by_place_not_by_order(scoring: ModuleType) -> None:
    agreement = scoring.Agreement()
    ours = _reading(("b", _box(0, 50)), ("a", _box(0, 0)))
    theirs = _reading(("a", _box(1, 2)), ("b", _box(0, 50)))
    assert agreement.add(ours, theirs) == []
    assert (agreement.lines, agreement.same_text, agreement.close) == (2, 2, 2)
    assert agreement.same_page == 0


def test_boxes_further_than_two_pixels_are_not_close(scoring: ModuleType) -> None:
    agreement = scoring.Agreement()
    agreement.add(_reading(("a", _box(0, 0))), _reading(("a", _box(3, 0))))
    assert (agreement.same_text, agreement.close, agreement.same_page) == (1, 0, 1)


def test_a_line_that_one_side_lacks_counts_against_both(scoring: ModuleType) -> None:
    whole, half = _reading(("a", _box(0, 0)), ("b", _box(0, 90))), _reading(("a", _box(0, 0)))
    for ours, theirs in ((whole, half), (half, whole), (whole, _reading())):
        agreement = scoring.Agreement()
        agreement.add(ours, theirs)
        assert agreement.lines == 2
        assert agreement.same_text < 2


def test_texts_that_differ_are_handed_back(scoring: ModuleType) -> None:
    pairs = scoring.Agreement().add(_reading(("vs.", _box(0, 0))), _reading(("vS.", _box(0, 0))))
    assert pairs == [("vs.", "vS.")]


def test_each_line_is_paired_once_with_its_nearest(scoring: ModuleType) -> None:
    pairs = scoring.pair_lines([_box(0, 0), _box(0, 8)], [_box(0, 6)])
    assert pairs == [(1, 0, 2.0)]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [(["Total due 12.50"], 1.0), (["TOTAL", "due"], 2 * 2 / (4 + 2)), ([], 0.0), (["x"] * 4, 0.0)],
)
def test_word_f1_is_over_bags_of_words(
    scoring: ModuleType, tmp_path: Path, texts: list[str], expected: float
) -> None:
    row = {"file": "images/a.jpg", "space": "significant", "lines": [{"text": "TOTAL DUE 12.50"}]}
    silent = {"file": "images/zh.jpg", "space": "none", "lines": [{"text": "发票"}]}
    truth = tmp_path / "truth.jsonl"
    truth.write_text("\n".join(json.dumps(each) for each in (row, silent)), encoding="utf-8")
    reading = _reading(*((text, _box(0, 30 * index)) for index, text in enumerate(texts)))
    (tmp_path / "a_res.json").write_text(json.dumps(reading), encoding="utf-8")
    assert scoring.word_f1(truth, tmp_path) == pytest.approx(expected)


def test_words_in_a_region_without_truth_are_left_out(scoring: ModuleType, tmp_path: Path) -> None:
    row = {"file": "a.jpg", "space": "significant", "lines": [{"text": "one"}], "ignore": [_box(0, 100, 300)]}
    (tmp_path / "truth.jsonl").write_text(json.dumps(row), encoding="utf-8")
    reading = _reading(("one", _box(0, 0)), ("stamp", _box(20, 102)))
    (tmp_path / "a_res.json").write_text(json.dumps(reading), encoding="utf-8")
    assert scoring.word_f1(tmp_path / "truth.jsonl", tmp_path) == 1.0

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipelines import create_pipeline
from pipelines.config.loading import load_config
from pipelines.devices import CPU
from pipelines.engines import choose
from pipelines.engines.base import Session
from pipelines.engines.fake import FakeEngine
from pipelines.errors import ConfigError, EngineError, EngineUnavailable, SelfCheckError
from pipelines.selfcheck import LINES, check_reading, known_page


class BrokenEngine(FakeEngine):
    """Reads, but reads nonsense: what a broken driver or precision does."""

    name = "broken"
    reads_text = True


class FailingEngine(FakeEngine):
    """Is installed, and cannot load anything."""

    name = "failing"

    def load(self, files: Any, *, best_class: bool = False, parallel: bool = False) -> Session:
        raise EngineError(f"failing failed at loading {files.name}")


Install = Callable[..., None]


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Let `auto` choose among these, best first."""

    def install(*names: str) -> None:
        for engine in (BrokenEngine, FailingEngine):
            known = choose.Known(None, __name__, engine.__name__, ("cpu",))
            monkeypatch.setitem(choose._ENGINES, engine.name, known)
        absent = choose.Known("no_such_package", "no_such_package", "Engine", ("cpu",), "absent")
        monkeypatch.setitem(choose._ENGINES, "absent", absent)
        monkeypatch.setitem(choose._AUTO, "cpu", names)
        monkeypatch.setattr(choose, "_WITH_AVX512", names)

    return install


def _blank() -> np.ndarray:
    return np.full((64, 64, 3), 255, dtype=np.uint8)


def test_the_known_page_has_ink_on_every_line_and_is_always_the_same() -> None:
    page = known_page()
    assert page.shape == (256, 640, 3)
    assert np.array_equal(page, known_page())
    for row in range(len(LINES)):
        assert (page[40 + 70 * row : 75 + 70 * row] < 60).any()


def test_a_reading_may_differ_in_a_character_or_two() -> None:
    alike = check_reading(
        ["INVOICE 20417", "Total 1,385.6O", "paid by bank transfcr"], reads_text=True, engine="e"
    )
    assert 0.9 < alike < 1


@pytest.mark.parametrize("texts", [[], ["", "", ""], ["hello world"], ["1 I1I 1", "xvvxvx", "pppp qqq"]])
def test_other_words_are_an_error_that_quotes_both(texts: list[str]) -> None:
    with pytest.raises(SelfCheckError, match=r"openvino.*INVOICE 20417"):
        check_reading(texts, reads_text=True, engine="openvino")


def test_an_engine_that_makes_words_up_must_find_every_line() -> None:
    assert check_reading(["bako", "rimu", "ledo"], reads_text=False, engine="fake") == 1.0
    for texts in (["bako", "rimu"], ["bako", "", "ledo"]):
        with pytest.raises(SelfCheckError, match="3"):
            check_reading(texts, reads_text=False, engine="fake")


def test_warming_up_refuses_an_engine_that_reads_nonsense(engines: Install) -> None:
    engines()
    with pytest.raises(SelfCheckError, match="broken"):
        create_pipeline("OCR", engine="broken").warm_up()


@pytest.mark.parametrize("first", ["broken", "failing", "absent"])
def test_auto_passes_over_an_engine_that_fails_and_says_so(
    engines: Install, first: str, caplog: pytest.LogCaptureFixture
) -> None:
    engines(first, "fake")
    if first == "absent":
        # As when a package is found and then turns out to be broken.
        choose._ENGINES["absent"] = replace(choose._ENGINES["absent"], package="json")
    with caplog.at_level(logging.WARNING):
        pipeline = create_pipeline("OCR")
        (result,) = pipeline.predict(_blank())
    assert result["pipeline"]["engine"] == pipeline.describe()["engine"] == "fake"
    assert first in caplog.text


def test_auto_without_an_engine_that_works_fails_as_the_first_one_did(engines: Install) -> None:
    engines("broken", "failing")
    pipeline = create_pipeline("OCR")
    with pytest.raises(SelfCheckError, match="broken"):
        list(pipeline.predict(_blank()))


def test_a_named_engine_is_not_passed_over(engines: Install) -> None:
    engines("fake")
    with pytest.raises(EngineError, match="failing failed at loading PP-LCNet_x1_0_doc_ori"):
        create_pipeline("OCR", engine="failing").warm_up()


def test_an_engine_that_is_not_installed_names_the_extra(engines: Install) -> None:
    engines()
    with pytest.raises(EngineUnavailable, match=r"pip install 'pageline\[absent\]'"):
        create_pipeline("OCR", engine="absent")


@pytest.mark.parametrize(("wide", "first"), [(True, "openvino"), (False, "onnxruntime")])
def test_the_engine_that_is_fastest_on_such_a_cpu_comes_first(
    monkeypatch: pytest.MonkeyPatch, wide: bool, first: str
) -> None:
    monkeypatch.setattr(choose, "_has_avx512", lambda: wide)
    assert choose.candidates("auto", CPU)[0] == first
    assert choose.candidates("paddle_static", CPU) == ["paddle"]
    assert choose.candidates("hpi", CPU) == choose.candidates("auto", CPU)
    monkeypatch.setattr(choose, "installed", lambda _name: False)
    with pytest.raises(EngineUnavailable, match=rf"pageline\[{first}\]"):
        choose.candidates("auto", CPU)


def test_an_unknown_engine_is_named_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'onnx_runtime'.*'onnxruntime'"):
        create_pipeline("OCR", engine="onnx_runtime")


@pytest.mark.parametrize("said_by", ["the call", "the configuration"])
def test_use_hpip_chooses_whatever_engine_the_configuration_names(engines: Install, said_by: str) -> None:
    engines("fake")
    config = {**load_config("OCR"), "engine": "failing"}
    if said_by == "the configuration":
        pipeline = create_pipeline(config={**config, "use_hpip": True})
    else:
        pipeline = create_pipeline(config=config, use_hpip=True)
    described = pipeline.describe()
    assert (described["engine"], described["chosen_by"]) == ("fake", "measured")
    assert described["measured"]["fake"] > 0
    named = create_pipeline(config=config).describe()
    assert (named["engine"], named["chosen_by"]) == ("failing", "named")
    assert "measured" not in named

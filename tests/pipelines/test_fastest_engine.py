from __future__ import annotations

from collections.abc import Callable

import pytest

from pipelines.engines import fastest
from pipelines.engines.fastest import rank, timed
from pipelines.errors import EngineUnavailable, SelfCheckError


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fastest, "_known", {})


def _measure(**seconds: float | Exception) -> Callable[[str], float]:
    def measure(name: str) -> float:
        answer = seconds[name]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return measure


def test_the_engine_that_takes_least_is_the_fastest() -> None:
    ranking = rank(["a", "b", "c"], _measure(a=0.5, b=0.2, c=0.3), key="k")
    assert ranking.fastest == "b"
    assert list(ranking.seconds.items()) == [("b", 0.2), ("c", 0.3), ("a", 0.5)]


def test_an_engine_that_reads_wrongly_is_out_however_fast(caplog: pytest.LogCaptureFixture) -> None:
    ranking = rank(["quick", "right"], _measure(quick=SelfCheckError("nonsense"), right=9.0), key="k")
    assert ranking.fastest == "right"
    assert ranking.refused == {"quick": "nonsense"}
    assert "quick is passed over: nonsense" in caplog.text


def test_where_no_engine_is_left_the_last_ones_error_is_raised() -> None:
    with pytest.raises(SelfCheckError, match="nonsense"):
        rank(["a", "b"], _measure(a=EngineUnavailable("gone"), b=SelfCheckError("nonsense")), key="k")


def test_a_fault_of_the_program_is_not_taken_for_an_engines() -> None:
    with pytest.raises(ZeroDivisionError):
        rank(["a", "b"], _measure(a=ZeroDivisionError(), b=1.0), key="k")


def test_what_was_measured_once_is_known_until_something_changes() -> None:
    asked: list[str] = []

    def measure(name: str) -> float:
        asked.append(name)
        return 1.0

    assert rank(["a"], measure, key="cpu") is rank(["a"], measure, key="cpu")
    assert asked == ["a"]
    rank(["a"], measure, key="gpu:0")
    assert asked == ["a", "a"]


def test_the_first_round_does_not_count_and_the_least_of_the_others_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter([0.0, 5.0, 10.0, 12.0, 20.0, 23.0])
    monkeypatch.setattr(fastest, "perf_counter", lambda: next(clock))
    rounds: list[None] = []
    assert timed(lambda: rounds.append(None)) == 2.0
    assert len(rounds) == 4

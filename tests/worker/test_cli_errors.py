from __future__ import annotations

import pytest

from infra.errors import SettingsError
from pipelines.errors import DamagedInput
from worker.cli.errors import CommandError, ExitCode, UsageError, reported


def ends_with(error: BaseException) -> int:
    with pytest.raises(SystemExit) as ended, reported():
        raise error
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CommandError("The stack did not come up."), ExitCode.ERROR),
        (UsageError("The stack did not come up."), ExitCode.USAGE),
        (DamagedInput("The stack did not come up."), ExitCode.ERROR),
        (SettingsError("The stack did not come up."), ExitCode.ERROR),
    ],
)
def test_an_expected_error_is_its_sentence_and_a_code(
    error: Exception, code: ExitCode, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ends_with(error) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "pageline: The stack did not come up.\n"


def test_a_foreign_message_of_several_lines_is_folded_into_one(capsys: pytest.CaptureFixture[str]) -> None:
    ends_with(CommandError("first\n  second\tthird"))
    assert capsys.readouterr().err == "pageline: first second third\n"


def test_a_fault_of_our_own_names_its_class_and_how_to_see_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert ends_with(KeyError("page")) == ExitCode.ERROR
    err = capsys.readouterr().err
    assert "KeyError: 'page'" in err
    assert "PAGELINE_DEBUG=1" in err
    assert "Traceback" not in err


def test_an_error_without_words_is_named_by_its_class(capsys: pytest.CaptureFixture[str]) -> None:
    ends_with(MemoryError())
    assert "MemoryError (" in capsys.readouterr().err


def test_ctrl_c_ends_as_shells_expect(capsys: pytest.CaptureFixture[str]) -> None:
    assert ends_with(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "pageline: interrupted\n"


def test_debugging_lets_the_traceback_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGELINE_DEBUG", "1")
    with pytest.raises(KeyError), reported():
        raise KeyError("page")


@pytest.mark.parametrize("off", ["", "0"])
def test_debugging_can_be_switched_off(off: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGELINE_DEBUG", off)
    assert ends_with(CommandError("x")) == ExitCode.ERROR


def test_a_command_that_succeeds_is_left_alone() -> None:
    with reported():
        pass

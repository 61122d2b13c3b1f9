from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from worker.cli.signals import Terminated, ending_in_order


@pytest.fixture(autouse=True)
def heeded() -> Iterator[None]:
    """Ctrl-C counts: a script's background job would have had it ignored from the start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("number", "raised"),
    [(signal.SIGTERM, Terminated), (signal.SIGHUP, Terminated), (signal.SIGINT, KeyboardInterrupt)],
)
def test_each_signal_unwinds_and_the_handlers_are_put_back(
    number: signal.Signals, raised: type[BaseException]
) -> None:
    before = signal.getsignal(number)
    with pytest.raises(raised), ending_in_order():
        signal.raise_signal(number)
    assert signal.getsignal(number) == before


def test_further_signals_do_not_disturb_the_tearing_down() -> None:
    torn_down = []

    def tear_down() -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        torn_down.append(True)

    exits = ExitStack()
    exits.callback(tear_down)
    with pytest.raises(KeyboardInterrupt), ending_in_order(), exits:
        signal.raise_signal(signal.SIGINT)
    assert torn_down


def test_what_was_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ending_in_order():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_request_to_end_is_told_by_the_exit_code() -> None:
    with pytest.raises(SystemExit) as ended, ending_in_order():
        signal.raise_signal(signal.SIGTERM)
    assert ended.value.code == 143

from __future__ import annotations

import threading
from typing import Any, cast

from tasks.rangerun import RangeRun
from tasks.writing import Read, Writer


class Broken:
    """A run of which nothing works."""

    def __getattr__(self, name: str) -> Any:
        raise ValueError(f"{name} failed")


def test_errors_nobody_expected_do_not_leave_the_reading_thread_waiting() -> None:
    writer = Writer(cast("RangeRun", Broken()))

    def read() -> None:
        with writer:
            for number in range(1, 10):
                writer.put(Read(number, None, "torn"))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(30)
    assert not reader.is_alive()
    assert isinstance(writer.error, ValueError)

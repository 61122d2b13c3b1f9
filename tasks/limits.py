"""The limits of reading, as the settings change them."""

from __future__ import annotations

from collections.abc import Callable

from infra.errors import SettingsError
from infra.settings import Settings
from pipelines.read import ReadLimits
from tasks.records import Source
from tasks.sourcecache import file_name


def read_limits(settings: Settings) -> ReadLimits:
    """Return the limits. Raises `SettingsError` for a limit that does not exist."""
    try:
        return ReadLimits(**settings.limits)  # type: ignore[arg-type]  # numbers, whole where they were written so
    except TypeError as error:
        raise SettingsError(f"PAGELINE_LIMITS: {error}") from error


def checked_while_fetched(
    limits: ReadLimits, source: Source, move: Callable[[], None]
) -> Callable[[int], None]:
    """Return what is to be told how much of a source there is or has come, and so refuses too much of it.

    It raises `LimitExceeded`, and calls `move` each time. A document that is too large for a limit may be
    too large for the disk as well, and what storage says of its size need not be true.
    """
    name = file_name(source.key)

    def told(size: int) -> None:
        limits.check_bytes(size, name)
        move()

    return told

"""What a check found."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from infra.errors import InfraError
from infra.log import masked

_log = logging.getLogger(__name__)


class Grade(StrEnum):
    """How well it is. Only a problem keeps a fleet from working."""

    GOOD = "good"
    UNKNOWN = "unknown"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        about: What was looked at, in a word or two.
        said: What was found, one sentence without a full stop.
        todo: What to do about it; empty where there is nothing to do.
    """

    grade: Grade
    about: str
    said: str
    todo: str = ""


def good(about: str, said: str) -> Finding:
    """Make a finding of something that is as it should be."""
    return Finding(Grade.GOOD, about, said)


def unknown(about: str, said: str, todo: str = "") -> Finding:
    """Make a finding of something that cannot be told from here."""
    return Finding(Grade.UNKNOWN, about, said, todo)


def warning(about: str, said: str, todo: str) -> Finding:
    """Make a finding of something that works and should be otherwise."""
    return Finding(Grade.WARNING, about, said, todo)


def problem(about: str, said: str, todo: str) -> Finding:
    """Make a finding of something that keeps the fleet, or a part of it, from working."""
    return Finding(Grade.PROBLEM, about, said, todo)


def looked(about: str, check: Callable[[], Iterable[Finding]], todo: str) -> Iterator[Finding]:
    """Yield what a check finds; an error that ends it is a problem, which `todo` helps with."""
    try:
        yield from check()
    except InfraError as error:
        yield problem(about, masked(str(error)), todo)
    except Exception as error:  # noqa: BLE001  -- the other checks must be made
        _log.debug("the check of %s failed", about, exc_info=True)
        yield problem(about, masked(f"{type(error).__name__}: {error}"), todo)

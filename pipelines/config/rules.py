"""What a value of the configuration may be, said once for files, dictionaries and calls alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from os import PathLike

from pipelines.errors import ConfigError

LONGEST_SIDE = 32_767  # polygons are int16, as upstream's are


@dataclass(frozen=True)
class Rule:
    """A test for one value, with the words that say what passes it."""

    expected: str
    passes: Callable[[object], bool]

    def check(self, value: object, *, name: str) -> None:
        """Raise a ConfigError that names `name` when `value` does not pass."""
        if not self.passes(value):
            raise ConfigError(f"{name}: expected {self.expected}, got {value!r}")


def _is_number(value: object, low: float, high: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isfinite(value) and low <= value <= high


def _is_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def one_of(*choices: str) -> Rule:
    """A rule that lets exactly these words pass."""
    return Rule(" or ".join(map(repr, choices)), lambda value: value in choices)


FLAG = Rule("True or False", lambda value: isinstance(value, bool))
FRACTION = Rule("a number from 0 to 1", lambda value: _is_number(value, 0, 1))
RATIO = Rule("a number from 0 to 100", lambda value: _is_number(value, 0, 100))
SIDE = Rule(f"a whole number from 1 to {LONGEST_SIDE}", lambda value: _is_whole(value, 1, LONGEST_SIDE))
COUNT = Rule("a whole number from 1 to 1024", lambda value: _is_whole(value, 1, 1024))
NAME = Rule("a name", lambda value: isinstance(value, str) and bool(value.strip()))
NAMES = Rule(
    "a list of names",
    lambda value: isinstance(value, list | tuple) and bool(value) and all(map(NAME.passes, value)),
)
FOLDER = Rule("the path of a folder", lambda value: isinstance(value, str | PathLike) and bool(str(value)))
MAPPING = Rule("a mapping", lambda value: isinstance(value, dict))
ANY = Rule("anything", lambda _value: True)
NOTHING = Rule("nothing, since this version has no such thing", lambda _value: False)

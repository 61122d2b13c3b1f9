"""What a value of the configuration may be, said once for files, dictionaries and calls alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from os import PathLike

from pipelines.errors import ConfigError

LONGEST_SIDE = 32_767  # polygons are int16, as upstream's are
_STRIDE = 32  # of a detection network's inputs


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


def _is_input(value: object) -> bool:
    if not isinstance(value, list | tuple) or len(value) != 3 or value[0] != 3:  # noqa: PLR2004  -- colours, height, width
        return False
    return all(_is_whole(side, _STRIDE, LONGEST_SIDE) and side % _STRIDE == 0 for side in value[1:])


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
FIXED_INPUT = Rule("[3, height, width], both multiples of 32", _is_input)
OWN_WIDTH = Rule(
    "nothing, since a line enters at a width that follows from its own and is never stretched to a fixed one",
    lambda _value: False,
)
ONE_ENGINE = Rule(
    "nothing, since one engine reads a page: it is named at the top of the configuration",
    lambda _value: False,
)
# What PaddleX runs in its own process; its other backends are servers of language models.
NATIVE = Rule(
    "nothing but the backend 'native', since no module of this pipeline is a language model on a server",
    lambda value: isinstance(value, dict) and value.get("backend", "native") == "native",
)

"""Reading a mapping of an `inference.yml`: each setting is taken once, and what nobody takes is refused.

A setting changes the numbers a network gets, or what becomes of its answer. One that is passed over would
read pages wrongly without a word; so this pipeline does what is said, or says that it does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T", int, float)

_NOTHING = (None, "", "null", "~")  # the YAML is read without types: a null arrives as one of these
_TRUTH = {"true": True, "false": False, "1": True, "0": False}


class UnsupportedError(ValueError):
    """The configuration is well formed and asks for something this pipeline does not do."""


class Settings:
    """The settings called `name`; values are strings, numbers, lists or mappings.

    Every method takes a key, and raises a ValueError when its value is not what it should be.
    """

    def __init__(self, name: str, values: object) -> None:
        if values not in _NOTHING and not isinstance(values, Mapping):
            raise TypeError(f"{name} is not a mapping")
        given: Mapping[str, Any] = values if isinstance(values, Mapping) else {}
        self._name = name
        self._left = {key: value for key, value in given.items() if value not in _NOTHING}

    def number(self, key: str, kind: type[T], *, least: float, most: float | None = None) -> T | None:
        """A number from `least` to `most`; None when nothing is said."""
        value = self._left.pop(key, None)
        return None if value is None else self._checked(key, kind(value), least, most)

    def numbers(self, key: str, kind: type[T], count: int, *, least: float) -> tuple[T, ...] | None:
        """A list of `count` numbers; one number alone stands for as many of itself."""
        value = self._left.pop(key, None)
        if value is None:
            return None
        values = value if isinstance(value, list) else [value] * count
        if len(values) != count:
            raise ValueError(f"{self._name}: {key} holds {len(values)} numbers instead of {count}")
        return tuple(self._checked(key, kind(each), least, None) for each in values)

    def fraction(self, key: str) -> float | None:
        """A number that may be written as a division, as in `1./255.`."""
        value = self._left.pop(key, None)
        if value is None:
            return None
        above, _, below = str(value).partition("/")
        return float(above) / float(below or 1)

    def truth(self, key: str, *, default: bool) -> bool:
        """A truth value, however it is spelled."""
        value = str(self._left.pop(key, default)).lower()
        if value not in _TRUTH:
            raise ValueError(f"{self._name}: {key} is {value!r}, which is neither true nor false")
        return _TRUTH[value]

    def words(self, key: str) -> tuple[str, ...]:
        """A list of strings, empty when nothing is said; a null in it is a string like any other."""
        value = self._left.pop(key, [])
        if not isinstance(value, list):
            raise TypeError(f"{self._name}: {key} is not a list")
        return tuple(str(each) for each in value)

    def word(self, key: str, *known: str) -> str | None:
        """One of the words this pipeline knows; None when nothing is said."""
        value = self._left.pop(key, None)
        if value is not None and str(value) not in known:
            raise UnsupportedError(
                f"{self._name}: {key} {str(value)!r} is not supported; known are {', '.join(known)}"
            )
        return None if value is None else str(value)

    def part(self, key: str) -> Settings | None:
        """A mapping inside this one; None when nothing is said."""
        return Settings(f"{self._name}: {key}", self._left.pop(key)) if key in self._left else None

    def harmless(self, *keys: str) -> None:
        """Take what changes no number here."""
        for key in keys:
            self._left.pop(key, None)

    def close(self) -> None:
        """UnsupportedError for the first setting that nobody took."""
        for key, value in self._left.items():
            said = re.sub(r"\s+", " ", str(value))[:40]
            raise UnsupportedError(f"{self._name}: the setting {key} ({said}) is not supported")

    def _checked(self, key: str, value: T, least: float, most: float | None) -> T:
        if value < least or (most is not None and value > most) or value != value:  # noqa: PLR0124  -- NaN alone differs from itself
            limits = f"at least {least:g}" if most is None else f"{least:g} to {most:g}"
            raise ValueError(f"{self._name}: {key} is {value}, which is not {limits}")
        return value

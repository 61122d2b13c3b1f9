"""Fonts for every script: Noto, from the packages `manimgx-fonts` and `manimgx-fonts-cjk`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path

import uharfbuzz as hb

from pipelines.errors import PipelineError

_SCRIPTS = [
    "Arabic",
    "Hebrew",
    "Devanagari",
    "Bengali",
    "Gurmukhi",
    "Gujarati",
    "Oriya",
    "Tamil",
    "Telugu",
    "Kannada",
    "Malayalam",
    "Sinhala",
    "Thai",
    "Lao",
    "Myanmar",
    "Khmer",
    "Georgian",
    "Armenian",
    "Ethiopic",
]
_JAPANESE, _KOREAN, _SIMPLIFIED = 0, 1, 2  # faces of the CJK collection; all hold the same characters
_EMOJI = "NotoEmoji[wght].ttf"
_REGULAR = 400.0  # the CJK font's own default is its thinnest


class FontUnavailableError(PipelineError):
    """The package that holds a font is not installed, or the font is not in it."""


@dataclass(frozen=True, eq=False)
class TextFont:
    """A font ready for shaping; its units are `upem` to the em."""

    name: str
    font: hb.Font
    upem: int

    @property
    def is_emoji(self) -> bool:
        """Whether even its space is as wide as a picture."""
        return self.name == _EMOJI

    def covers(self, character: str) -> bool:
        """Whether the font has a glyph for the character."""
        return bool(self.font.get_nominal_glyph(ord(character)))


def font_for(character: str, kana: bool, hangul: bool) -> TextFont:
    """The first font that has the character; Noto Sans, which draws a box, when none has.

    `kana` and `hangul` say what else is in the line: countries write the same ideograph differently.
    """
    return _choose(character, _JAPANESE if kana else _KOREAN if hangul else _SIMPLIFIED)


@lru_cache(maxsize=65_536)
def _choose(character: str, cjk_face: int) -> TextFont:
    order = (*_before_cjk(), _cjk(cjk_face), *_after_cjk())
    return next((font for font in order if font.covers(character)), order[0])


@cache
def _before_cjk() -> tuple[TextFont, ...]:
    names = ("NotoSans[wght].ttf", *(f"NotoSans{script}[wght].ttf" for script in _SCRIPTS))
    return tuple(_load("manimgx-fonts", name) for name in names)


@cache
def _after_cjk() -> tuple[TextFont, ...]:
    return tuple(_load("manimgx-fonts", name) for name in ("NotoSansSymbols[wght].ttf", _EMOJI))


@cache
def _cjk(face: int) -> TextFont:
    return _load("manimgx-fonts-cjk", "NotoSansCJK-VF.otf.ttc", face)


def _load(package: str, name: str, index: int = 0) -> TextFont:
    face = hb.Face(hb.Blob.from_file_path(str(font_path(package, name))), index)
    font = hb.Font(face)
    if any(axis.tag == "wght" and axis.default_value != _REGULAR for axis in face.axis_infos):
        font.set_variations({"wght": _REGULAR})
    return TextFont(name, font, face.upem)


def font_path(package: str, name: str) -> Path:
    """Where a font of an installed package lies; FontUnavailableError says what to install."""
    try:
        path = Path(str(files(package.replace("-", "_")) / name))
    except ModuleNotFoundError as error:
        raise FontUnavailableError(
            f"Pictures need the fonts of the package {package}, which is not installed"
        ) from error
    if not path.is_file():
        raise FontUnavailableError(
            f"Pictures need {name}, which the package {package} no longer holds: reinstall it"
        )
    return path

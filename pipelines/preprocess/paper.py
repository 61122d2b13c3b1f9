"""Telling paper by its light: it fills a scan to the edge, and a photographed sheet is smoothly lit."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.read.pages import BgrImage

_RIM = 8  # pixels of the small page
_SAME_TONE = 12  # grey levels
_BRIGHT = 25  # grey levels below the brightest 5 %
_INK_GONE = 25  # pixels: strokes and small letters vanish under a window this wide
_CELLS = (45, 31)  # rows and columns at which light is looked at
_ROUNDS = 8  # of fitting: enough for what is no paper to lose its say
_SMOOTH = 0.1  # of the light: nearer than that to the fitted light is paper


def rim_share(page: BgrImage) -> float:
    """How much of the page's outermost rim has one tone, 0..1; 0 where that tone is not the brightest one.

    A scan or a drawn page has paper all around; a photo shows a table, a hand, or the shading of a curl.

    Args:
        page: (h, w, 3), some hundred pixels high.
    """
    grey = cv2.cvtColor(page, cv2.COLOR_BGR2GRAY).astype(np.int16)
    sides = (grey[:_RIM], grey[-_RIM:], grey[:, :_RIM], grey[:, -_RIM:])
    rim = np.concatenate([side.ravel() for side in sides])
    tone = np.median(rim)
    if tone < np.percentile(grey, 95) - _BRIGHT:
        return 0.0
    return float((np.abs(rim - tone) <= _SAME_TONE).mean())


def paper_share(page: BgrImage) -> float:
    """How much of the picture is lit as one sheet of paper would be, 0..1.

    Light falls smoothly on a sheet: a quadratic surface is fitted to the local brightness between the
    strokes (least absolute deviations, by reweighting), and what lies within a tenth of it counts.

    Args:
        page: (h, w, 3), some hundred pixels high, unwarped.
    """
    grey = cv2.cvtColor(page, cv2.COLOR_BGR2GRAY)
    without_ink = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, np.ones((_INK_GONE, _INK_GONE), np.uint8))
    rows, columns = _CELLS
    light = cv2.resize(without_ink, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float64)
    fitted = _smooth_surface(light)
    return float((np.abs(light - fitted) < _SMOOTH * np.maximum(fitted, 1)).mean())


def _smooth_surface(values: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, columns = values.shape
    y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    wanted, weights = values.ravel(), np.ones(values.size)
    fitted = wanted
    for _ in range(_ROUNDS):
        factors, *_ = np.linalg.lstsq(terms * weights[:, np.newaxis], wanted * weights, rcond=None)
        fitted = terms @ factors
        weights = 1 / np.sqrt(np.maximum(1.0, np.abs(wanted - fitted)))
    return fitted.reshape(rows, columns)

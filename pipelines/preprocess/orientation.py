"""Page orientation: which way up a page stands, and when that is believed.

The classifier sees the middle of a page, at 224 pixels. It is often sure and wrong where it has nothing to go
by: Arabic, columns that run downwards, street scenes. Two rules keep good pages as they are and still find
the turned ones (`benchmarks/preprocessing.py` has the figures):

- A turn must be confirmed: the classifier has to call the turned page upright, and be as sure of that.
- Where no class has the majority, the middle held too little: the square around all ink is looked at instead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from pipelines.preprocess.classifier import Classifier
from pipelines.read.pages import BgrImage
from pipelines.transform import turn

_MAJORITY = 0.5
_MARGIN = 0.07  # around the ink, in share of the square's side
_CONTRAST = 48  # grey levels between ink and paper
_LONG_SIDE = 1000  # pixels at which ink is looked for


@dataclass(frozen=True)
class Orientation:
    """What was found out about one page.

    Attributes:
        angle: degrees counter-clockwise by which the classifier would turn the page.
        score: how sure it was, 0..1.
        confirmed: whether it then called the turned page upright; None where that was not asked.
        applied: whether the page is to be turned by `angle`; also True for an upright page it is sure of.
    """

    angle: int
    score: float
    confirmed: bool | None
    applied: bool


class PageOrienter:
    """Decides how a page is to be turned."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    def __call__(self, page: BgrImage, thresh: float) -> Orientation:
        """The orientation of one (H, W, 3) page.

        Args:
            page: as it was read.
            thresh: how sure the classifier must be, before and after turning, 0..1; at 0 its first verdict
                is acted on, whatever it is.
        """
        view, first = page, self._look(page, thresh)
        if thresh == 0:
            return first
        if first.score < _MAJORITY:
            view = around_ink(page)
            first = self._look(view, thresh)
        if first.angle == 0 or not first.applied:
            return first
        after = self._look(turn(view, first.angle), thresh)
        confirmed = after.angle == 0 and after.applied
        return replace(first, confirmed=confirmed, applied=confirmed)

    def _look(self, view: BgrImage, thresh: float) -> Orientation:
        verdict = self._classifier.classify([view])[0]
        return Orientation(verdict.degrees, verdict.score, None, verdict.score >= thresh)


def around_ink(page: BgrImage) -> BgrImage:
    """The smallest square around everything that stands out from the paper; without that, the page itself.

    What reaches beyond the page repeats its edge.
    """
    height, width = page.shape[:2]
    box = _ink_box(page)
    if box is None:
        return page
    left, top, right, bottom = box
    side = max(right - left, bottom - top) * (1 + 2 * _MARGIN)
    x, y = round((left + right - side) / 2), round((top + bottom - side) / 2)
    x_end, y_end = x + round(side), y + round(side)
    inside = page[max(0, y) : y_end, max(0, x) : x_end]
    beyond = (max(0, -y), max(0, y_end - height), max(0, -x), max(0, x_end - width))
    return cv2.copyMakeBorder(inside, *beyond, cv2.BORDER_REPLICATE).astype(np.uint8, copy=False)


def _ink_box(page: BgrImage) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom of the ink, in the page's pixels."""
    shrink = max(1.0, max(page.shape[:2]) / _LONG_SIDE)
    height, width = (max(1, round(side / shrink)) for side in page.shape[:2])
    grey = cv2.cvtColor(cv2.resize(page, (width, height), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    ink = np.abs(grey.astype(np.int16) - np.int16(np.median(grey))) > _CONTRAST
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not rows.size:
        return None
    return columns[0] * shrink, rows[0] * shrink, (columns[-1] + 1) * shrink, (rows[-1] + 1) * shrink

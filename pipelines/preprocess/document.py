"""What is done to a page before its lines are looked for: turning and unwarping."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pipelines.config.options import PreprocessOptions
from pipelines.preprocess.classifier import Classifier
from pipelines.preprocess.orientation import PageOrienter
from pipelines.preprocess.unwarper import Grid, Unwarper, sample
from pipelines.preprocess.unwarping import PageFlattener
from pipelines.read.pages import BgrImage, Origin, PageImage
from pipelines.transform import PageTransform, turn

_DIGITS = 4  # of the scores in a result


@dataclass(frozen=True, eq=False)
class Preprocessed:
    """A page ready to be read, and how it became so.

    Attributes:
        image: what is read.
        rotated: after turning, before unwarping; the same array where nothing was unwarped.
        transform: from `image` back to the source page.
        angle: degrees counter-clockwise that were applied; -1 when orientation is off.
        orientation: the fields of `Orientation`, the verdict and whether it was acted on.
        unwarping: the fields of `Unwarping`.
    """

    image: BgrImage
    rotated: BgrImage
    transform: PageTransform
    angle: int
    orientation: dict[str, Any] | None
    unwarping: dict[str, Any] | None


class DocPreprocessor:
    """Turns a page upright and flattens a bent one; a part that is None is not loaded and never acts."""

    def __init__(self, orientation: Classifier | None, unwarper: Unwarper | None) -> None:
        self._orientation = None if orientation is None else PageOrienter(orientation)
        self._flattener = None if unwarper is None else PageFlattener(unwarper)

    def __call__(self, page: PageImage, options: PreprocessOptions) -> Preprocessed:
        """Preprocess one page; raises what its networks raise."""
        angle, orientation = self._orient(page.image, options)
        rotated = turn(page.image, max(0, angle))
        grid, unwarping = self._flatten(rotated, page.origin, options)
        return Preprocessed(
            image=rotated if grid is None else sample(rotated, grid),
            rotated=rotated,
            transform=PageTransform(max(0, angle), (page.width, page.height), grid),
            angle=angle,
            orientation=orientation,
            unwarping=unwarping,
        )

    def _orient(self, image: BgrImage, options: PreprocessOptions) -> tuple[int, dict[str, Any] | None]:
        if self._orientation is None or not options.use_doc_orientation_classify:
            return -1, None
        found = self._orientation(image, options.doc_orientation_thresh)
        said = {**asdict(found), "score": round(found.score, _DIGITS)}
        return found.angle if found.applied else 0, said

    def _flatten(
        self, image: BgrImage, origin: Origin, options: PreprocessOptions
    ) -> tuple[Grid | None, dict[str, Any] | None]:
        if self._flattener is None or not options.use_doc_unwarping:
            return None, None
        grid, found = self._flattener(image, origin, options.doc_unwarping_thresh)
        return grid, asdict(found)

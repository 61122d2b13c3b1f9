"""Taking a page's text from its text layer, as far as it is believed, and losing nothing that can be seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipelines.decoding import ReadLine
from pipelines.detection import Detections
from pipelines.order import reading_order
from pipelines.preprocess import LineAngle, Preprocessed
from pipelines.read.layer import TextLayer
from pipelines.read.pages import PageImage
from pipelines.textlayer.glyphs import Glyphs, glyphs_of
from pipelines.textlayer.groups import lines_among
from pipelines.textlayer.ink import seen_words, shows_more
from pipelines.textlayer.lines import LayerLine, line_of
from pipelines.textlayer.place import NOWHERE, explains, places
from pipelines.textlayer.sample import chosen, judged

_PDF = "application/pdf"
_MOST_MEANINGLESS = 0.2  # share of the glyphs
_DIGITS = 4


@dataclass(frozen=True)
class Reading:
    """One line: what stands in it, and how it stands; `angle` is None where nobody looked."""

    line: ReadLine
    angle: LineAngle | None


@dataclass(frozen=True)
class LayerUse:
    """What became of a page's text layer.

    Attributes:
        mode: `ignore`, `verify` or `trust`.
        used: whether any line comes from it.
        agreement: share of a sample's characters that were read as the layer has them; None without a sample.
        reason: why it was used or not, in one phrase; None where it was not asked for.
    """

    mode: str
    used: bool = False
    agreement: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Found:
    """The lines of a page, those that are known already by number, and what became of its layer."""

    detections: Detections
    known: dict[int, Reading | None]
    use: LayerUse = field(default_factory=lambda: LayerUse("ignore"))


class Reader(Protocol):
    """Reads the page at hand."""

    @property
    def orients(self) -> bool:
        """Whether it turns lines that stand on their head."""

    def detect(self) -> Detections:
        """The lines to be seen on the page."""

    def read(self, quads: NDArray[np.int16]) -> list[Reading | None]:
        """What is to be read in each of (N, 4, 2) boxes; None where there is no line."""


def find_lines(page: PageImage, prepared: Preprocessed, mode: str, reader: Reader) -> Found:
    """The lines of a page, filled from its text layer as `mode` says; what is left is for the reader.

    With `trust`, the layer has the word, and only what is to be seen beside it is detected. With `verify`,
    lines are detected as ever, a sample of them is read, and the layer fills the lines only when it agrees;
    what it has where nothing was detected is left out, since nobody sees it.
    """
    if mode == "ignore":
        return Found(reader.detect(), {})
    reason = _refusal(page, prepared, mode)
    if reason is None and page.text_layer is not None:
        sheet = _Sheet(page.text_layer, prepared, page.origin, reader, mode)
        reason = sheet.refusal()
        if reason is None:
            return sheet.trusted() if mode == "trust" else sheet.verified()
    return Found(reader.detect(), {}, LayerUse(mode, reason=reason))


def _refusal(page: PageImage, prepared: Preprocessed, mode: str) -> str | None:
    if page.media_type != _PDF:
        return "the page is a picture"
    if page.text_layer is None:
        return "the page came without its text layer"
    if page.origin == "scan" and mode == "verify":
        return "the page is a scan"
    return None if prepared.transform.grid is None else "the page was unwarped"


class _Sheet:
    """A page with a text layer."""

    def __init__(
        self, layer: TextLayer, prepared: Preprocessed, origin: str, reader: Reader, mode: str
    ) -> None:
        self._reader = reader
        self._mode = mode
        self._image = prepared.image
        height, width = self._image.shape[:2]
        self._size = width, height
        transform = prepared.transform
        turned = layer.turned(transform.angle, transform.source_size)
        self._pictures = turned.pictures
        glyphs = glyphs_of(turned, self._size, unpainted=origin == "scan")
        self._glyphs = glyphs.only(seen_words(glyphs, self._image))

    def refusal(self) -> str | None:
        """Why this layer cannot be used at all, if so."""
        if not self._glyphs.texts:
            return "the text layer has nothing that is to be seen"
        if 1 - self._glyphs.meant.mean() > _MOST_MEANINGLESS:
            return "the text layer does not say what its characters are"
        return None

    def verified(self) -> Found:
        """The detected lines, filled where the layer agrees with what is read."""
        detections = self._reader.detect()
        lines = self._filled(detections.quads)[0]
        numbers = chosen(lines)
        readings = dict(zip(numbers, self._reader.read(detections.quads[numbers]), strict=True))
        verdict = judged([(lines[at], reading.line.text) for at, reading in readings.items() if reading])
        agreement = round(verdict.agreement, _DIGITS)
        if not verdict.agrees:
            reason = "what is read differs from the text layer" if lines else "the text layer fills no line"
            return Found(
                detections, readings, LayerUse("verify", False, agreement if lines else None, reason)
            )
        known = {number: _known(line) for number, line in lines.items() if verdict.holds_for(line)}
        use = LayerUse("verify", bool(known), agreement, "what is read agrees with the text layer")
        return Found(detections, {**readings, **known}, use)

    def trusted(self) -> Found:
        """The layer's lines, and those that are to be seen beside it."""
        believed = np.flatnonzero(_by_word(self._glyphs, self._glyphs.meant))
        everything = len(believed) == len(self._glyphs.texts)
        if everything and not shows_more(self._glyphs, self._image, self._pictures):
            detections = Detections(np.zeros((0, 4, 2), np.int16), np.zeros(0, np.float32))
        else:
            detections = self._reader.detect()
        known, rest = self._filled(detections.quads)
        glyphs = self._glyphs.only(np.intersect1d(rest, believed))
        quads, members = lines_among(glyphs, self._size)
        for number, line in enumerate(members, len(detections.quads)):
            quad = quads[number - len(detections.quads)]
            known[number] = line_of(glyphs.only(line), quad, turn=self._reader.orients)
        every = np.concatenate([detections.quads, quads])
        order = reading_order(every)
        scores = np.concatenate([detections.scores, np.ones(len(quads), np.float32)])
        found: dict[int, Reading | None] = {
            new: _known(known[old]) for new, old in enumerate(order) if old in known
        }
        use = LayerUse("trust", bool(found), None, "the text layer is trusted")
        return Found(Detections(every, scores).only(order), found, use)

    def _filled(self, quads: NDArray[np.int16]) -> tuple[dict[int, LayerLine], NDArray[np.intp]]:
        """The lines that the layer has in these boxes, by number, and the glyphs that stand in none."""
        where = places(self._glyphs, quads)
        lines = {}
        for number in np.unique(where[where != NOWHERE]).tolist():
            glyphs, quad = self._glyphs.only(np.flatnonzero(where == number)), quads[number]
            if glyphs.meant.all() and explains(glyphs, quad, self._image):
                lines[number] = line_of(glyphs, quad, turn=self._reader.orients)
        return lines, np.flatnonzero(where == NOWHERE)


def _by_word(glyphs: Glyphs, flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(K,) whether the flag of all glyphs of each one's word is set."""
    wrong = np.unique(glyphs.words[~flags])
    return ~np.isin(glyphs.words, wrong)


def _known(line: LayerLine) -> Reading:
    return Reading(line.line, LineAngle(line.turned, int(line.turned), 1.0, doubtful=False))

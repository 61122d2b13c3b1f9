"""Lines of doubtful reading, as PPOCRLabel keeps them: for people to put right, and models to learn from.

    Label.txt               FOLDER/PAGE.jpg, a tab, and a JSON list of all lines of that page
    PAGE.jpg                the page as it was read: upright and flat
    rec_gt.txt              crop_img/CROP.jpg, a tab, and what was read there: the doubtful lines alone
    crop_img/CROP.jpg       the line's pixels, as recognition saw them

The form is that of PPOCRLabel's `savePPlabel` and `saveRecResult`. A line's `points` begin where its text
does, and go clockwise. What was read is a proposal until somebody has looked at it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from infra.errors import NotFound
from infra.settings import Settings
from infra.storage import Storage
from pipelines.crops import crop_line
from pipelines.preprocess.unwarper import sample
from pipelines.read import Document, open_document
from pipelines.transform import turn
from tasks.context import storage_at
from tasks.limits import read_limits
from tasks.places import Folder
from tasks.records import Request
from tasks.secrets import password
from tasks.sourcecache import file_name

_QUALITY = 95  # of JPEG: what is learnt from should not show its blocks


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a page's JSON.

    Attributes:
        quad: (4, 2) corners on the page as it was read.
        turned: whether it stands on its head there.
    """

    text: str
    score: float
    quad: NDArray[np.int16]
    turned: bool

    def label(self) -> dict[str, Any]:
        """The line as PPOCRLabel writes it."""
        corners = np.roll(self.quad, 2 if self.turned else 0, axis=0)
        return {"transcription": self.text, "points": corners.tolist(), "difficult": False}

    def crop(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Its pixels, upright; none (size 0) for a line thinner than a pixel."""
        pixels = crop_line(image, self.quad)
        return np.ascontiguousarray(pixels[::-1, ::-1]) if self.turned else pixels


class SampleFolder:
    """A folder in PPOCRLabel's form, to which pages are added; what is in it stays, and comes no second time.

    Attributes:
        crops: how many doubtful lines were written.
        pages: of how many pages.
        repeated: how many were there already.
    """

    def __init__(self, folder: Path, limit: float = inf) -> None:
        """Make one that takes up to `limit` lines, beside those that are there."""
        self.crops = 0
        self.pages = 0
        self.repeated = 0
        self._limit = limit
        self._folder = folder
        (folder / "crop_img").mkdir(parents=True, exist_ok=True)
        self._labelled = self._named("Label.txt")
        self._cut = self._named("rec_gt.txt")

    @property
    def full(self) -> bool:
        """Whether it takes no more lines."""
        return self.crops >= self._limit

    def add(self, stem: str, image: NDArray[np.uint8], lines: Sequence[Line], below: float) -> None:
        """Add a page with its lines; those whose score is `below` that are cut out."""
        crops = self._new(stem, image, lines, below)
        if not crops:
            return
        label = f"{self._folder.resolve().name}/{stem}.jpg"
        if label not in self._labelled:
            _write_jpeg(self._folder / f"{stem}.jpg", image)
            said = json.dumps([line.label() for line in lines], ensure_ascii=False)
            self._append("Label.txt", [f"{label}\t{said}"])
            self._labelled.add(label)
        for name, _, pixels in crops:
            _write_jpeg(self._folder / name, pixels)
        self._append("rec_gt.txt", [f"{name}\t{text}" for name, text, _ in crops])
        self._cut.update(name for name, _, _ in crops)
        self.crops += len(crops)
        self.pages += 1

    def _new(
        self, stem: str, image: NDArray[np.uint8], lines: Sequence[Line], below: float
    ) -> list[tuple[str, str, NDArray[np.uint8]]]:
        """Name, reading and pixels of the doubtful lines that are not there yet and have a place."""
        found: list[tuple[str, str, NDArray[np.uint8]]] = []
        for at, line in enumerate(lines):
            name = f"crop_img/{stem}_crop_{at}.jpg"
            if line.score >= below:
                continue
            if name in self._cut:
                self.repeated += 1
            elif self.crops + len(found) < self._limit and (pixels := line.crop(image)).size:
                found.append((name, line.text, pixels))
        return found

    def _named(self, name: str) -> set[str]:
        """What the rows of a list begin with."""
        path = self._folder / name
        rows = path.read_text("utf-8").splitlines() if path.exists() else []
        return {row.partition("\t")[0] for row in rows}

    def _append(self, name: str, rows: Sequence[str]) -> None:
        with (self._folder / name).open("a", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{row}\n" for row in rows)


def export_document(
    settings: Settings, results: Storage, folder: Folder, request: Request, into: SampleFolder, below: float
) -> None:
    """Add a document's pages with lines that score `below` that to a folder.

    Raises:
        NotFound, Changed: its source is no longer there as it was.
        InputError: the source cannot be opened any more.
        SecretUnavailable: its password is not to be had here.
    """
    wanted: dict[float, list[tuple[int, Mapping[str, Any]]]] = defaultdict(list)
    for number, page in _pages(results, folder):
        if _is_doubtful(page, below):
            wanted[_resolution(page, request)].append((number, page))
    if not wanted:
        return
    with _fetched(settings, request) as path:
        for dpi, pages in wanted.items():
            with _opened(settings, request, path, dpi) as document:
                for number, page in pages:
                    if into.full:
                        return
                    image = as_read(document.page(number).image, page["page"]["transform"])
                    into.add(f"{folder.document[:16]}_{number:05d}", image, lines_of(page), below)


def _resolution(page: Mapping[str, Any], request: Request) -> float:
    """At which a page of a PDF was read: in quarantine a lower one than was asked for."""
    return float(page["page"]["dpi"] or request.options["dpi"])


def as_read(image: NDArray[np.uint8], transform: Mapping[str, Any]) -> NDArray[np.uint8]:
    """A (H, W, 3) source page turned and flattened as its JSON says: the JSON's coordinates fit it."""
    turned, grid = turn(image, int(transform["angle"])), transform["grid"]
    return turned if grid is None else sample(turned, np.asarray([grid["x"], grid["y"]], dtype=np.float32))


def lines_of(page: Mapping[str, Any]) -> list[Line]:
    """The lines of a page's JSON; one line of text each, whatever was read."""
    stood = page.get("textline_orientation_angles") or ()  # empty where nobody looked
    angles = dict(zip(map(str, page["dt_polys"]), stood, strict=False))
    return [
        Line(" ".join(text.split()), score, np.asarray(quad, dtype=np.int16), angles.get(str(quad)) == 1)
        for text, score, quad in zip(page["rec_texts"], page["rec_scores"], page["rec_polys"], strict=True)
        if len(quad) == 4  # noqa: PLR2004  -- corners
    ]


def _is_doubtful(page: Mapping[str, Any], below: float) -> bool:
    return any(score < below for score in page["rec_scores"])


def _pages(results: Storage, folder: Folder) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for found in results.list(folder.pages):
        number = folder.page_number(found.key)
        if number is not None:
            try:
                page = json.loads(results.read(found.key))
            except NotFound:  # its time has come in this moment
                continue
            if "rec_texts" in page:
                yield number, page


@contextmanager
def _fetched(settings: Settings, request: Request) -> Iterator[Path]:
    source = request.source
    with TemporaryDirectory(prefix="pageline-samples-") as scratch:
        path = Path(scratch, file_name(source.key))
        storage = storage_at(source.root, settings.s3)
        storage.fetch(source.key, path, version=source.version, etag=source.etag)
        yield path


def _opened(settings: Settings, request: Request, path: Path, dpi: float) -> Document:
    secret = password(request.secret, settings.secrets)
    return open_document(path, dpi=dpi, limits=read_limits(settings), password=secret)


def _write_jpeg(path: Path, image: NDArray[np.uint8]) -> None:
    path.write_bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes())

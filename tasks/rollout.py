"""A share of the documents through another pipeline, and how what was read there differs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from infra.errors import NotFound
from infra.status import DocumentStatus
from infra.storage import Location, Storage
from pipelines.textlayer.similarity import distance
from tasks.places import Folder
from tasks.records import DocumentRef, Request

_DAYS = 7.0  # that the results of a trial stay


@dataclass(frozen=True, slots=True)
class PageOfBoth:
    """One page, read by both: the lines that either had to read.

    What either took from the PDF's own text neither read, so it says nothing about them.

    Attributes:
        letters: that the fleet's own pipeline read.
        differing: how many of them the other one left out or read otherwise, and those that it added.
        scores: the scores of the lines that were compared, of either.
        seconds: in which it was read, of either.
    """

    document: str
    number: int
    letters: int
    differing: int
    scores: tuple[list[float], list[float]]
    seconds: tuple[float, float]

    @property
    def error_rate(self) -> float:
        """Differing letters for each letter of the fleet's own, 0 where neither read any."""
        return self.differing / max(1, self.letters)


@dataclass(slots=True)
class Comparison:
    """What is known of two pipelines by the pages that both have read.

    Attributes:
        unread: pages that one of them did not read.
        born: pages on which there was nothing to read, since the PDF's own text says it all.
    """

    pages: list[PageOfBoth] = field(default_factory=list)
    unread: int = 0
    born: int = 0

    def summary(self) -> dict[str, Any]:
        """Figures of both: first the fleet's own pipeline's, then the other's; no `cer` without a page."""
        letters = sum(page.letters for page in self.pages)
        differing = sum(page.differing for page in self.pages)
        return {
            "documents": len({page.document for page in self.pages}),
            "pages": len(self.pages),
            "pages_read_by_one_only": self.unread,
            "pages_of_pdf_text_only": self.born,
            "pages_alike": sum(page.differing == 0 for page in self.pages),
            "cer": round(differing / max(1, letters), 5) if self.pages else None,
            "lines": [sum(len(page.scores[at]) for page in self.pages) for at in (0, 1)],
            "mean_score": [_mean(score for page in self.pages for score in page.scores[at]) for at in (0, 1)],
            "seconds_per_page": [_mean(page.seconds[at] for page in self.pages) for at in (0, 1)],
        }

    def most_different(self, count: int) -> list[PageOfBoth]:
        """The pages that differ most, those that differ at all."""
        ranked = sorted(self.pages, key=lambda page: page.error_rate, reverse=True)
        return [page for page in ranked[:count] if page.differing]


def falls_to(document: str, share: float) -> bool:
    """Whether a document belongs to that share, 0 to 1, of all; the same one each time it is asked."""
    return int(sha256(document.encode()).hexdigest()[:8], 16) < share * 2**32


def is_comparable(status: DocumentStatus, request: Request, own: str) -> bool:
    """Whether a document has been read by the fleet's own pipeline, from a source that can be read again."""
    read = status.state.value in ("succeeded", "partial")
    return read and request.pipeline.name == own and not request.options.get("trial")


def trial_of(request: Request, pipeline: str) -> DocumentRef:
    """The announcement that has the same source, as it was, read by `pipeline`, when nothing else waits."""
    root, source = Location.parse(request.source.root), request.source
    options = {
        **{name: value for name, value in request.options.items() if name != "outputs"},
        "outputs": "json",
        "visualize": False,
        "pipeline": pipeline,
        "priority": "bulk",
        "retention": "keep",
        "results_days": _DAYS,
        "trial": True,
    }
    if request.secret is not None:
        options["password_secret"] = request.secret
    return DocumentRef(
        source=source.root,
        key=source.key.removeprefix(f"{root.key}/") if root.key else source.key,
        version=source.version,
        etag=source.etag,
        tenant=request.tenant,
        options=options,
    )


def compare(results: Storage, own: Folder, other: Folder, numbers: Iterable[int], into: Comparison) -> None:
    """Add the pages `numbers` of one document, read into two folders, to a comparison."""
    for number in numbers:
        first, second = (_page(results, folder, number) for folder in (own, other))
        if first is None or second is None:
            into.unread += first is not second
            continue
        (mine, my_scores), (others, other_scores) = _read(first, second), _read(second, first)
        if not (mine or others) and "pdf" in first["text_source"] + second["text_source"]:
            into.born += 1
            continue
        texts = "\n".join(mine), "\n".join(others)
        into.pages.append(
            PageOfBoth(
                document=own.document,
                number=number,
                letters=len(texts[0]),
                differing=distance(*texts),
                scores=(my_scores, other_scores),
                seconds=(_seconds(first), _seconds(second)),
            )
        )


def _read(page: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[list[str], list[float]]:
    """Texts and scores of a page's lines that were read here, and not taken from the PDF in the other."""
    lines = zip(page["text_source"], page["rec_texts"], page["rec_scores"], page["rec_boxes"], strict=True)
    found = [
        (text, score)
        for source, text, score, box in lines
        if source == "ocr" and not _lies_in_pdf_text(box, other)
    ]
    return [text for text, _ in found], [score for _, score in found]


def _lies_in_pdf_text(box: Sequence[int], page: Mapping[str, Any]) -> bool:
    """Whether the middle of a box lies in a line that a page took from the PDF's own text."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return any(
        source == "pdf" and left <= x <= right and top <= y <= bottom
        for source, (left, top, right, bottom) in zip(page["text_source"], page["rec_boxes"], strict=True)
    )


def _page(results: Storage, folder: Folder, number: int) -> Mapping[str, Any] | None:
    """A page's JSON, None when it was not read."""
    try:
        found: dict[str, Any] = json.loads(results.read(folder.page(number)))
    except NotFound:
        return None
    return found if "rec_texts" in found else None


def _seconds(page: Mapping[str, Any]) -> float:
    timings = page["timings"]
    return float(timings["total"]) - float(timings["read"])


def _mean(values: Iterable[float]) -> float | None:
    every: Iterator[float] = iter(values)
    count, total = 0, 0.0
    for value in every:
        count, total = count + 1, total + value
    return round(total / count, 4) if count else None

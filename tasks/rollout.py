"""A share of the documents through another pipeline, and how what was read there differs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
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
    """One page, read by both.

    Attributes:
        letters: that the fleet's own pipeline read.
        differing: how many of them the other one left out or read otherwise, and those that it added.
        scores: the lines' scores, of either.
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
    """What is known of two pipelines by the pages that both have read."""

    pages: list[PageOfBoth] = field(default_factory=list)
    unread: int = 0

    def summary(self) -> dict[str, Any]:
        """Figures of both: first the fleet's own pipeline's, then the other's."""
        letters = sum(page.letters for page in self.pages)
        differing = sum(page.differing for page in self.pages)
        return {
            "documents": len({page.document for page in self.pages}),
            "pages": len(self.pages),
            "pages_read_by_one_only": self.unread,
            "pages_alike": sum(page.differing == 0 for page in self.pages),
            "cer": round(differing / max(1, letters), 5),
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
        texts = tuple("\n".join(page["rec_texts"]) for page in (first, second))
        into.pages.append(
            PageOfBoth(
                document=own.document,
                number=number,
                letters=len(texts[0]),
                differing=distance(*texts),
                scores=(first["rec_scores"], second["rec_scores"]),
                seconds=(_seconds(first), _seconds(second)),
            )
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

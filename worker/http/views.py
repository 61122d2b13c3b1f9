"""Turns what status and storage know of a document into what the service says of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from mimetypes import MimeTypes
from urllib.parse import quote

from infra.settings import Settings
from infra.status import DocumentStatus
from infra.status.states import PageState
from infra.storage import Location
from tasks.places import MANIFEST
from tasks.records import Manifest, Request
from worker.http.bringing import name_of_upload
from worker.http.shapes import (
    Detail,
    OutputFile,
    PageCounts,
    PageItem,
    PageLabel,
    PipelineInfo,
    Summary,
    TimingInfo,
)

_TYPES = MimeTypes(filenames=())  # not the machine's own tables
_TYPES.add_type("text/markdown", ".md")
_TYPES.add_type("application/jsonl", ".jsonl")
_TYPES.add_type("application/xml", ".xml")
_LABELS: Mapping[str, PageLabel] = {state.value: state.label for state in PageState}  # type: ignore[misc]  # a state's label is one of them
_WITH_CONTENT = frozenset({"done", "failed"})
TEXTUAL = "; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Ended:
    """A document's manifest, and how many bytes it has."""

    manifest: Manifest
    size: int


def address(document: str, *parts: str | int) -> str:
    """Return the path of a document, or of something below it."""
    return "/".join(["/v1/documents", document, *(quote(str(part), safe="") for part in parts)])


def media_type_of(name: str) -> str:
    """Return the media type of a result by its name."""
    return _TYPES.guess_type(name)[0] or "application/octet-stream"


def counts_of(document: DocumentStatus, states: str) -> PageCounts:
    """Count pages: by their states, or where these are forgotten by the document's own counters."""
    if not states:
        total = document.pages
        left = 0 if total is None else max(0, total - document.done - document.failed)
        cancelled, pending = (left, 0) if document.terminal else (0, left)
        return PageCounts(
            total=total, done=document.done, failed=document.failed, pending=pending, cancelled=cancelled
        )
    counted = Counter(_LABELS[state] for state in states)
    return PageCounts(total=len(states), **{label: counted[label] for label in set(_LABELS.values())})


def summary_of(document: DocumentStatus, states: str, settings: Settings) -> Summary:
    """Describe a document in a list."""
    name, source = _named(document.source, settings)
    return Summary(
        id=document.id,
        name=name,
        source=source,
        tenant=document.tenant,
        state=document.state,
        reason=document.reason,
        created_at=document.created,
        updated_at=document.updated,
        pages=counts_of(document, states),
    )


def detail_of(
    summary: Summary, states: str, reasons: Mapping[int, str], request: Request, ended: Ended | None
) -> Detail:
    """Describe a document with all that is known of it."""
    manifest = None if ended is None else ended.manifest
    record = request.pipeline if manifest is None else manifest.pipeline
    items = _pages_of(manifest) if manifest is not None and not states else _pages(states, reasons)
    named = {"priority": request.priority, "device": request.device}
    return Detail(
        **summary.model_dump(),
        outputs=[] if ended is None else list(_outputs(ended)),
        page_list=[_item(summary.id, number, label, reason) for number, label, reason in items],
        options={**request.options, **{key: value for key, value in named.items() if value is not None}},
        pipeline=PipelineInfo(
            name=record.name,
            digest=record.digest,
            models=record.models,
            engine=record.engine,
            precision=record.precision,
            device=record.device,
        ),
        timings=TimingInfo(created=request.created)
        if manifest is None
        else TimingInfo.model_validate(manifest.timings.model_dump()),
    )


def label_of(state: str) -> PageLabel:
    """Return the public name of a page's state, given as its byte."""
    return _LABELS[state]


def _named(uri: str, settings: Settings) -> tuple[str, str]:
    """Return a name for people, and the source; of an upload only what its sender knows of it."""
    place = Location.parse(uri)
    name = place.path.name if place.scheme == "file" else place.key.rpartition("/")[2]
    if _is_upload(place, settings):
        called = name_of_upload(name)
        return called, f"upload:{called}"
    return name, uri


def _is_upload(place: Location, settings: Settings) -> bool:
    uploads = settings.http.uploads
    if uploads is None:
        return False
    # An upload's own URI says so; to compare other paths, links have to be resolved.
    return place.uri.startswith(f"{uploads}/") or Location.parse(uploads).contains(place)


def _outputs(ended: Ended) -> Iterable[OutputFile]:
    manifest = ended.manifest
    if manifest.retention is not None and manifest.retention.expired is not None:
        return
    for file in manifest.outputs:
        yield OutputFile(
            name=file.name,
            size=file.size,
            media_type=media_type_of(file.name),
            url=address(manifest.id, "outputs", file.name),
        )
    url = address(manifest.id, "outputs", MANIFEST)
    yield OutputFile(name=MANIFEST, size=ended.size, media_type="application/json", url=url)


def _pages(states: str, reasons: Mapping[int, str]) -> Sequence[tuple[int, PageLabel, str | None]]:
    return [
        (number, _LABELS[state], reasons.get(number) if state == PageState.FAILED.value else None)
        for number, state in enumerate(states, 1)
    ]


def _pages_of(manifest: Manifest) -> Sequence[tuple[int, PageLabel, str | None]]:
    return [(page.number, page.state, page.reason) for page in manifest.pages]


def _item(document: str, number: int, label: PageLabel, reason: str | None) -> PageItem:
    return PageItem(
        number=number,
        state=label,
        reason=reason,
        url=address(document, "pages", number) if label in _WITH_CONTENT else None,
        image_url=address(document, "pages", number, "image"),
    )

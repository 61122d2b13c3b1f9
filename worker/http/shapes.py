"""What the service says, as JSON; times are seconds since the epoch."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from infra.status.states import DocumentState

PageLabel = Literal["pending", "running", "done", "failed", "cancelled", "skipped"]


class Shape(BaseModel):
    """One object of an answer: it says nothing that is not written down here."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageCounts(Shape):
    """How many pages are in which state.

    Attributes:
        total: All pages of the document; None until they were counted.
        skipped: Those that nobody asked for.
    """

    total: int | None = None
    done: int = 0
    failed: int = 0
    running: int = 0
    pending: int = 0
    cancelled: int = 0
    skipped: int = 0


class Summary(Shape):
    """A document in a list.

    Attributes:
        name: What people call it: the last part of its source.
        reason: Why it is not, or not wholly, read; also what it waits for.
    """

    id: str
    name: str
    source: str
    tenant: str
    state: DocumentState
    reason: str | None
    created_at: float
    updated_at: float
    pages: PageCounts


class Documents(Shape):
    """Some documents, newest first; `next` is the cursor of those that follow, None at the end."""

    documents: list[Summary]
    next: str | None


class OutputFile(Shape):
    """A file that was made of a document, `size` in bytes."""

    name: str
    size: int
    media_type: str
    url: str


class PageItem(Shape):
    """A page of a document; both addresses are None while there is nothing to be had from them."""

    number: int
    state: PageLabel
    reason: str | None
    url: str | None
    image_url: str | None


class PipelineInfo(Shape):
    """What read a document; unknown fields are None until it has ended."""

    name: str
    digest: str
    models: list[dict[str, Any]] = Field(default_factory=list)
    engine: str | None = None
    precision: str | None = None
    device: str | None = None


class TimingInfo(Shape):
    """When a document came and ended, and the seconds spent in each stage over all its pages."""

    created: float
    finished: float | None = None
    stages: dict[str, float] = Field(default_factory=dict)


class Detail(Summary):
    """Everything about one document."""

    outputs: list[OutputFile]
    page_list: list[PageItem]
    options: dict[str, Any]
    pipeline: PipelineInfo
    timings: TimingInfo


class WorkerInfo(Shape):
    """A worker; `doing` says in words what it is at."""

    id: str
    kind: str
    device: str
    health: str
    doing: list[str]
    pages_per_second: float | None
    megapixels_per_second: float | None
    seen_at: float


class QueueInfo(Shape):
    """What waits for one kind of device.

    Attributes:
        waiting: Messages in its queues.
        megapixels: What is to be read, in queues, in lines before them and in hand.
        drain_seconds: How long the kind's living workers need for that; None without any.
    """

    kind: str
    waiting: int
    megapixels: float
    drain_seconds: float | None


class FleetInfo(Shape):
    """Who is at work, and what waits."""

    workers: list[WorkerInfo]
    queues: list[QueueInfo]


class Problem(BaseModel):
    """RFC 9457: what is wrong with a request, or why it could not be done.

    Attributes:
        type: Names the kind of problem; `about:blank` where the status says all.
        detail: One sentence for people.
        errors: Which parts of the request are at fault, where several may be.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str | None = None
    errors: list[dict[str, str]] = Field(default_factory=list)

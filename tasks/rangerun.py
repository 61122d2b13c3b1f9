"""One run over a range: what its threads share, and every step a page takes through the status."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from infra.status.states import Mode
from infra.status.status import finalize_step
from infra.status.work import Claim, Commit, PageRange
from pipelines.errors import TookTooLong
from tasks.context import Context
from tasks.dispatch import line_up
from tasks.following import count_error
from tasks.hold import Hold
from tasks.options import OWN
from tasks.pagefiles import PageFiles, state_of
from tasks.records import PageFields, Request
from tasks.selection import wanted_between

_log = logging.getLogger(__name__)

# Reading at low cost, for a page that ended its process even when it was alone.
_QUARANTINE_DPI = 72
_QUARANTINE_OPTIONS = {
    "text_det_limit_side_len": 960,
    "text_det_limit_type": "max",
    "text_layer": "ignore",
}


@dataclass(frozen=True, slots=True)
class RangeRun:
    """A range in the hands of this process.

    Attributes:
        settled: The pages that this run was the first to settle.
    """

    context: Context
    pages: PageRange
    files: PageFiles
    request: Request
    hold: Hold
    settled: set[int] = field(default_factory=set)
    _attempts: dict[int, int] = field(default_factory=dict)

    @property
    def dpi(self) -> int:
        """Resolution at which PDF pages are rendered."""
        dpi = int(self.request.options["dpi"])
        return min(dpi, _QUARANTINE_DPI) if self.pages.mode is Mode.QUARANTINE else dpi

    @property
    def predict_options(self) -> dict[str, object]:
        """Options for the pipeline's `predict`."""
        options = {name: value for name, value in self.request.options.items() if name not in OWN}
        return options | _QUARANTINE_OPTIONS if self.pages.mode is Mode.QUARANTINE else options

    @property
    def numbers(self) -> list[int]:
        """The pages of the range that are to be read."""
        return wanted_between(self.request.options, self.pages.first, self.pages.last)

    @property
    def text_layer(self) -> bool:
        """Whether pages are to bring the text they carry."""
        return self.predict_options.get("text_layer", "ignore") != "ignore"

    @property
    def visualize(self) -> bool:
        """Whether pictures are wanted, and safe to make."""
        return bool(self.request.options["visualize"]) and self.pages.mode is not Mode.QUARANTINE

    def name(self, number: int) -> str:
        """Name a page for the log."""
        return f"page {number} of document {self.pages.document}"

    def begin(self, number: int) -> Claim:
        """Take a page in hand: GO, or why not."""
        claim, attempt = self.context.store.status.begin_page(self.pages, number, self.hold.owner)
        if claim is Claim.GO:
            self._attempts[number] = attempt
            self.hold.add(self.pages.page_lease(number))
            _log.debug("%s is begun, attempt %d", self.name(number), attempt)
        return claim

    def park(self, number: int) -> bool:
        """Have a page wait uncharged; False when it was lost."""
        attempt = self._attempts[number]
        kept = self.context.store.status.park(self.pages, number, self.hold.owner, attempt)
        return self._kept(number, kept)

    def resume(self, number: int) -> bool:
        """Go on with a parked page; False when it was lost."""
        attempt = self._attempts[number]
        kept = self.context.store.status.resume(self.pages, number, self.hold.owner, attempt)
        return self._kept(number, kept)

    def give_back(self, number: int, *, parked: bool = False) -> None:
        """Put a page back unread, through no fault of its own."""
        self.hold.drop(self.pages.page_lease(number))
        self.context.store.status.return_page(self.pages, number, self.hold.owner, refund=not parked)

    def fault(self, number: int, error: Exception) -> None:
        """Count an error nobody expected as a death of the page's process."""
        count_error("page", error)
        _log.error("%s: %s", self.name(number), error, exc_info=error)
        self.hold.drop(self.pages.page_lease(number))
        reason = f"Reading the page failed each time it was tried ({type(error).__name__})."
        if isinstance(error, TookTooLong):
            seconds = self.context.settings.queue.page_soft_seconds
            reason = f"Reading the page took longer than page_soft_seconds allows ({seconds:g} s) each time."
        self.context.store.status.fault_page(self.pages, number, self.hold.owner, reason)

    def commit(self, number: int, fields: PageFields) -> None:
        """Settle a page whose JSON is in storage; the last one sends the document to be finalized."""
        document, generation = self.pages.document, self.pages.generation
        self.hold.drop(self.pages.page_lease(number))  # the commit ends the lease
        if fields.state == "failed":
            count_error("page", fields.cause or "processing")
        done = self.context.store.status.commit_page(
            document, generation, number, state_of(fields), fields.reason or ""
        )
        if done in (Commit.FIRST, Commit.LAST):
            self.settled.add(number)
        if done is Commit.LAST:
            line_up(self.context.tools, finalize_step(document, generation))

    def _kept(self, number: int, kept: bool) -> bool:
        if not kept:
            self.hold.drop(self.pages.page_lease(number))
        return kept

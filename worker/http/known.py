"""Finds documents for those who may see them. Its calls block."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from infra.errors import NotFound
from infra.status import DocumentStatus
from tasks.ledger import read_request
from tasks.places import Folder
from tasks.records import Manifest
from worker.http.caller import Caller
from worker.http.desk import Desk
from worker.http.problems import Refusal
from worker.http.shapes import Detail, Summary
from worker.http.views import Ended, detail_of, summary_of


@dataclass(frozen=True, slots=True)
class Known:
    """A document that the caller may see."""

    desk: Desk
    status: DocumentStatus

    @property
    def folder(self) -> Folder:
        """Where its results are."""
        return Folder(self.status.folder)

    def ended(self) -> Ended | None:
        """Return its manifest, None while there is none of this generation."""
        try:
            data = self.desk.results.read(self.folder.manifest)
            manifest = Manifest.model_validate_json(data)
        except (NotFound, ValidationError):
            return None
        return Ended(manifest, len(data)) if manifest.generation >= self.status.generation else None

    def summary(self) -> Summary:
        """Describe it in a list."""
        (states,) = self.desk.store.listing.page_states([self.status.id])
        return summary_of(self.status, states, self.desk.settings)

    def detail(self) -> Detail:
        """Describe it with all that is known."""
        listing = self.desk.store.listing
        (states,) = listing.page_states([self.status.id])
        request = read_request(self.desk.results, self.folder)
        reasons = listing.reasons(self.status.id) if self.status.failed else {}
        summary = summary_of(self.status, states, self.desk.settings)
        return detail_of(summary, states, reasons, request, self.ended() if self.status.terminal else None)


def find(desk: Desk, caller: Caller, document: str) -> Known:
    """Return a document. Raises `Refusal` with 404, also where it is another tenant's."""
    status = desk.store.listing.document(document)
    if status is None or not caller.may_see(status.tenant):
        raise Refusal(404, f"There is no document {document}; those that ended long ago are forgotten.")
    return Known(desk, status)

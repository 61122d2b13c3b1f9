"""Which source an object belongs to, if it is a document of any."""

from __future__ import annotations

from collections.abc import Sequence

from infra.errors import InvalidLocation, SettingsError
from infra.storage.location import Location
from tasks.ref import SIDECAR_SUFFIX
from worker.bridge.outcome import Outcome
from worker.inbox.names import is_document


class Sorter:
    """Sorts places by the configured sources and results.

    Args:
        sources: URLs of the places that documents are announced from.
        results: URL of the place that results go to; None where that is nobody's business.

    Raises:
        SettingsError: there is no source, so that nothing could ever be announced.
    """

    def __init__(self, sources: Sequence[str], results: str | None) -> None:
        if not sources:
            raise SettingsError("no source is configured: set PAGELINE_SOURCES to where documents lie")
        # An object that lies in two sources belongs to the inner one.
        self._sources = sorted(map(Location.parse, sources), key=lambda one: len(one.uri), reverse=True)
        self._results = Location.parse(results) if results is not None else None

    @property
    def sources(self) -> Sequence[Location]:
        """The sources, inner ones first."""
        return self._sources

    def sort(self, place: Location) -> tuple[str, str] | Outcome:
        """Return a document's source and its key there, or why it is no document."""
        if self._results is not None and self._results.contains(place):
            return Outcome.RESULT
        for source in self._sources:
            key = _below(source, place)
            if key is not None:
                return _no_document(key) or (source.uri, key)
        return Outcome.OUTSIDE


def _below(source: Location, place: Location) -> str | None:
    """Return the key of `place` below `source`; None when it does not lie there."""
    if source.scheme == "file":
        try:
            return source.locate(place.uri).key or None
        except InvalidLocation:
            return None
    if place.scheme != "s3" or place.bucket != source.bucket:
        return None
    start = f"{source.key}/" if source.key else ""
    return place.key.removeprefix(start) if place.key.startswith(start) and place.key != start else None


def _no_document(key: str) -> Outcome | None:
    if key.endswith(SIDECAR_SUFFIX):
        return Outcome.SIDECAR
    return None if is_document(key) else Outcome.NO_DOCUMENT

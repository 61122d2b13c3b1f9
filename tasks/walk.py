"""Goes through the results in storage, document by document, in the order of their keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from infra.storage import Location, Storage
from tasks.places import CANCELLED, MANIFEST, OWING, REOPENED, REQUEST, Folder

_ID = re.compile(r"[0-9a-f]{32}")
_PAGE = re.compile(r"(.*/)?[0-9a-f]{32}/pages/(?=[0-9]{5}[^/]*$)", re.DOTALL)
_MANY = 1000  # files of one document's pages that are listed; those after them are skipped
_BEHIND = "~"  # sorts after every name of a page's file


@dataclass(frozen=True, slots=True)
class Entry:
    """A document that a listing shows.

    Attributes:
        manifest: Whether its manifest was seen; one that came later was not.
        reopened: Whether it is being worked on again, or was to end as it stands.
        request: Whether what was asked is there, as it must be.
        owing: Whether somebody has yet to be told of its end.
    """

    folder: Folder
    manifest: bool
    reopened: bool
    request: bool = True
    owing: bool = False

    @property
    def open(self) -> bool:
        """Whether the document has not ended, as far as the listing knows."""
        return self.request and (self.reopened or not self.manifest)


def start_of(place: Location) -> str:
    """Return what all keys below a place start with."""
    return f"{place.key}/" if place.key else ""


def result_keys(storage: Storage, start: str, cursor: str = "") -> Iterator[str]:
    """Yield the keys that start with `start` and come after `cursor`; long runs of pages are cut short."""
    pages, count = "", 0
    after: str | None = cursor or None
    while True:
        for info in storage.list(start, start_after=after):
            page = _PAGE.match(info.key)
            count = count + 1 if page is not None and page[0] == pages else 1
            pages = page[0] if page is not None else ""
            yield info.key
            if pages and count >= _MANY:
                after = f"{pages}{_BEHIND}"
                break
        else:
            return


def documents(keys: Iterable[str]) -> Iterator[Entry]:
    """Group keys, in their order, into documents: a request is the last of its document's own keys."""
    manifest = reopened = owing = ""
    for key in keys:
        head, _, name = key.rpartition("/")
        if manifest and not key.startswith(f"{manifest}/"):
            yield Entry(Folder(manifest), manifest=True, reopened=reopened == manifest, request=False)
            manifest = ""
        if not _ID.fullmatch(Folder(head).document):
            continue
        if name == MANIFEST:
            manifest = head
        elif name in {REOPENED, CANCELLED}:
            reopened = head
        elif name == OWING:
            owing = head
        elif name == REQUEST:
            yield Entry(Folder(head), manifest == head, reopened == head, owing=owing == head)
            manifest = ""
    if manifest:
        yield Entry(Folder(manifest), manifest=True, reopened=reopened == manifest, request=False)

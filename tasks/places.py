"""Where a document's results lie: the keys below its folder."""

from __future__ import annotations

from dataclasses import dataclass

from infra.settings import Settings
from infra.storage import Location
from infra.storage.keys import document_folder, result_key

_PAGES = "pages"
_MAX_PAGE = 99_999  # what five digits hold; beyond, keys would not sort by page


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of one document's results; `key` is its own, without a slash at the end."""

    key: str

    @property
    def request(self) -> str:
        """What was asked; its creation makes the document exist."""
        return result_key(self.key, "request.json")

    @property
    def manifest(self) -> str:
        """How it ended; written last."""
        return result_key(self.key, "document.json")

    @property
    def text(self) -> str:
        """The lines of all pages."""
        return result_key(self.key, "document.txt")

    @property
    def pages(self) -> str:
        """The start of all keys of pages."""
        return f"{result_key(self.key, _PAGES)}/"

    def page_start(self, number: int) -> str:
        """Return what all keys of page `number` (from 1) start with; `ValueError` beyond five digits."""
        if not 1 <= number <= _MAX_PAGE:
            raise ValueError(f"page {number} has no key: pages count from 1 to {_MAX_PAGE}")
        return f"{self.pages}{number:05d}"

    def page(self, number: int) -> str:
        """Return the key of a page's JSON; it exists when the page is read, or given up."""
        return f"{self.page_start(number)}.json"

    def picture(self, number: int, name: str) -> str:
        """Return the key of a picture of a page."""
        return f"{self.page_start(number)}_{name}.jpg"

    def page_number(self, key: str) -> int | None:
        """Return the number of the page whose JSON `key` is, or None for other keys."""
        name = key.removeprefix(self.pages)
        stem = name.removesuffix(".json")
        return int(stem) if stem != name and stem.isdecimal() else None


def folder_of(settings: Settings, *, document: str, tenant: str, source: Location, key: str) -> Folder:
    """Return the folder of a document. Levels for tenant and source appear where there can be several."""
    several = len(settings.sources) > 1 if settings.bucket_level is None else settings.bucket_level
    results = Location.parse(settings.results)
    return Folder(
        document_folder(
            results.key,
            key,
            document,
            tenant=tenant if len(settings.tenants) > 1 else None,
            bucket=source.bucket if several else None,
        )
    )

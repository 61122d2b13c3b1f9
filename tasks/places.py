"""Where a document's results lie: the keys below its folder."""

from __future__ import annotations

from dataclasses import dataclass

from infra.settings import Settings
from infra.storage import Location
from infra.storage.keys import document_folder, result_key

REQUEST, MANIFEST = "request.json", "document.json"
REOPENED, CANCELLED = "reopened.json", "cancelled.json"
LATEST, RETAINED = "latest.json", "retained.json"
OWING = "callbacks.json"
_PAGES = "pages"
_MAX_PAGE = 99_999  # what five digits hold; beyond, keys would not sort by page


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of one document's results; `key` is its own, without a slash at the end."""

    key: str

    @property
    def request(self) -> str:
        """What was asked; its creation makes the document exist."""
        return result_key(self.key, REQUEST)

    @property
    def manifest(self) -> str:
        """How it ended; written last."""
        return result_key(self.key, MANIFEST)

    @property
    def reopening(self) -> str:
        """That a document which had ended is being worked on again; gone once it has ended again."""
        return result_key(self.key, REOPENED)

    @property
    def cancelling(self) -> str:
        """That a document which is being worked on is to end as it stands; gone once it has."""
        return result_key(self.key, CANCELLED)

    @property
    def owing(self) -> str:
        """That somebody has yet to be told of its end; gone once everybody was."""
        return result_key(self.key, OWING)

    @property
    def latest(self) -> str:
        """Which of the source's documents is the newest; beside their folders."""
        return f"{self.key.rpartition('/')[0]}/{LATEST}"

    @property
    def retained(self) -> str:
        """That something is to become of the source or the results once the document has ended."""
        return result_key(self.key, RETAINED)

    @property
    def document(self) -> str:
        """The document's id."""
        return self.key.rpartition("/")[2]

    @property
    def text(self) -> str:
        """The lines of all pages."""
        return self.output("document.txt")

    def output(self, name: str) -> str:
        """Return the key of a readable document, by its file's name."""
        return result_key(self.key, name)

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

    def picture(self, number: int, name: str, form: str = "jpg") -> str:
        """Return the key of a picture of a page; `form` is the ending of its name."""
        return f"{self.page_start(number)}_{name}.{form}"

    def page_number(self, key: str) -> int | None:
        """Return the number of the page whose JSON `key` is, or None for other keys."""
        name = key.removeprefix(self.pages)
        stem = name.removesuffix(".json")
        return int(stem) if stem != name and stem.isascii() and stem.isdecimal() else None


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

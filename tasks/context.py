"""What tasks work with in a process: settings, status, storages, in a reading process the warm pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from infra.settings import Settings
from infra.status import Store
from infra.storage import Location, S3Options, Storage, open_storage
from tasks.heart import Heart
from tasks.laps import Laps
from tasks.ledger import read_request
from tasks.memory import Memory
from tasks.pagefiles import PageFiles, page_files
from tasks.places import Folder
from tasks.records import Request
from tasks.served import own_name
from tasks.sourcecache import SourceCache
from tasks.speed import Speed
from tasks.spool import Spool

if TYPE_CHECKING:
    from PIL.Image import Image


_REQUESTS = 256  # requests kept in memory: each is some kilobytes


class PageResult(Protocol):
    """What a pipeline gives for one page."""

    @property
    def json(self) -> Mapping[str, Any]:
        """`{"res": {...}}`."""
        ...

    @property
    def img(self) -> Mapping[str, Image]:
        """Pictures by name."""
        ...

    @property
    def was_prepared(self) -> bool:
        """Whether the page was turned or unwarped before it was read."""
        ...


Predict = Callable[..., Iterator[PageResult]]


class Pipeline(Protocol):
    """What tasks ask of a pipeline."""

    @property
    def predict(self) -> Predict:
        """Read a page: takes its `PageImage` and options by name."""
        ...

    @property
    def pages_at_once(self) -> int:
        """How many threads may ask it to read at once; 1 for a device that takes pages one by one."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What every process has, also one that only supervises.

    Attributes:
        send: Puts a message into a queue: the task's name, its arguments, the queue.
    """

    settings: Settings
    store: Store
    send: Callable[[str, list[Any], str], None]


@dataclass(slots=True)
class Context:
    """What a process that runs tasks has.

    Attributes:
        spool: Pages that were read and could not be written yet.
        draining: Says whether the worker is to end: give back what is not begun.
        memory: Says the same of a process that holds too much.
        pipeline: The warm pipeline; None in a control worker.
        open_pipeline: Makes one of the others that the settings name, warm, by its name.
        take: Takes another range of pages from the queues, as its task's arguments; None where none waits.
        speed: What reading has been measured at.
        laps: The time between pages, for that.
    """

    tools: Tools
    heart: Heart
    cache: SourceCache
    spool: Spool
    draining: Callable[[], bool]
    pipeline: Pipeline | None = None
    open_pipeline: Callable[[str], Pipeline] | None = None
    take: Callable[[], list[Any] | None] | None = None
    speed: Speed = field(default_factory=Speed)
    laps: Laps = field(default_factory=Laps)
    memory: Memory = field(default_factory=Memory)
    request: Callable[[Folder], Request] = field(init=False)
    page_files: Callable[[Folder, int], PageFiles] = field(init=False)
    _other: tuple[str, Pipeline] | None = None
    _opening: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.request = lru_cache(_REQUESTS)(self._read_request)  # it never changes: created only once
        self.page_files = lru_cache(_REQUESTS)(self._page_files)  # what a generation reads again is settled

    @property
    def settings(self) -> Settings:
        """The settings."""
        return self.tools.settings

    @property
    def store(self) -> Store:
        """Status, fleet and listing."""
        return self.tools.store

    @property
    def results(self) -> Storage:
        """Where results go."""
        return self.storage(self.settings.results)

    def pipeline_for(self, name: str) -> Pipeline:
        """Return the pipeline of that name where the settings name it beside this worker's own, else that.

        One is kept beside the own; another is made in its place. Raises what making it raises.
        """
        if self.pipeline is None:
            raise RuntimeError("this worker has no pipeline: pages must not be sent to it")
        chosen = self.settings.pipeline
        if self.open_pipeline is None or name == own_name(chosen) or name not in chosen.others:
            return self.pipeline
        with self._opening:
            if self._other is None or self._other[0] != name:
                self._other = None  # its memory goes before more is taken
                self._other = name, self.open_pipeline(name)
            return self._other[1]

    def storage(self, uri: str) -> Storage:
        """Return the storage that `uri` lies in."""
        return storage_at(uri, self.settings.s3)

    def folder(self, document: str) -> Folder | None:
        """Return the folder of a document's results, or None when Redis does not know the document."""
        key = self.store.listing.field(document, "folder")
        return Folder(key) if key is not None else None

    def _read_request(self, folder: Folder) -> Request:
        return read_request(self.results, folder)

    def _page_files(self, folder: Folder, generation: int) -> PageFiles:
        return page_files(self.results, folder, generation)


def storage_at(uri: str, s3: S3Options) -> Storage:
    """Return the storage that `uri` lies in."""
    place = Location.parse(uri)
    return _storage(Location(place.scheme, place.bucket), s3)


@lru_cache(64)
def _storage(place: Location, s3: S3Options) -> Storage:
    return open_storage(place, s3)


class _Current:
    context: Context | None = None


def install(context: Context) -> None:
    """Make `context` the one that this process's tasks work with."""
    _Current.context = context


def current() -> Context:
    """Return this process's context; `RuntimeError` before `install`."""
    if _Current.context is None:
        raise RuntimeError("tasks run in a process that the worker has prepared")
    return _Current.context

"""What tasks work with in a process: settings, status, storages, in a reading process the warm pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import ValidationError

from infra.errors import InfraError, NotFound
from infra.settings import Settings
from infra.status import Store
from infra.storage import Location, Storage, open_storage
from tasks.heart import Heart
from tasks.places import Folder
from tasks.records import Request
from tasks.sourcecache import SourceCache
from tasks.speed import Speed

if TYPE_CHECKING:
    from PIL.Image import Image


_REQUESTS = 256  # requests kept in memory: each is some kilobytes


class RequestLost(InfraError):  # noqa: N818  -- it says what happened
    """Somebody has removed or changed what a document's results began with: nothing can be done for it."""

    public: ClassVar[str] = "What was asked for (request.json) is gone from the results, or damaged."


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


class Pipeline(Protocol):
    """What tasks ask of a pipeline."""

    @property
    def predict(self) -> Callable[..., Iterator[PageResult]]:
        """Read a page: takes its `PageImage` and options by name."""
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
        draining: Says whether the worker is to end: give back what is not begun.
        pipeline: The warm pipeline; None in a control worker.
        speed: What reading has been measured at.
    """

    tools: Tools
    heart: Heart
    cache: SourceCache
    draining: Callable[[], bool]
    pipeline: Pipeline | None = None
    speed: Speed = field(default_factory=Speed)
    request: Callable[[Folder], Request] = field(init=False)

    def __post_init__(self) -> None:
        self.request = lru_cache(_REQUESTS)(self._read_request)  # it never changes: created only once

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

    def storage(self, uri: str) -> Storage:
        """Return the storage that `uri` lies in."""
        place = Location.parse(uri)
        return _storage(Location(place.scheme, place.bucket), self.settings.s3)

    def folder(self, document: str) -> Folder | None:
        """Return the folder of a document's results, or None when Redis does not know the document."""
        key = self.store.listing.field(document, "folder")
        return Folder(key) if key is not None else None

    def _read_request(self, folder: Folder) -> Request:
        try:
            return Request.model_validate_json(self.results.read(folder.request))
        except (NotFound, ValidationError) as error:
            raise RequestLost(f"{folder.request} is gone or damaged") from error


@lru_cache(64)
def _storage(place: Location, s3: Any) -> Storage:
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

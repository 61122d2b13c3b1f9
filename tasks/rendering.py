"""Pages are rendered ahead in a thread of their own; only that thread touches the document."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from infra.errors import BrokerUnavailable, InfraError
from infra.status import Activity
from infra.status.work import Claim
from pipelines.errors import InputError
from pipelines.read import Document, PageImage, open_document
from tasks.limits import checked_while_fetched, read_limits
from tasks.rangerun import RangeRun
from tasks.secrets import password


@dataclass(frozen=True, slots=True)
class Rendered:
    """A page in hand: its pixels, or why there are none."""

    number: int
    image: PageImage | None
    failure: str | None = None


class Renderer:
    """Renders `numbers` of the run's document in order; iterate over it once, inside its context.

    A page that cannot be rendered comes without pixels. When the document as a whole cannot be had, the
    iteration ends and `error` says why. Pages that were rendered but not taken are given back.
    """

    def __init__(self, run: RangeRun, numbers: Sequence[int], *, ahead: int = 1) -> None:
        """Make one that has up to `ahead` pages wait, while it renders one more."""
        self.error: Exception | None = None
        self._run = run
        self._numbers = numbers
        self._ready: queue.Queue[Rendered | None] = queue.Queue(ahead)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="render", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for page in self:
            with suppress(BrokerUnavailable):  # then its lease runs out; the thread must end all the same
                self._run.give_back(page.number, parked=page.failure is None)
        self._thread.join()

    def __iter__(self) -> Iterator[Rendered]:
        while (page := self._ready.get()) is not None:
            yield page
        self._ready.put(None)  # a second iteration, at the exit, ends too

    def _work(self) -> None:
        try:
            self._render_all()
        except Exception as error:  # noqa: BLE001  -- handed to the thread that waits
            self.error = error
        finally:
            self._ready.put(None)

    def _render_all(self) -> None:
        run = self._run
        source = run.request.source
        with ExitStack() as stack:
            limits = read_limits(run.context.settings)
            with run.hold.timed(Activity.FETCHING, run.pages.document) as move:
                told = checked_while_fetched(limits, source, move)
                fetched = run.context.cache.source(source, run.request.tenant, run.context.storage, told)
                path = stack.enter_context(fetched)
            with run.hold.timed(Activity.OPENING, run.pages.document):
                opened = open_document(
                    path,
                    dpi=run.dpi,
                    limits=limits,
                    text_layer=run.text_layer,
                    password=password(run.request.secret, run.context.settings.secrets),
                )
            document = stack.enter_context(opened)
            for number in self._numbers:
                if self._stop.is_set() or run.context.draining() or run.context.memory.exceeded:
                    return
                claim = run.begin(number)
                if claim is Claim.GONE:
                    return
                if claim is Claim.GO:
                    self._render(number, document)

    def _render(self, number: int, document: Document) -> None:
        run = self._run
        try:
            with run.hold.timed(Activity.RENDERING, run.pages.document, number):
                image = document.page(number)
        except InputError as error:
            self._ready.put(Rendered(number, None, str(error)))
        except InfraError:
            raise
        except Exception as error:  # noqa: BLE001  -- whatever it is, it is this page's
            run.fault(number, error)
        else:
            named = replace(image, input_path=run.request.source.uri)
            if run.park(number):
                self._ready.put(Rendered(number, named))

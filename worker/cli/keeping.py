"""The work of `pageline up`: a stack that stays, and a line for each document that passes."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from infra.errors import BrokerUnavailable
from infra.storage import Location
from tasks.produce import Producer
from worker.cli.progress import line_about
from worker.cli.signals import Terminated, ending_in_order
from worker.cli.stacks import STATE, view_of
from worker.cli.terminal import printable, stdout
from worker.cli.view import DocumentView, plural
from worker.cli.weights import fetch_for
from worker.inbox.gather import is_unicode
from worker.stack.address import published
from worker.stack.local import LocalStack
from worker.stack.places import Place, bucket_place, folder_place
from worker.stack.plan import Plan
from worker.stack.submission import producer_for

_POLL_SECONDS = 0.5
_LATEST = 500  # documents whose state is looked at; more cannot change between two looks


def keep_running(folder: Path, plan: Plan, *, s3: bool) -> None:
    """Serve uploads until Ctrl-C or SIGTERM.

    Raises:
        PipelineError, InfraError: the pipeline or the stack cannot be had, or a part of it keeps ending.
    """
    folder = Location.parse(folder).path
    state = folder / STATE
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Being told to end is how this command ends, at whatever point.
    with suppress(KeyboardInterrupt, Terminated), ending_in_order():
        fetch_for(plan.creation)
        opened = bucket_place(folder, state) if s3 else folder_place(folder)
        with opened as place, LocalStack(state, plan, place.settings) as stack:
            # Caught in here too: the stack is left in peace then, not as after an error.
            with suppress(KeyboardInterrupt, Terminated):
                _greet(place, plan)
                with published(state, stack.settings), producer_for(stack.settings) as producer:
                    _serve(stack, place, producer)
            stdout().print("stopping: workers finish the page in hand")


def _greet(place: Place, plan: Plan) -> None:
    for line in place.greeting:
        stdout().print(line)
    stdout().print(f"starting {plural(plan.workers, 'worker')}; Ctrl-C ends everything")


def _serve(stack: LocalStack, place: Place, producer: Producer) -> NoReturn:
    console = stdout()
    log = DocumentLog(console, map(view_of, stack.store.listing.recent(_LATEST)))
    warm, address = False, None
    while True:
        for sentence in stack.tend():
            console.print(sentence)
        log.show(map(view_of, reversed(stack.store.listing.recent(_LATEST))))
        if stack.address not in (None, address):
            address = stack.address
            console.print(f"web address         {address}")
        if not warm and stack.readers_ready():
            warm = True
            console.print("ready")
        _announce_for(_POLL_SECONDS, place, producer)


def _announce_for(seconds: float, place: Place, producer: Producer) -> None:
    """Announce what comes meanwhile, each as soon as the inbox tells of it."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        place.inbox.wait(left)
        _announce(place, producer)


def _announce(place: Place, producer: Producer) -> None:
    for key in place.inbox.poll():
        if not is_unicode(key):
            stdout().print(f"{printable(key)} cannot be taken: its name is not Unicode; rename it")
            continue
        try:
            producer.announce(place.ref(key))
        except BrokerUnavailable:
            place.inbox.forget(key)


class DocumentLog:
    """A line with the time of day for each document that comes, is opened, or is over.

    Args:
        known: documents of earlier runs, of which nothing is said unless they change.
    """

    def __init__(self, console: Console, known: Iterable[DocumentView]) -> None:
        self._console = console
        self._told = {view.id: _chapter(view) for view in known}

    def show(self, views: Iterable[DocumentView]) -> None:
        """Say what is new; documents that are no longer among `views` are forgotten."""
        told = {}
        for view in views:
            told[view.id] = _chapter(view)
            if self._told.get(view.id) != told[view.id]:
                self._console.print(f"{time.strftime('%H:%M:%S')}  {line_about(view)}")
        self._told = told


def _chapter(view: DocumentView) -> str:
    """The part of a document's life that is worth a line when it begins."""
    if view.over:
        return view.state
    return "open" if view.pages is not None else "come"

"""Asks Amazon ECS to leave a task alone while its worker has something in hand.

A service that scales in ends any of its tasks, and a worker amid a range would hand the rest of it
back. No page is lost or repeated by that: protection saves fetching and opening the document again.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from worker.plan import WorkerPlan

_log = logging.getLogger(__name__)
AGENT_VARIABLE = "ECS_AGENT_URI"  # set by ECS in every container of a task
_PATH = "/task-protection/v1/state"
_MINUTES = 20  # a worker that is gone keeps its task no longer
_AGAIN_SECONDS = 300.0
_TIMEOUT_SECONDS = 5.0

Ask = Callable[[bool], None]


@contextmanager
def protected(plan: WorkerPlan, seconds: float) -> Iterator[None]:
    """Ask while the context is open, where this is a task of ECS; looks every `seconds`."""
    agent = os.environ.get(AGENT_VARIABLE)
    if agent is None:
        yield
        return
    stop = threading.Event()
    guard = Protection(lambda wanted: ask_agent(agent, wanted=wanted))

    def look() -> None:
        since = 0.0
        while not stop.wait(seconds):
            since += seconds
            if guard.look(busy=in_hand(plan), renew=since >= _AGAIN_SECONDS):
                since = 0.0

    thread = threading.Thread(target=look, name="protection", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        guard.look(busy=False, renew=False)


class Protection:
    """Knows what ECS was last told, so that it is told changes alone."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._told = False

    def look(self, *, busy: bool, renew: bool) -> bool:
        """Ask for protection, or for none, if that is new or is to be renewed; say whether ECS was asked."""
        if busy == self._told and not (busy and renew):
            return False
        try:
            self._ask(busy)
        except OSError as error:
            _log.warning("ECS was not asked to %s this task: %s", "protect" if busy else "release", error)
            return False
        self._told = busy
        return True


def in_hand(plan: WorkerPlan) -> bool:
    """Say whether the worker's process is at anything, by its last beat."""
    try:
        told = json.loads(Path(plan.folder, "pulse.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    return bool(told["doing"])


def ask_agent(agent: str, *, wanted: bool) -> None:
    """Ask the agent at this address for protection, or for none. Raises `OSError` when it does not do so."""
    body: dict[str, object] = {"ProtectionEnabled": wanted}
    if wanted:
        body["ExpiresInMinutes"] = _MINUTES
    request = urllib.request.Request(  # noqa: S310  -- the address is ECS's own
        agent + _PATH, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="PUT"
    )
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310  -- as above
        told = json.loads(answer.read())
    if "failure" in told or "error" in told:
        raise OSError(str(told.get("failure") or told["error"]))

"""Task protection, against a double of the agent that ECS runs beside a task."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from worker.plan import WorkerPlan
from worker.protection import AGENT_VARIABLE, Protection, ask_agent, in_hand, protected


class Agent(ThreadingHTTPServer):
    """Takes down what it is asked, and answers as the agent does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: Queue[tuple[str, dict[str, Any]]] = Queue()
        self.answer: dict[str, Any] = {"protection": {}}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Agent

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps(self.server.answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        self.server.asked.put((self.path, body))

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def agent() -> Iterator[Agent]:
    with Agent() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def plan(tmp_path: Path) -> WorkerPlan:
    return WorkerPlan("cpu@host.1", "cpu", str(tmp_path))


def beat(plan: WorkerPlan, *doing: str) -> None:
    Path(plan.folder, "pulse.json").write_text(json.dumps({"doing": [{"activity": one} for one in doing]}))


def test_a_task_is_protected_while_its_worker_has_something_in_hand(
    agent: Agent, plan: WorkerPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(AGENT_VARIABLE, agent.url)
    beat(plan)
    with protected(plan, 0.01):
        beat(plan, "reading")
        path, body = agent.asked.get(timeout=30)
        assert path == "/task-protection/v1/state"
        assert body == {"ProtectionEnabled": True, "ExpiresInMinutes": 20}
        beat(plan)
        assert agent.asked.get(timeout=30)[1] == {"ProtectionEnabled": False}
        beat(plan, "reading")
        assert agent.asked.get(timeout=30)[1]["ProtectionEnabled"] is True
    assert agent.asked.get(timeout=30)[1] == {"ProtectionEnabled": False}, (
        "a worker that ends lets its task go"
    )
    assert agent.asked.empty()


def test_elsewhere_nobody_is_asked(plan: WorkerPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(AGENT_VARIABLE, raising=False)
    before = threading.active_count()
    with protected(plan, 0.01):
        assert threading.active_count() == before


def test_ecs_is_told_changes_alone_and_reminded_before_protection_runs_out() -> None:
    asked: list[bool] = []
    guard = Protection(asked.append)
    looks = [(True, False), (True, False), (True, True), (False, False), (False, True), (True, False)]
    assert [guard.look(busy=busy, renew=renew) for busy, renew in looks] == [
        *(True, False, True, True, False, True),
    ]
    assert asked == [True, True, False, True]


def test_what_the_agent_refuses_is_asked_again(agent: Agent) -> None:
    agent.answer = {"failure": {"Reason": "DEPLOYMENT_BLOCKED", "Arn": "task"}}
    guard = Protection(lambda wanted: ask_agent(agent.url, wanted=wanted))
    assert not guard.look(busy=True, renew=False)
    agent.answer = {"protection": {"ProtectionEnabled": True}}
    assert guard.look(busy=True, renew=False)


def test_an_agent_that_is_away_is_no_fault_of_the_worker() -> None:
    guard = Protection(lambda wanted: ask_agent("http://127.0.0.1:1", wanted=wanted))
    assert not guard.look(busy=True, renew=False)


def test_a_worker_without_a_beat_has_nothing_in_hand(plan: WorkerPlan) -> None:
    assert not in_hand(plan)
    beat(plan, "reading", "writing")
    assert in_hand(plan)

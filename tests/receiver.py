"""A webhook's receiver: a real HTTP server that can fail, hang, go away and come back."""

from __future__ import annotations

import json
import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Received:
    """A request as it came, and how it was answered."""

    path: str
    headers: dict[str, str]
    body: bytes
    status: int

    @property
    def taken(self) -> bool:
        """Whether it was answered with 2xx."""
        return 200 <= self.status < 300

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # of five, some of a batch's connections would wait a second


class Receiver:
    """Listens on one port of loopback, whenever it is up."""

    def __init__(self, answer: Callable[[Received], int] | None = None) -> None:
        with socket.socket() as chosen:
            chosen.bind(("127.0.0.1", 0))
            self.port: int = chosen.getsockname()[1]
        self.answer = answer or (lambda _: 204)
        self.requests: list[Received] = []
        self.headers: dict[str, str] = {}
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def taken(self) -> list[Received]:
        """The requests that were answered with 2xx."""
        return [request for request in self.requests if request.taken]

    def up(self) -> None:
        """Begin to listen."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                asked = Received(self.path, dict(self.headers.items()), body, 0)
                status = receiver.answer(asked)
                receiver.requests.append(Received(asked.path, asked.headers, body, status))
                self.send_response(status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = _Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def down(self) -> None:
        """Stop listening: connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextmanager
def receiver(answer: Callable[[Received], int] | None = None) -> Iterator[Receiver]:
    """A receiver that is up."""
    made = Receiver(answer)
    made.up()
    try:
        yield made
    finally:
        made.down()


def failing(share: float, seed: int) -> Callable[[Received], int]:
    """Answers that say no to that share of requests."""
    chance = random.Random(seed)
    return lambda _: 503 if chance.random() < share else 204

"""A webhook's receiver that fails as often as it is told to, goes away and comes back."""

from __future__ import annotations

import json
import random
import socket
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_TAKEN, _FAILED = 204, 503


@dataclass(frozen=True)
class Received:
    """A request, and whether it was answered with 2xx."""

    signature: str
    body: bytes
    taken: bool

    @property
    def event(self) -> dict[str, Any]:
        """What it told."""
        found: dict[str, Any] = json.loads(self.body)
        return found


class _Server(ThreadingHTTPServer):
    request_queue_size = 128


class Receiver:
    """Listens on one port of loopback, whenever it is up.

    Args:
        fails: The share of requests that are answered with 503.
    """

    def __init__(self, fails: float) -> None:
        with socket.socket() as chosen:
            chosen.bind(("127.0.0.1", 0))
            self.port: int = chosen.getsockname()[1]
        self.requests: list[Received] = []
        self._fails = fails
        self._dice = random.Random(3)  # noqa: S311  -- dice
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook"

    def up(self) -> None:
        """Begin to listen."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                taken = receiver._dice.random() >= receiver._fails
                # Noted before it is answered: whoever sends may go on to the next once the answer is there.
                receiver.requests.append(Received(self.headers["Pageline-Signature"], body, taken))
                self.send_response(_TAKEN if taken else _FAILED)
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

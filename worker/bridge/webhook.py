"""Events that an S3 server, MinIO perhaps, sends over HTTP."""

from __future__ import annotations

import hmac
import json
import logging
import os
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from infra.errors import BrokerUnavailable, InvalidEvent, SettingsError
from worker.bridge.announcer import Announcer

_log = logging.getLogger(__name__)
TOKEN_VARIABLE = "PAGELINE_BRIDGE_TOKEN"  # noqa: S105  -- the name of a variable, no token
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_MAX_BYTES = 4 << 20
_IDLE_SECONDS = 60.0
_RETRY_SECONDS = 5


class Webhook:
    """A small HTTP server; it answers 200 only when all that a message speaks of is announced.

    Whoever sends is expected to send again what was answered otherwise: 400 for what is no event, 503 while
    the queue does not answer. With `PAGELINE_BRIDGE_TOKEN` set, senders must show it, as MinIO does, in
    `Authorization: Bearer TOKEN`; beyond this machine there is no listening without. `GET` tells that it
    lives.

    Raises:
        SettingsError: the address cannot be listened on, or not without a token.
    """

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "127.0.0.1", parts.port or 0
        except ValueError as error:
            raise SettingsError(f"{url} is no address; expected webhook://HOST:PORT") from error
        self._token = os.environ.get(TOKEN_VARIABLE) or None
        if self._token is None and host not in _LOOPBACK:
            raise SettingsError(f"{host} can be reached from elsewhere: set {TOKEN_VARIABLE} to listen there")
        try:
            self._server = _Server((host, port), _Handler)
        except OSError as error:
            raise SettingsError(f"{host}:{port} cannot be listened on: {error.strerror}") from error
        self._server.token = self._token

    @property
    def port(self) -> int:
        """Where it listens; chosen by the system when the URL named none."""
        return int(self._server.server_address[1])

    def serve(self, announcer: Announcer) -> None:
        """Answer until an exception ends it, Ctrl-C and SIGTERM among them; requests in work are finished."""
        self._server.announcer = announcer
        _log.info("listening on port %d", self.port)
        try:
            self._server.serve_forever()
        finally:
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # what is in work is answered
    request_queue_size = 128
    announcer: Announcer
    token: str | None = None


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS

    def do_GET(self) -> None:
        self._answer(HTTPStatus.OK, {"state": "listening"})

    def do_POST(self) -> None:
        status, sentence = self._take()
        self._answer(status, {"message": sentence})

    def _take(self) -> tuple[HTTPStatus, str]:
        size = self.headers.get("Content-Length", "")
        if not (size.isascii() and size.isdigit()) or int(size) > _MAX_BYTES:
            self.close_connection = True  # the body stays unread
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"bodies have a length of at most {_MAX_BYTES} bytes"
        body = self.rfile.read(int(size))
        if not self._may():
            return HTTPStatus.UNAUTHORIZED, "the token is missing or wrong"
        try:
            self.server.announcer.take(body)
        except InvalidEvent as error:
            return HTTPStatus.BAD_REQUEST, str(error)
        except BrokerUnavailable as error:
            _log.warning("a message is to be sent again: %s", error)
            return HTTPStatus.SERVICE_UNAVAILABLE, error.public
        return HTTPStatus.OK, "announced"

    def _may(self) -> bool:
        token = self.server.token
        shown = self.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        return token is None or hmac.compare_digest(shown.encode(), token.encode())

    def _answer(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            self.send_header("Retry-After", str(_RETRY_SECONDS))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  -- named by the base class
        _log.debug(format, *arguments)

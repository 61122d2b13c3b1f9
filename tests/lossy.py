"""A way to a Redis server on which answers get lost: what was asked for is done, and nobody hears of it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CHUNK = 1 << 16


class LossyWay:
    """Passes on what clients of `url` and the server behind it say to each other.

    `lose` makes the next answers to scripts break the connection instead.
    """

    def __init__(self, server_socket: str) -> None:
        self._server_socket = server_socket
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._losses = 0
        self._lock = threading.Lock()
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"
        threading.Thread(target=self._accept, daemon=True).start()

    def lose(self, answers: int = 1) -> None:
        """Lose so many answers to scripts from now on."""
        with self._lock:
            self._losses = answers

    @property
    def lost(self) -> bool:
        """Whether all that were to be lost have been."""
        return self._losses == 0

    def close(self) -> None:
        """Let nobody in any more."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server_socket)
                asked = bytearray()
                threading.Thread(target=self._ask, args=(client, server, asked), daemon=True).start()
                threading.Thread(target=self._answer, args=(client, server, asked), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, asked: bytearray) -> None:
        with suppress(OSError):
            while data := client.recv(_CHUNK):
                asked += data
                server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)

    def _answer(self, client: socket.socket, server: socket.socket, asked: bytearray) -> None:
        with client, server, suppress(OSError):
            while data := server.recv(_CHUNK):
                if self._is_lost(b"EVALSHA" in asked):
                    client.shutdown(socket.SHUT_RDWR)
                    return
                asked.clear()
                client.sendall(data)

    def _is_lost(self, script: bool) -> bool:
        with self._lock:
            lost = script and self._losses > 0
            self._losses -= lost
            return lost


@contextmanager
def lossy_way(server_socket: str) -> Iterator[LossyWay]:
    """A way to the server at a Unix socket."""
    way = LossyWay(server_socket)
    try:
        yield way
    finally:
        way.close()

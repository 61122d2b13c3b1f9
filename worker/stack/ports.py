"""Free ports on the loopback interface."""

from __future__ import annotations

import socket
from contextlib import ExitStack

LOOPBACK = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """Return different ports that nobody listens on at this moment.

    They are not reserved: somebody may take one before it is used, so whoever uses them tries again then.
    """
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((LOOPBACK, 0))
        return [one.getsockname()[1] for one in sockets]


def all_free(ports: list[int]) -> bool:
    """Say whether nobody listens on any of these ports at this moment."""
    with ExitStack() as held:
        for port in ports:
            one = held.enter_context(socket.socket())
            # As servers do it: connections of a former one that still wind down are no hindrance.
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind((LOOPBACK, port))
            except OSError:
                return False
    return True

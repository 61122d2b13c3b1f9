"""Connections to addresses that others have named: resolved once, judged, and connected to as judged.

So a name cannot first resolve to a public address and then to a private one. No proxy is asked: it would
resolve the name again.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from infra.errors import TargetRefused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(slots=True)
class Link:
    """What becomes one connection.

    Attributes:
        permitted: Says of each address that the name resolves to whether it may be connected to.
        seconds: How long everything together may take, from now; only looking the name up is the system's
            affair.
    """

    host: str
    port: int
    permitted: Callable[[Address], bool]
    seconds: float
    _deadline: float = field(init=False)
    _socket: socket.socket | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._deadline = time.monotonic() + self.seconds

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self._deadline

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Cut the connection when the time is over: a peer may drip a byte at a time for ever."""
        timer = threading.Timer(max(0.0, self._deadline - time.monotonic()), self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def open(self) -> socket.socket:
        """Connect. Raises `TargetRefused` and `OSError`."""
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        for *_, address in found:
            if not self.permitted(ipaddress.ip_address(str(address[0]).partition("%")[0])):
                raise TargetRefused(f"{self.host} is an address of a private network, which may not be told")
        failure: OSError | None = None
        for family, kind, protocol, _, address in found:
            made = socket.socket(family, kind, protocol)
            try:
                made.settimeout(max(0.001, self._deadline - time.monotonic()))
                made.connect(address)
            except OSError as error:
                made.close()
                failure = error
            else:
                self._socket = made
                return made
        raise failure or OSError("the name has no address")

    def secure(self, plain: socket.socket) -> ssl.SSLSocket:
        """Speak TLS on a connection; the certificate must be for the name."""
        context = ssl.create_default_context()
        secured = context.wrap_socket(plain, server_hostname=self.host, do_handshake_on_connect=False)
        self._socket = secured
        secured.do_handshake()
        return secured

    def _cut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                socket.socket.shutdown(
                    self._socket, socket.SHUT_RDWR
                )  # TLS's own would wait for the other side


class Plain(http.client.HTTPConnection):
    """HTTP over a `Link`."""

    def __init__(self, link: Link) -> None:
        super().__init__(link.host, link.port)
        self._link = link

    def connect(self) -> None:
        """Called by http.client when the request goes out."""
        self.sock = self._link.open()


class Secure(Plain):
    """The same under TLS."""

    default_port = 443

    def connect(self) -> None:
        """Called by http.client when the request goes out."""
        self.sock = self._link.secure(self._link.open())

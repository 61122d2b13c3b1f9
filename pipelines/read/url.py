"""Pictures and PDFs from the web, without lending the machine's own network to strangers.

The address is resolved once and that very address is connected to, so a name cannot first resolve to a public
address and then to a private one. Every redirect is looked at anew.
"""

from __future__ import annotations

import base64
import http.client
import io
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit, urlunsplit

from pipelines.errors import DamagedInput, InputError, UnsupportedInput
from pipelines.read.limits import ReadLimits

_CHUNK = 1 << 16
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK = 200
_CLIENT_ERRORS = range(400, 500)
_PASSING = frozenset({408, 425, 429})  # those of them that say: come back later
_UNQUOTED = "%/:?#[]@!$&'()*+,;=~"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")  # the rest of IPv6 is local or reserved

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class UrlRules:
    """How far a URL may lead.

    Attributes:
        timeout_s: for connecting and for each read.
        total_s: for everything together, however slowly the host sends; only the name's look-up is the
            system's own affair.
        max_redirects: followed before giving up.
        allow_private: whether addresses of this machine and its networks may be read.
    """

    timeout_s: float = 15.0
    total_s: float = 120.0
    max_redirects: int = 5
    allow_private: bool = False


class UrlError(InputError):
    """A URL that could not be read; another try may succeed."""

    retryable = True


class UrlRefusedError(UrlError):
    """The host says that this address will not do: another try will not either."""

    retryable = False


@dataclass(frozen=True)
class _Clock:
    """The time that is left, and how much of it one step may take."""

    name: str
    step_s: float
    deadline: float

    def step(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise UrlError(f"{self.name}: the transfer takes too long")
        return min(self.step_s, left)


def is_url(text: str) -> bool:
    """Whether the text is a web address rather than a path."""
    return text.lower().startswith(("http://", "https://"))


def public_name(url: str) -> str:
    """The URL without user, password, query and fragment: these may hold keys that belong in no result.

    Raises:
        UnsupportedInput: it is no URL at all.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise UnsupportedInput(f"a web address is malformed ({error})") from error
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def download(url: str, target: Path, limits: ReadLimits, rules: UrlRules) -> None:
    """Fetch `url` into the file `target`; a user and password in it are sent to that host only.

    Raises:
        UnsupportedInput: not http(s), or it leads to a private address.
        LimitExceeded: it sends more than `max_bytes`.
        UrlRefusedError: the host answers that there is no such thing, or not for everybody.
        UrlError: the host cannot be reached, answers with another error, or takes too long.
        DamagedInput: the transfer breaks off.
    """
    name = public_name(url)
    clock = _Clock(name, rules.timeout_s, time.monotonic() + rules.total_s)
    for _ in range(rules.max_redirects + 1):
        connection, reply = _request(url, clock, rules)
        try:
            if reply.status not in _REDIRECTS:
                _save(reply, target, name, limits)
                return
            url = urljoin(url, reply.getheader("Location") or "")
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            raise UrlError(f"{name}: redirects to an address that is none ({_plain(error)})") from error
        finally:
            connection.close()
    raise UrlError(f"{name}: more than {rules.max_redirects} redirects")


def _request(
    url: str, clock: _Clock, rules: UrlRules
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    connection: http.client.HTTPConnection | None = None
    try:
        parts = urlsplit(url)
        # Quoted as browsers do: addresses are copied with their spaces and their own script's letters.
        path, query = (quote(part, safe=_UNQUOTED) for part in (parts.path or "/", parts.query))
        target = urlunsplit(("", "", path, query, ""))
        connection = _connection(parts, clock, rules)
        connection.request("GET", target, headers=_headers(parts))
        return connection, connection.getresponse()
    except Exception as error:
        if connection is not None:
            connection.close()
        if isinstance(error, InputError):
            raise
        # A ValueError: a redirect's address or a host's name that cannot be one.
        if isinstance(error, OSError | http.client.HTTPException | ValueError):
            raise UrlError(f"{clock.name}: cannot be fetched ({_plain(error)})") from error
        raise


def _headers(parts: SplitResult) -> dict[str, str]:
    headers = {"User-Agent": "pageline", "Accept-Encoding": "identity"}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return headers


def _connection(parts: SplitResult, clock: _Clock, rules: UrlRules) -> http.client.HTTPConnection:
    name = clock.name
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UnsupportedInput(f"{name}: leads to something that is not http or https")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise UnsupportedInput(f"{name}: has no valid port") from error
    connect = _connector(parts.hostname, port, clock, rules)
    connection = (_Http if parts.scheme == "http" else _Https)(parts.hostname, port, connect)
    connection.response_class = partial(_Response, clock)  # type: ignore[assignment]  # any callable will do
    return connection


def _connector(host: str, port: int, clock: _Clock, rules: UrlRules) -> Callable[[], socket.socket]:
    def connect() -> socket.socket:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for *_, address in found:
            if not rules.allow_private and not is_public(
                ipaddress.ip_address(str(address[0]).partition("%")[0])
            ):
                raise UnsupportedInput(
                    f"{clock.name}: {host} is an address of a private network, which "
                    "may not be read from here"
                )
        failure: OSError | None = None
        for family, kind, protocol, _, address in found:
            link = socket.socket(family, kind, protocol)
            try:
                link.settimeout(clock.step())
                link.connect(address)
            except InputError:
                link.close()
                raise
            except OSError as error:
                link.close()
                failure = error
            else:
                return link
        raise failure or OSError("the name has no address")

    return connect


def is_public(address: Address) -> bool:
    """Whether an address is of the open Internet; one that carries another inside is judged by that."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address not in _GLOBAL_UNICAST or address.sixtofour is not None or address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast


class _Http(http.client.HTTPConnection):
    """A connection to the address that was checked, not to whatever the name resolves to by now."""

    def __init__(self, host: str, port: int, connect: Callable[[], socket.socket]) -> None:
        super().__init__(host, port)
        self._open = connect

    def connect(self) -> None:
        """Called by http.client when the request goes out."""
        self.sock = self._open()


class _Https(_Http):
    """The same under TLS; the certificate must be for the name."""

    default_port = 443

    def connect(self) -> None:
        """Called by http.client when the request goes out."""
        self.sock = ssl.create_default_context().wrap_socket(self._open(), server_hostname=self.host)


class _Response(http.client.HTTPResponse):
    """An answer of which every read ends by the deadline: a host may drip a byte at a time."""

    def __init__(self, clock: _Clock, link: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(link, *arguments, **options)
        self.fp = io.BufferedReader(_Bounded(clock, link, self.fp.detach()))


class _Bounded(io.RawIOBase):
    """A socket's stream, each read of which takes at most one step of the clock."""

    def __init__(self, clock: _Clock, link: socket.socket, stream: Any) -> None:
        super().__init__()
        self._clock, self._link, self._stream = clock, link, stream

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Called by the buffer above."""
        self._link.settimeout(self._clock.step())
        count: int | None = self._stream.readinto(buffer)
        return count

    def close(self) -> None:
        """Close the stream below."""
        self._stream.close()
        super().close()


def _save(reply: http.client.HTTPResponse, target: Path, name: str, limits: ReadLimits) -> None:
    if reply.status != _OK:
        final = reply.status in _CLIENT_ERRORS and reply.status not in _PASSING
        kind = UrlRefusedError if final else UrlError
        raise kind(f"{name}: the host answers {reply.status} {reply.reason}".rstrip())
    limits.check_bytes(int(reply.length or 0), name)
    done = 0
    with target.open("wb") as file:
        while chunk := _read(reply, name):
            done += len(chunk)
            limits.check_bytes(done, name)
            file.write(chunk)
    if reply.length:  # http.client counts down what the host announced
        raise DamagedInput(f"{name}: the transfer broke off, {reply.length} bytes are missing")


def _read(reply: http.client.HTTPResponse, name: str) -> bytes:
    try:
        return reply.read1(_CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise UrlError(f"{name}: the transfer broke off ({_plain(error)})") from error


def _plain(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(text.split())

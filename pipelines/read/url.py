"""Pictures and PDFs from the web, without lending the machine's own network to strangers.

The address is resolved once and that very address is connected to, so a name cannot first resolve to a public
address and then to a private one. Every redirect is looked at anew.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, quote, urljoin, urlsplit, urlunsplit

from pipelines.errors import DamagedInput, InputError, UnsupportedInput
from pipelines.read.limits import ReadLimits

_CHUNK = 1 << 16
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK = 200
_UNQUOTED = "%/:?#[]@!$&'()*+,;=~"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class UrlRules:
    """How far a URL may lead.

    Attributes:
        timeout_s: for connecting and for each read.
        total_s: for the whole transfer.
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
    """Fetch `url` into the file `target`.

    Raises:
        UnsupportedInput: not http(s), or it leads to a private address.
        LimitExceeded: it sends more than `max_bytes`.
        UrlError: the host cannot be reached, answers with an error, or takes too long.
        DamagedInput: the transfer breaks off.
    """
    name = public_name(url)
    deadline = time.monotonic() + rules.total_s
    for _ in range(rules.max_redirects + 1):
        connection, reply = _request(url, name, rules)
        try:
            if reply.status not in _REDIRECTS:
                _save(reply, target, name, limits, deadline)
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
    url: str, name: str, rules: UrlRules
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    connection: http.client.HTTPConnection | None = None
    try:
        parts = urlsplit(url)
        # Quoted as browsers do: addresses are copied with their spaces and their own script's letters.
        path, query = (quote(part, safe=_UNQUOTED) for part in (parts.path or "/", parts.query))
        target = urlunsplit(("", "", path, query, ""))
        connection = _connection(parts, name, rules)
        connection.request("GET", target, headers={"User-Agent": "pageline", "Accept-Encoding": "identity"})
        return connection, connection.getresponse()
    except Exception as error:
        if connection is not None:
            connection.close()
        if isinstance(error, InputError):
            raise
        # A ValueError: a redirect's address or a host's name that cannot be one.
        if isinstance(error, OSError | http.client.HTTPException | ValueError):
            raise UrlError(f"{name}: cannot be fetched ({_plain(error)})") from error
        raise


def _connection(parts: SplitResult, name: str, rules: UrlRules) -> http.client.HTTPConnection:
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UnsupportedInput(f"{name}: leads to something that is not http or https")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise UnsupportedInput(f"{name}: has no valid port") from error
    connect = _connector(parts.hostname, port, name, rules)
    if parts.scheme == "http":
        return _Http(parts.hostname, port, connect)
    return _Https(parts.hostname, port, connect)


def _connector(host: str, port: int, name: str, rules: UrlRules) -> Callable[[], socket.socket]:
    def connect() -> socket.socket:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for *_, address in found:
            if not rules.allow_private and not is_public(
                ipaddress.ip_address(str(address[0]).partition("%")[0])
            ):
                raise UnsupportedInput(
                    f"{name}: {host} is an address of a private network, which may not be read from here"
                )
        failure: OSError | None = None
        for family, kind, protocol, _, address in found:
            link = socket.socket(family, kind, protocol)
            link.settimeout(rules.timeout_s)
            try:
                link.connect(address)
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
        if address.sixtofour is not None or address.teredo is not None:
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


def _save(
    reply: http.client.HTTPResponse, target: Path, name: str, limits: ReadLimits, deadline: float
) -> None:
    if reply.status != _OK:
        raise UrlError(f"{name}: the host answers {reply.status} {reply.reason}".rstrip())
    limits.check_bytes(int(reply.length or 0), name)
    done = 0
    with target.open("wb") as file:
        while chunk := _read(reply, name):
            done += len(chunk)
            limits.check_bytes(done, name)
            if time.monotonic() > deadline:
                raise UrlError(f"{name}: the transfer takes too long")
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

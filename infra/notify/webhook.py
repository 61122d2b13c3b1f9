"""Posts events to web addresses."""

from __future__ import annotations

import base64
import http.client
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from infra.errors import TargetFailed, TargetRefused, TargetUnreachable
from infra.notify.connecting import Address, Link, Plain, Secure
from infra.notify.event import CONTENT_TYPE
from infra.notify.message import Message
from infra.notify.signature import HEADER, signature
from infra.notify.targets import Target
from infra.telemetry.tracing import HEADER as TRACE_HEADER

_ANSWER_BYTES = 300  # of an answer that says no: the rest is never read
_UNQUOTED = "%/:?#[]@!$&'()*+,;=~"
_PORTS = {"http": 80, "https": 443}


def post(
    target: Target,
    message: Message,
    secrets: Sequence[str],
    *,
    permitted: Callable[[Address], bool],
    timeout_seconds: float,
) -> None:
    """Post an event; any 2xx says that it was taken. Redirects are not followed.

    Args:
        target: Of the kind HTTP or HTTPS; a user and password in it are sent as basic authentication.
        message: Its body is sent as it is, signed.
        secrets: What it is signed with; without any, it is not.
        permitted: Says of each address that the host resolves to whether it may be connected to.
        timeout_seconds: For everything together, however slowly the receiver answers.

    Raises:
        TargetRefused: an address is not permitted, or the receiver says 410, that it is gone for good.
        TargetFailed: it answers anything else but 2xx, or nonsense.
        TargetUnreachable: it cannot be reached, or does not answer in time.
    """
    parts = urlsplit(target.place)
    link = Link(parts.hostname or "", parts.port or _PORTS[parts.scheme.lower()], permitted, timeout_seconds)
    connection = (Secure if parts.scheme.lower() == "https" else Plain)(link)
    try:
        with _translated(target, link), link.watched():
            connection.request("POST", _path(parts), message.body, _headers(parts, message, secrets))
            answer = connection.getresponse()
            if link.late:  # it was cut in the middle of its headers
                raise TimeoutError
            _judge(target, answer)
    finally:
        connection.close()


def _path(parts: SplitResult) -> str:
    path, query = (quote(part, safe=_UNQUOTED) for part in (parts.path or "/", parts.query))
    return urlunsplit(("", "", path, query, ""))


def _headers(parts: SplitResult, message: Message, secrets: Sequence[str]) -> Mapping[str, str]:
    headers = {"Content-Type": CONTENT_TYPE, "User-Agent": "pageline", "Connection": "close"}
    if message.traceparent is not None:
        headers[TRACE_HEADER] = message.traceparent
    if secrets:
        headers[HEADER] = signature(message.body, secrets, int(time.time()))
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return headers


def _judge(target: Target, answer: http.client.HTTPResponse) -> None:
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return
    said = answer.read(_ANSWER_BYTES).decode(errors="replace")
    words = " ".join(f"{answer.reason} {''.join(c if c.isprintable() else ' ' for c in said)}".split())
    kind = TargetRefused if answer.status == HTTPStatus.GONE else TargetFailed
    raise kind(f"{target.name} answers {answer.status} {words}".rstrip())


@contextmanager
def _translated(target: Target, link: Link) -> Iterator[None]:
    try:
        yield
    except (OSError, http.client.HTTPException, ValueError) as error:
        if link.late or isinstance(error, TimeoutError):
            raise TargetUnreachable(f"{target.name} does not answer within {link.seconds:g} s") from error
        if isinstance(error, http.client.HTTPException):
            raise TargetFailed(f"{target.name} answers nonsense ({_plain(error)})") from error
        raise TargetUnreachable(f"{target.name} cannot be reached ({_plain(error)})") from error


def _plain(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return " ".join((getattr(error, "strerror", None) or str(error) or type(error).__name__).split())

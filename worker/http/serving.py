"""Runs the service: a socket, a server, and its end."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn

from infra.errors import SettingsError
from infra.settings import Settings
from infra.settled import settle
from infra.telemetry.tracing import traced
from worker.http.app import build
from worker.http.desk import open_desk
from worker.http.keys import read_keys
from worker.stack.address import write_private

_BACKLOG = 2048
_KEEP_ALIVE_SECONDS = 30
_GRACE_SECONDS = 2  # for requests in work; who follows events is cut off then


def serve(settings: Settings, link: socket.socket) -> None:
    """Answer requests on a socket until SIGINT or SIGTERM, which is raised again at the end.

    Raises:
        SettingsError: others may reach it, and nothing would keep them out.
        BrokerUnavailable, BrokerUnsuitable: the queue cannot be used.
    """
    check_exposure(settings)
    if settings.http.keys_file is not None:
        read_keys(settings.http.keys_file)
    with traced(f"http@{socket.gethostname()}.{os.getpid()}"), open_desk(settings) as desk:
        desk.store.check()
        config = uvicorn.Config(
            build(desk),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            lifespan="on",
        )
        config.load()
        settle()
        uvicorn.Server(config).run(sockets=[link])


def check_exposure(settings: Settings) -> None:
    """Refuse to be open to other machines without keys, unless that is what was asked for."""
    http = settings.http
    if http.keys_file is None and not http.anonymous and not _is_here(http.host):
        raise SettingsError(
            f"{http.host} can be reached from elsewhere: name a file of API keys (PAGELINE_HTTP__KEYS_FILE, "
            "made by `pageline keys add`), or set PAGELINE_HTTP__ANONYMOUS where something else keeps "
            "strangers out"
        )


@contextmanager
def listening(settings: Settings, *, anywhere: bool = False) -> Iterator[socket.socket]:
    """A socket at the address that the settings name. Raises `SettingsError`.

    With `anywhere`, another port serves where that one is taken.
    """
    http = settings.http
    family = socket.AF_INET6 if ":" in http.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            _bind(link, http.host, http.port, anywhere=anywhere)
        except OSError as error:
            raise SettingsError(f"{http.host}:{http.port} cannot be listened on: {error.strerror}") from error
        yield link


def address_of(link: socket.socket) -> str:
    """Return the address that a browser on this machine reaches a socket under."""
    host, port = link.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = "::1" if ":" in host else "127.0.0.1"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


@contextmanager
def announced(path: Path, link: socket.socket) -> Iterator[None]:
    """Keep the address of a socket in a file while the context is open."""
    write_private(path, address_of(link))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _bind(link: socket.socket, host: str, port: int, *, anywhere: bool) -> None:
    try:
        link.bind((host, port))
        link.listen(_BACKLOG)
    except OSError:
        if not anywhere:
            raise
        link.bind((host, 0))
        link.listen(_BACKLOG)


def _is_here(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"

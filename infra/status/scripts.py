"""Loads the Lua scripts and runs them.

Each script is `scripts/NAME.lua` behind a common prelude and the tables that Python owns: names of keys,
allowed transitions, terminal states, and how a page goes on after a death.

A client that hears no answer asks again, though the script may have run. So every call bears a name of its
own, and its answer stays in Redis for a while, written by the same script: asked again under that name, it is
answered and not run. What was charged, released or settled is so once, however often the connection breaks.
"""

from __future__ import annotations

import ssl
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from infra.errors import BrokerUnavailable, BrokerUnsuitable
from infra.status import states
from infra.status.keys import KEYS, Keys

_FOLDER = Path(__file__).with_name("scripts")
_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 30.0
_RETRIES = 8
_REMEMBERED_SECONDS = 600  # an answer: longer than all tries of a call together
# It answers, but takes no writes at the moment: a fail-over, full memory, a disk that is full.
_REFUSING = (
    redis.exceptions.ReadOnlyError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ClusterDownError,
)
_REFUSING_CODES = ("MISCONF", "NOREPLICAS")


def connect(url: str, answer_seconds: float | None = None) -> redis.Redis:
    """Make a client for `url` (as redis-py writes it) that bears a restart of the server.

    With `answer_seconds` it waits no longer than that and asks once more at most, for who comes again anyway.
    """
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=min(_CONNECT_SECONDS, answer_seconds or _CONNECT_SECONDS),
        socket_timeout=answer_seconds or _ANSWER_SECONDS,
        retry=Retry(ExponentialBackoff(cap=1.0, base=0.02), retries=1 if answer_seconds else _RETRIES),
        retry_on_error=[redis.exceptions.BusyLoadingError],
    )


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors of the connection, or of a server that takes no writes, into `BrokerUnavailable`."""
    try:
        yield
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError) as error:
        raise BrokerUnavailable(f"Redis does not answer: {error}") from error
    except redis.exceptions.ResponseError as error:
        if isinstance(error, _REFUSING) or str(error).startswith(_REFUSING_CODES):
            raise BrokerUnavailable(f"Redis takes no writes: {error}") from error
        raise


def check_suitable(client: redis.Redis, key: str) -> None:
    """Refuse a server that may evict keys, or that lets nobody in with these credentials or to this key.

    Raises `BrokerUnsuitable` and `BrokerUnavailable`.
    """
    with translated(), _let_in():
        client.exists(key)
        memory = client.info("memory")
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        raise BrokerUnsuitable(
            f"Redis has maxmemory-policy {policy} and would forget documents when memory runs short; "
            "set it to noeviction"
        )


@contextmanager
def _let_in() -> Iterator[None]:
    """Tell a refusal, which no waiting would change, from a server that is away."""
    try:
        yield
    except redis.exceptions.AuthenticationError as error:
        raise BrokerUnsuitable(f"Redis does not accept the user or password: {error}") from error
    except redis.exceptions.NoPermissionError as error:
        raise BrokerUnsuitable(f"this user of Redis may not do what is needed: {error}") from error
    except redis.exceptions.ConnectionError as error:
        if _of_tls(error):
            raise BrokerUnsuitable(f"there is no trust between Redis and this program: {error}") from error
        raise


def _of_tls(error: BaseException | None) -> bool:
    """Whether a failure comes from certificates; a connection that only broke off is none of it."""
    broken_off = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
    while error is not None:
        if isinstance(error, ssl.SSLError) and not isinstance(error, broken_off):
            return True
        error = error.__cause__ or error.__context__
    return False


class Scripts:
    """The scripts, bound to a client and a prefix.

    Answers are remembered in places that calls take turns at, so that there are no more of them than calls at
    a time. The place of a call that failed is left to expire: it may still be on its way to the server.
    """

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._scripts = {name: client.register_script(body) for name, body in bodies(keys.prefix).items()}
        self._keys = keys
        self._places: deque[str] = deque()

    def run(self, name: str, *arguments: str | float | bytes) -> Any:
        """Run `scripts/NAME.lua` once; its top says what it takes and returns. Raises `BrokerUnavailable`."""
        try:
            place = self._places.pop()
        except IndexError:
            place = self._keys("answer", uuid.uuid4().hex)
        with translated():
            answer = self._scripts[name](keys=[place], args=[*arguments, uuid.uuid4().hex])
        self._places.append(place)
        return answer


@cache
def bodies(prefix: str) -> Mapping[str, str]:
    """Return the scripts by their names, whole, for keys with a prefix."""
    head = _tables(prefix) + (_FOLDER / "prelude.lua").read_text("utf-8")
    once = (_FOLDER / "once.lua").read_text("utf-8")
    return {
        path.stem: f"{head}\nlocal function act()\n{path.read_text('utf-8')}\nend\n{once}"
        for path in sorted(_FOLDER.glob("*.lua"))
        if path.stem not in {"prelude", "once"}
    }


def _tables(prefix: str) -> str:
    allowed = {
        source.value: _lua({target.value: "true" for target in sorted(targets)})
        for source, targets in states.TRANSITIONS.items()
    }
    modes = ", ".join(f"[{deaths}] = '{mode}'" for deaths, mode in states.MODE_AFTER_DEATHS.items())
    return (
        f"local KEY = {_lua({name: f'[==[{prefix}{known.template}]==]' for name, known in KEYS.items()})}\n"
        f"local ALLOWED = {_lua(allowed)}\n"
        f"local TERMINAL = {_lua({state.value: 'true' for state in sorted(states.TERMINAL)})}\n"
        f"local NEXT_MODE = {{{modes}}}\n"
        f"local MAX_ATTEMPTS = {states.MAX_ATTEMPTS}\n"
        f"local REMEMBERED_SECONDS = {_REMEMBERED_SECONDS}\n"
    )


def _lua(table: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"['{name}'] = {value}" for name, value in table.items()) + "}"

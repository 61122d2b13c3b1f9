"""Logs: one line an event, as text or JSON, with what is at hand (document, page, task), and without secrets.

What a page says never belongs in a log; messages name documents, pages, places and reasons. Passwords in URLs
and values of anything called secret, password, token or signature are masked wherever they come from.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal, TextIO

_MAX_CHARS = 4000  # of a message: a guard against contents in error texts of libraries
# At DEBUG these write out requests, with bodies and credentials.
_TALKATIVE = ("boto3", "botocore", "s3transfer", "urllib3", "filelock", "amqp", "kombu", "redis")
_MASK = r"\1***"
_SECRETS = (
    re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s/]+(?=@)", re.IGNORECASE),
    re.compile(
        r"((?:secret|passw(?:or)?d|token|signature)[\w-]*[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;)}]+", re.IGNORECASE
    ),
)
# A line break within a message, in a file's name perhaps, must not pass for a line of the log.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
_bound: ContextVar[Mapping[str, str | int]] = ContextVar("log_context", default={})  # noqa: B039 - never changed


@contextmanager
def log_context(
    *,
    document: str | None = None,
    page: int | None = None,
    tenant: str | None = None,
    task: str | None = None,
    trace: str | None = None,
) -> Iterator[None]:
    """Name what is at hand in every line logged within the block.

    Blocks may be nested; what is None stays as it is around the block. A thread starts without: open the
    block in it.

    Args:
        document: Id of a document.
        page: Its page.
        tenant: Whose it is.
        task: Id of the message that is worked on.
        trace: Id of the trace that tells of it.
    """
    given = {"document": document, "page": page, "tenant": tenant, "task": task, "trace": trace}
    inner = {name: value for name, value in given.items() if value is not None}
    token = _bound.set({**_bound.get(), **inner})
    try:
        yield
    finally:
        _bound.reset(token)


def bound() -> Mapping[str, str | int]:
    """Return what `log_context` names here, for a thread that goes on with the work."""
    return _bound.get()


@contextmanager
def log_context_of(names: Mapping[str, str | int], *, page: int | None = None) -> Iterator[None]:
    """Name in this thread what was `bound` in another, and the page."""
    token = _bound.set(names if page is None else {**names, "page": page})
    try:
        yield
    finally:
        _bound.reset(token)


def setup_logging(
    style: Literal["auto", "json", "text"] = "auto", level: str = "INFO", stream: TextIO | None = None
) -> None:
    """Send everything logged in this process to one place, in place of whatever was set up before.

    Args:
        style: JSON with one object a line, or text for people; `auto` is text at a terminal, else JSON.
        level: Name of the least level that is written.
        stream: Where to; None for standard error.
    """
    stream = stream if stream is not None else sys.stderr
    handler = logging.StreamHandler(stream)
    as_json = style == "json" or (style == "auto" and not stream.isatty())
    handler.setFormatter(_JsonFormatter() if as_json else _TextFormatter())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(capture=True)


def line_of(logger: str, message: str) -> str:
    """Return a message as the line that it would be in the log, without logging it."""
    record = logging.LogRecord(logger, logging.INFO, "", 0, message, None, None)
    handlers = logging.getLogger().handlers
    return handlers[0].format(record) if handlers else message


def masked(text: str) -> str:
    """Return `text` with `***` in the place of every secret in it."""
    for secret in _SECRETS:
        text = secret.sub(_MASK, text)
    return text


class _JsonFormatter(logging.Formatter):
    """`time` (UTC), `level`, `logger`, `process`, `message`; what is at hand, and `error`, if any."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, str | int] = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process if record.process is not None else 0,
            "message": _message(record),
            **_bound.get(),
        }
        error = _error(self, record)
        if error:
            fields["error"] = error
        return json.dumps(fields, ensure_ascii=False)


class _TextFormatter(logging.Formatter):
    """`time level logger [what is at hand]: message`; a traceback follows on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        context = " ".join(f"{name}={value}" for name, value in _bound.get().items())
        where = f"{record.name} [{context}]" if context else record.name
        line = f"{_time(record)} {record.levelname:<7} {where}: {_message(record).translate(_CONTROLS)}"
        error = _error(self, record)
        return f"{line}\n{error}" if error else line


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _message(record: logging.LogRecord) -> str:
    message = masked(record.getMessage())
    return message if len(message) <= _MAX_CHARS else f"{message[:_MAX_CHARS]}…"


def _error(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return masked(formatter.formatException(record.exc_info)) if record.exc_info else ""

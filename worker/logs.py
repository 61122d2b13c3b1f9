"""Logs of a worker's processes."""

from __future__ import annotations

import logging
import os
import sys

from infra.log import line_of, setup_logging
from infra.settings import Settings

# They tell of every message twice, by ids that say nothing; the tasks tell what they did.
_TALKATIVE = ("celery.worker.strategy", "celery.app.trace")


def set_up_logs(settings: Settings) -> None:
    """Log as the settings say, without Celery's lines about each message."""
    setup_logging(settings.log_format, settings.log_level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def log_what_celery_says() -> None:
    """Have Celery's words about its end, from handlers of signals, be lines of the log as well."""
    import celery.apps.worker as talking  # noqa: PLC0415  -- only a worker's parent needs it

    def say(message: str, _stream: object = None) -> None:
        os.write(sys.stderr.fileno(), f"{line_of(talking.__name__, message)}\n".encode())  # takes no lock

    setattr(talking, "safe_say", say)  # noqa: B010  -- its types know nothing of it

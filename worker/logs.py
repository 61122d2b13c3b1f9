"""Logs of a worker's processes."""

from __future__ import annotations

import logging

from infra.log import setup_logging
from infra.settings import Settings

# They tell of every message twice, by ids that say nothing; the tasks tell what they did.
_TALKATIVE = ("celery.worker.strategy", "celery.app.trace")


def set_up_logs(settings: Settings) -> None:
    """Log as the settings say, without Celery's lines about each message."""
    setup_logging(settings.log_format, settings.log_level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)

"""How long to wait before something is tried again."""

from __future__ import annotations

import random

from infra.settings import QueueSettings


def delay_seconds(queue: QueueSettings, tries: int) -> float:
    """Return the delay after `tries` earlier failures: doubled each time, bounded, with jitter."""
    full = min(queue.retry_limit_seconds, queue.retry_seconds * 2.0 ** min(tries, 32))
    return full * random.uniform(0.5, 1.0)  # noqa: S311  -- spreads load, guards nothing

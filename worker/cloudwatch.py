"""What a control worker tells CloudWatch, so that Amazon's services start and stop the others."""

from __future__ import annotations

import logging
from collections.abc import Callable

from infra.errors import MetricsUntold
from tasks.context import Tools
from tasks.routing import DEFAULT_KIND
from tasks.scaling import demand

_log = logging.getLogger(__name__)
WANTED, WORKERS = "WorkersWanted", "Workers"


def telling(tools: Tools) -> Callable[[], int]:
    """Return what tells how many workers each kind is worth, and how many it has; it returns how many kinds.

    Raises `MetricsUntold` where no region is set.
    """
    from infra.cloudwatch import CloudWatch  # noqa: PLC0415  -- boto3, only where somebody is told

    settings = tools.settings.cloudwatch
    cloudwatch = CloudWatch(settings.fleet or "")

    def tell() -> int:
        kinds = _kinds(tools)
        try:
            for kind in kinds:
                found = demand(tools, kind, settings.drain_seconds)
                cloudwatch.tell(kind, {WANTED: found.value, WORKERS: float(found.workers)})
        except MetricsUntold as error:
            _log.warning("%s", error)
            return 0
        return len(kinds)

    return tell


def _kinds(tools: Tools) -> list[str]:
    """Kinds that can be started, and the one that every fleet has: a kind at zero is told of as well."""
    return sorted({DEFAULT_KIND, *tools.settings.cold_kinds})

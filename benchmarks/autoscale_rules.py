"""What KEDA and Kubernetes do with a ScaledObject: when there is anything at all, and how many replicas then.

KEDA asks a trigger every `pollingInterval` seconds. A target at 0 goes to 1 when the value exceeds
`activationTargetValue`; it goes to 0 when `cooldownPeriod` seconds have passed since the value last did
(https://keda.sh/docs/latest/reference/scaledobject-spec/,
https://keda.sh/docs/latest/concepts/scaling-deployments/). Between 1 and `maxReplicaCount` a
HorizontalPodAutoscaler decides, every 15 seconds: an external metric with an average value wants ceil(value
/ target) replicas, unless that is within a tenth of what there are. Wanting fewer, it takes the most that
was wanted within `stabilizationWindowSeconds`, wanting more, the fewest; policies bound how many come or go
in a period, of several the one that allows the most
(https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import yaml

SYNC_SECONDS = 15.0  # `--horizontal-pod-autoscaler-sync-period`
TOLERANCE = 0.1  # `--horizontal-pod-autoscaler-tolerance`


@dataclass(frozen=True, slots=True)
class Limit:
    """How many replicas may come or go within a period: a share of those at its beginning, or a number."""

    percent: bool
    value: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Direction:
    """How it scales up, or down; a window of 0 takes each wish as it comes."""

    window: float
    limits: Sequence[Limit]


@dataclass(frozen=True, slots=True)
class Rules:
    """A ScaledObject with one `metrics-api` trigger; times in seconds.

    Attributes:
        path: Path and query of the trigger's address.
        location: The field of the answer that has the value.
        grace: What a pod is given to end, of the Deployment's.
    """

    polling: float
    cooldown: float
    least: int
    most: int
    path: str
    location: str
    target: float
    activation: float
    up: Direction
    down: Direction
    grace: float
    sync: float = SYNC_SECONDS


def read_rules(scaled: Path, deployment: Path, *, quicker: float = 1.0) -> Rules:
    """Read a ScaledObject and the Deployment it scales; all their rhythms are `quicker` times as fast."""
    spec = yaml.safe_load(scaled.read_text("utf-8"))["spec"]
    (trigger,) = spec["triggers"]
    if (trigger["type"], trigger.get("metricType")) != ("metrics-api", "AverageValue"):
        raise ValueError(f"{scaled}: a metrics-api trigger with an AverageValue is expected")
    metadata = trigger["metadata"]
    address = urlsplit(metadata["url"])
    config = spec.get("advanced", {}).get("horizontalPodAutoscalerConfig", {}).get("behavior", {})
    (grace,) = {
        one["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        for one in yaml.safe_load_all(deployment.read_text("utf-8"))
        if one["kind"] == "Deployment" and one["metadata"]["name"] == spec["scaleTargetRef"]["name"]
    }
    return Rules(
        polling=spec.get("pollingInterval", 30) / quicker,
        cooldown=spec.get("cooldownPeriod", 300) / quicker,
        least=spec.get("minReplicaCount", 0),
        most=spec.get("maxReplicaCount", 100),
        path=f"{address.path}?{_query(address.query, quicker)}",
        location=metadata["valueLocation"],
        target=float(metadata["targetValue"]),
        activation=float(metadata.get("activationTargetValue", 0)),
        up=_direction(config.get("scaleUp", {}), 0, quicker),
        down=_direction(config.get("scaleDown", {}), 300, quicker),
        grace=grace,
        sync=SYNC_SECONDS / quicker,
    )


def _query(query: str, quicker: float) -> str:
    """The question as it stands, but for the time in which everything is to be read."""
    asked = dict(parse_qsl(query))
    seconds = float(asked.get("drain_seconds", 60)) / quicker
    return urlencode({**asked, "drain_seconds": f"{seconds:g}"})


def _direction(config: Mapping[str, Any], window: float, quicker: float) -> Direction:
    if config.get("selectPolicy", "Max") != "Max":
        raise ValueError("only policies of which the most generous counts are known here")
    limits = [
        Limit(one["type"] == "Percent", one["value"], one["periodSeconds"] / quicker)
        for one in config.get("policies", ())
    ]
    return Direction(config.get("stabilizationWindowSeconds", window) / quicker, limits)


@dataclass(slots=True)
class Autoscaler:
    """Decides how many replicas there are to be; told the time and the value whenever it is to look."""

    rules: Rules
    _active_at: float = float("-inf")
    _wanted: deque[tuple[float, int]] = field(default_factory=deque)
    _changes: deque[tuple[float, int]] = field(default_factory=deque)

    def poll(self, now: float, value: float, replicas: int) -> int:
        """KEDA's look: from nothing to something, and back when there has been nothing for long."""
        if value > self.rules.activation:
            self._active_at = now
            return replicas or self._change(now, replicas, max(1, self.rules.least))
        if replicas and now - self._active_at >= self.rules.cooldown:
            return self._change(now, replicas, self.rules.least)
        return replicas

    def sync(self, now: float, value: float, replicas: int) -> int:
        """The HorizontalPodAutoscaler's look; it does nothing for a target at 0."""
        if replicas == 0:
            return 0
        ratio = value / (self.rules.target * replicas)
        wanted = replicas if abs(1 - ratio) <= TOLERANCE else math.ceil(value / self.rules.target)
        wanted = min(max(wanted, 1, self.rules.least), self.rules.most)
        self._wanted.append((now, wanted))
        return self._change(now, replicas, self._bounded(now, replicas, self._stable(now, replicas, wanted)))

    def _stable(self, now: float, replicas: int, wanted: int) -> int:
        """What was wanted all the time, within each direction's window."""
        longest = max(self.rules.up.window, self.rules.down.window)
        while self._wanted and self._wanted[0][0] < now - longest:
            self._wanted.popleft()
        lowest = min(count for at, count in self._wanted if at >= now - self.rules.up.window)
        highest = max(count for at, count in self._wanted if at >= now - self.rules.down.window)
        if wanted > replicas:
            return max(replicas, lowest)
        return min(replicas, highest)

    def _bounded(self, now: float, replicas: int, wanted: int) -> int:
        """What the policies allow."""
        direction, sign = (self.rules.up, 1) if wanted > replicas else (self.rules.down, -1)
        if wanted == replicas or not direction.limits:
            return wanted
        allowed = [self._allowed(now, replicas, limit, sign) for limit in direction.limits]
        return min(wanted, max(allowed)) if sign > 0 else max(wanted, min(allowed))

    def _allowed(self, now: float, replicas: int, limit: Limit, sign: int) -> int:
        changed = sum(by for at, by in self._changes if at > now - limit.seconds and by * sign > 0)
        start = replicas - changed
        if not limit.percent:
            return int(start + sign * limit.value)
        return (
            math.ceil(start * (1 + limit.value / 100)) if sign > 0 else int(start * (1 - limit.value / 100))
        )

    def _change(self, now: float, replicas: int, wanted: int) -> int:
        if wanted != replicas:
            self._changes.append((now, wanted - replicas))
        return wanted

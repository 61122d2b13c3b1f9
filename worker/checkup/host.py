"""This host: versions, room on the disk, engines, weights, and on request a page that is read."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

from infra.settings import Settings
from infra.telemetry import tracing
from pipelines.devices import parse_device
from pipelines.engines.choose import candidates, unreached
from pipelines.errors import PipelineError
from pipelines.models import list_models
from worker.checkup.finding import Finding, good, problem, warning

_PULL = "run `pageline models pull`, on this host or into the image"


def check_host(settings: Settings) -> Iterator[Finding]:
    """Look at what every worker needs."""
    yield good(
        "versions",
        f"pageline {version('pageline')}, Python {sys.version.split()[0]}, Celery {version('celery')}",
    )
    yield _room(settings)
    yield _traces()


def _room(settings: Settings) -> Finding:
    """See that the work dir can be written, and that what may be kept there has room."""
    settings.work_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=settings.work_dir) as file:
        file.write(b"1")
    free, wanted = shutil.disk_usage(settings.work_dir).free, settings.cache_bytes + settings.spool_bytes
    said = (
        f"{settings.work_dir} has {free / 2**30:,.1f} GiB free, and {wanted / 2**30:,.1f} may be kept there"
    )
    if free < wanted:
        return warning(
            "work dir", said, "lower PAGELINE_CACHE_BYTES, or let PAGELINE_WORK_DIR name a larger disk"
        )
    return good("work dir", said)


def _traces() -> Finding:
    if not tracing.wanted():
        return good("traces", "off: OTEL_EXPORTER_OTLP_ENDPOINT is not set")
    return good("traces", f"to {os.environ.get('OTEL_EXPORTER_OTLP_ENDPOINT', 'the endpoint for traces')}")


def check_reading(settings: Settings, device: str) -> Iterator[Finding]:
    """Look at what a worker for `device` needs: an engine that reaches it, and the pipeline's weights."""
    chosen, wanted = settings.pipeline, parse_device(device)
    try:
        engines = candidates(chosen.engine or "auto", wanted)
        reason = unreached(engines[0], wanted)
    except PipelineError as error:
        yield problem(
            f"device {wanted}", str(error), "install the extra that it names, or choose another device"
        )
        return
    if reason is not None:
        yield problem(f"device {wanted}", f"{engines[0]}: {reason}", "install what is missing")
        return
    yield good(f"device {wanted}", f"reached by {', '.join(engines)}")
    yield _weights(settings)


def _weights(settings: Settings) -> Finding:
    chosen = settings.pipeline
    if chosen.engine == "fake":
        return good("weights", "the fake engine needs none")
    if chosen.config is not None:
        return good("weights", "none are looked for: the configuration names its own")
    from worker.cli.weights import models_of  # noqa: PLC0415  -- brings Rich

    states = list_models()
    damaged = [state.problem for state in states if state.problem is not None]
    if damaged:
        return problem("weights", damaged[0], f"remove them and {_PULL}")
    here = {state.spec.name for state in states if state.cached}
    missing = [name for name, _ in models_of(chosen.name) if name not in here]
    if missing:
        said = f"{', '.join(missing)}: not on this host, a worker fetches them at its start"
        return warning("weights", said, f"{_PULL} {chosen.name}")
    return good("weights", f"all that {chosen.name} needs are here")


def check_page(settings: Settings, device: str) -> Iterator[Finding]:
    """Make the pipeline and have it read a known page, as a worker does before it takes work."""
    from worker.warm import warm_pipeline  # noqa: PLC0415  -- brings the pipeline

    try:
        pipeline, _ = warm_pipeline(settings.pipeline, device)
    except PipelineError as error:
        yield problem(
            "known page", str(error), "a worker for this device would refuse to start for the same reason"
        )
        return
    described: Mapping[str, Any] = getattr(pipeline, "describe", dict)()
    yield good("known page", f"read as expected by {described.get('engine', 'the pipeline')} on {device}")

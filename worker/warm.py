"""Makes the pipeline of a reading process, and has it read a known page before it takes work."""

from __future__ import annotations

import logging

from infra.settings import PipelineSettings
from pipelines import create_pipeline
from tasks.context import Pipeline

_log = logging.getLogger(__name__)


def warm_pipeline(chosen: PipelineSettings, device: str) -> tuple[Pipeline, str]:
    """Make the pipeline, warm and checked, and return it with its digest.

    Raises pipelines' errors: `DeviceUnavailable`, `EngineUnavailable`, `WeightsError`, `SelfCheckError` ...
    """
    pipeline = create_pipeline(
        None if chosen.config is not None else chosen.name,
        chosen.config,
        device,
        engine=chosen.engine,
        engine_config=chosen.engine_config,
        model_source=chosen.model_source,
    )
    report = pipeline.warm_up()
    _log.info("warm: %s", report)
    return pipeline, str(pipeline.describe()["digest"])

"""Makes the pipeline of a reading process, and has it read a known page before it takes work."""

from __future__ import annotations

import logging

from infra.settings import PipelineSettings
from pipelines import create_pipeline
from tasks.context import Pipeline
from tasks.served import served_pipeline

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


def batching_of(pipeline: Pipeline) -> tuple[int, int, int]:
    """Return how many pages are read side by side and in one inference, and how often that was halved."""
    state = getattr(pipeline, "batching", None)
    pages, halved = (1, 0) if state is None else (state.pages, state.halved)
    return pipeline.pages_at_once, pages, halved


def other_pipeline(settings: PipelineSettings, device: str, name: str) -> Pipeline:
    """Make another of the pipelines that the settings name, as `warm_pipeline` does."""
    return warm_pipeline(served_pipeline(name, settings), device)[0]

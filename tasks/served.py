"""Which pipelines a fleet reads with. A worker holds its own one warm; the settings may name others."""

from __future__ import annotations

from collections.abc import Sequence

from infra.settings import PipelineSettings
from pipelines.config.loading import load_config, pipeline_names
from pipelines.languages import languages_of, recognisers_for


def own_name(settings: PipelineSettings) -> str:
    """Return the name of the pipeline that every worker holds."""
    return settings.name if settings.config is None else str(settings.config.get("pipeline_name"))


def served_pipeline(name: str | None, settings: PipelineSettings) -> PipelineSettings:
    """Return how the pipeline `name` is made; None is the fleet's own. Raises `ValueError` for others."""
    if name is None or name == own_name(settings):
        return settings
    served = [own_name(settings), *filter(_is_made_by_name, settings.others)]
    if name not in served:
        raise ValueError(f"nothing is read with {name!r} here, only with {' and '.join(served)}")
    return settings.model_copy(update={"name": name, "config": None})


def _is_made_by_name(name: str) -> bool:
    return name in pipeline_names() or name.endswith((".yaml", ".yml"))


def check_languages(languages: Sequence[str], settings: PipelineSettings) -> None:
    """Refuse languages, or recognition models, that a pipeline does not read. Raises `ValueError`."""
    if not languages:
        return
    config = load_config(None if settings.config is not None else settings.name, settings.config)
    main = config["SubModules"]["TextRecognition"]["model_name"]
    models = recognisers_for(config.get("languages") or (), main)
    known = set(models).union(*map(languages_of, models))
    for language in languages:
        if language not in known:
            codes = " ".join(sorted(known - set(models)))
            raise ValueError(f"the pipeline {own_name(settings)} does not read {language!r}, only {codes}")

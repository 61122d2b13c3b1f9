"""The limits of reading, as the settings change them."""

from __future__ import annotations

from infra.errors import SettingsError
from infra.settings import Settings
from pipelines.read import ReadLimits


def read_limits(settings: Settings) -> ReadLimits:
    """Return the limits. Raises `SettingsError` for a limit that does not exist."""
    try:
        return ReadLimits(**settings.limits)  # type: ignore[arg-type]  # numbers, whole where they were written so
    except TypeError as error:
        raise SettingsError(f"PAGELINE_LIMITS: {error}") from error

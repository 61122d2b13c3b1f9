"""How a worker's processes import their modules: never from the working directory."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from celery.loaders.app import AppLoader


class Loader(AppLoader):
    """Celery's own puts the working directory first, where any `tasks.py` would take the place of ours."""

    def import_from_cwd(self, module: str, imp: Any = None, package: str | None = None) -> ModuleType:  # noqa: ARG002  -- Celery's signature
        """Import a module without looking at the working directory."""
        return import_module(module, package)

"""Weights: what every model is called, where its files come from, and how they get here.

`resolve(name)` is the one call that may fetch something. Importing this package, listing models and asking
for a pinned digest touch neither the network nor the disk.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.models.cache import default_cache_dir
    from pipelines.models.files import ModelFiles, Progress
    from pipelines.models.inference import InferenceConfig
    from pipelines.models.layout import digests_of
    from pipelines.models.official import OFFICIAL_HOSTS, OfficialHosts
    from pipelines.models.registry import MODELS, known_sha256, spec_of
    from pipelines.models.resolver import DEFAULT_ORDER, ModelState, list_models, pull, resolve
    from pipelines.models.spec import Form, ModelSpec, Module

_HOME = {
    "DEFAULT_ORDER": "resolver",
    "Form": "spec",
    "InferenceConfig": "inference",
    "MODELS": "registry",
    "ModelFiles": "files",
    "ModelSpec": "spec",
    "ModelState": "resolver",
    "Module": "spec",
    "OFFICIAL_HOSTS": "official",
    "OfficialHosts": "official",
    "Progress": "files",
    "default_cache_dir": "cache",
    "digests_of": "layout",
    "known_sha256": "registry",
    "list_models": "resolver",
    "pull": "resolver",
    "resolve": "resolver",
    "spec_of": "registry",
}

__all__ = [
    "DEFAULT_ORDER",
    "MODELS",
    "OFFICIAL_HOSTS",
    "Form",
    "InferenceConfig",
    "ModelFiles",
    "ModelSpec",
    "ModelState",
    "Module",
    "OfficialHosts",
    "Progress",
    "default_cache_dir",
    "digests_of",
    "known_sha256",
    "list_models",
    "pull",
    "resolve",
    "spec_of",
]


def __getattr__(name: str) -> Any:
    """Import a name's module at its first use (PEP 562): a digest needs no YAML parser and no HTTP client."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)

"""A document's id: the same for the same upload with the same options, however often it is announced."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from infra.settings import PipelineSettings
from pipelines import pipeline_digest
from pipelines.config.loading import pipeline_names

_DIGITS = 32  # 128 bits: no two documents will ever meet


def document_id(
    *,
    tenant: str,
    place: str,
    key: str,
    version: str | None,
    etag: str | None,
    pipeline: str,
    options: Mapping[str, Any],
) -> str:
    """Digest what makes a document itself.

    Args:
        tenant: Whose it is.
        place: The bucket or root directory.
        key: The whole key there.
        version: The version's id; it says more than the ETag, which is used without one.
        etag: For files it covers size, time of change and inode.
        pipeline: Which pipeline reads it, see `pipeline_identity`.
        options: Those that change the result; the order of their names does not matter.
    """
    identity = [tenant, place, key, version, etag if version is None else None, pipeline, options]
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def pipeline_identity(chosen: PipelineSettings) -> str:
    """Say which pipeline a document is to be read by.

    A shipped pipeline goes by its name, so that an upload announced again during an upgrade stays one
    document; any other by its digest, and one that makes up its words is told from one that reads.
    """
    name = chosen.name if _is_shipped(chosen) else digest_of(chosen)
    return f"{name}, made up" if chosen.engine == "fake" else name


def digest_of(chosen: PipelineSettings) -> str:
    """Return a pipeline's digest. Each announcement asks for it, and reading a configuration takes time."""
    if _is_shipped(chosen):
        return _digest_of_shipped(chosen.name)
    return pipeline_digest(chosen.config or chosen.name)


@lru_cache
def _digest_of_shipped(name: str) -> str:
    return pipeline_digest(name)


def _is_shipped(chosen: PipelineSettings) -> bool:
    return chosen.config is None and chosen.name in _shipped_names()


@lru_cache(1)
def _shipped_names() -> frozenset[str]:
    return frozenset(pipeline_names())

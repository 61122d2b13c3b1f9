"""A document's id: the same for the same upload with the same options, however often it is announced."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
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
    own = chosen.config is not None or chosen.name not in pipeline_names()
    name = pipeline_digest(chosen.config or chosen.name) if own else chosen.name
    return f"{name}, made up" if chosen.engine == "fake" else name

"""A document's id: the same for the same upload with the same options, however often it is announced."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_DIGITS = 32  # 128 bits: no two documents will ever meet


def document_id(
    *, tenant: str, place: str, key: str, version: str | None, etag: str | None, options: Mapping[str, Any]
) -> str:
    """Digest what makes a document itself.

    Args:
        tenant: Whose it is.
        place: The bucket or root directory.
        key: The whole key there.
        version: The version's id; it says more than the ETag, which is used without one.
        etag: For files it covers size, time of change and inode.
        options: Those that change the result; the order of their names does not matter.
    """
    identity = [tenant, place, key, version, etag if version is None else None, options]
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]

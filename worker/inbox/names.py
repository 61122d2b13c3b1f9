"""Which names in an inbox are documents."""

from __future__ import annotations

from tasks.ref import SIDECAR_SUFFIX

# What copying programs, browsers and editors call a file that is not finished.
_TEMPORARY = (".part", ".partial", ".crdownload", ".download", ".tmp", ".temp", ".swp", "~")
_FOREIGN = frozenset({"thumbs.db", "desktop.ini"})


def is_document(key: str) -> bool:
    """Whether `key` (a path with `/`, relative to its inbox) names a document.

    Hidden files and anything in hidden folders, unfinished files, sidecars, what file managers leave behind
    and the empty keys that stand for folders in a bucket are not.
    """
    segments = key.split("/")
    name = segments[-1].lower()
    return (
        bool(name)
        and not any(segment.startswith(".") for segment in segments)
        and not name.endswith((SIDECAR_SUFFIX, *_TEMPORARY))
        and not name.startswith("~$")
        and name not in _FOREIGN
    )

from __future__ import annotations

import inspect
import re

from infra import errors
from infra.errors import InfraError

CLASSES = {
    name: kind for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, InfraError)
}


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn: dict[str, str | None] = {}
    path: list[str] = []
    for indent, name in re.findall(r"^([ │├└─]*)([A-Z]\w+)(?= |$)", errors.__doc__ or "", re.MULTILINE):
        if not indent:
            continue
        depth = len(indent) // 4 - 1
        path[depth:] = [name]
        drawn[name] = path[depth - 1] if depth else None
    assert drawn == {
        name: kind.__base__.__name__ if kind is not InfraError and kind.__base__ else None
        for name, kind in CLASSES.items()
    }


def test_what_passes_by_itself_can_be_retried() -> None:
    assert {name for name, kind in CLASSES.items() if kind.retryable} == {
        "BrokerUnavailable",
        "MetricsUntold",
        "StorageUnavailable",
        "TargetFailed",
        "TargetUnreachable",
    }


def test_every_class_has_a_sentence_for_the_public() -> None:
    for kind in CLASSES.values():
        assert re.fullmatch(r"[A-Z][^.]+\.", kind.public)
    assert errors.AccessDenied("s3://secret-bucket/x: 403").public == "Access to the document was denied."

"""Who may say something about a document's options: rules, the object's metadata, a sidecar file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from infra.errors import InvalidKey, NotFound
from infra.settings import PrefixRule, Settings
from infra.storage import ObjectInfo, Storage
from tasks.options import PRIVILEGED, Layer, Problem
from tasks.ref import SIDECAR_SUFFIX, DocumentRef

METADATA_PREFIX = "pageline-"  # of object metadata: `x-amz-meta-pageline-dpi: 200`
MAX_SIDECAR_BYTES = 64 * 1024


def layers(
    settings: Settings, storage: Callable[[str], Storage], ref: DocumentRef, key: str, info: ObjectInfo
) -> list[Layer]:
    """Gather what is said about the document at `key`, weakest first. Raises `StorageError`."""
    privileged = settings.sidecar_privileges
    found = [Layer("settings", settings.defaults), *from_rules(settings.rules, ref.key)]
    found.append(from_metadata(info.metadata, privileged=privileged))
    try:
        sidecar = storage(ref.source).read(f"{key}{SIDECAR_SUFFIX}", end=MAX_SIDECAR_BYTES + 1)
        found.append(from_sidecar(sidecar, privileged=privileged))
    except (NotFound, InvalidKey):  # a name that cannot be, for its length perhaps, is no sidecar's
        pass
    return [*found, Layer("call", ref.options)]


def from_rules(rules: Sequence[PrefixRule], key: str) -> list[Layer]:
    """Return the options of all rules that fit `key`, those of the longest prefix last."""
    fitting = [rule for rule in rules if key.startswith(rule.prefix)]
    ordered = sorted(fitting, key=lambda rule: len(rule.prefix))
    return [Layer(f"rule {rule.prefix!r}", rule.options) for rule in ordered]


def from_metadata(metadata: Mapping[str, str], *, privileged: bool) -> Layer:
    """Read the options in object metadata, numbers and booleans as JSON."""
    found = {
        name.removeprefix(METADATA_PREFIX).replace("-", "_"): value_of(text)
        for name, text in metadata.items()
        if name.startswith(METADATA_PREFIX)
    }
    return _layer("metadata", found, "the object's metadata", privileged=privileged)


def from_sidecar(data: bytes, *, privileged: bool) -> Layer:
    """Read the options in a sidecar's JSON."""
    if len(data) > MAX_SIDECAR_BYTES:
        return _refused(f"The sidecar file is larger than {MAX_SIDECAR_BYTES} bytes")
    try:
        found = json.loads(data)
    except RecursionError:
        return _refused("The sidecar file is nested too deeply: options have a few levels at most")
    except ValueError as error:
        return _refused(f"The sidecar file is not JSON: {error}")
    if not isinstance(found, dict):
        return _refused("The sidecar file must hold a JSON object")
    return _layer("sidecar", found, "a sidecar file", privileged=privileged)


def value_of(text: str) -> Any:
    """Return what a text says as JSON, or itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _layer(origin: str, found: dict[str, Any], where: str, *, privileged: bool) -> Layer:
    """Make a layer, without what its author may not say: that is a problem of its own."""
    forbidden = frozenset[str]() if privileged else PRIVILEGED & found.keys()
    problems = tuple(
        Problem(origin, name, f"The option {name} may not be given in {where}") for name in sorted(forbidden)
    )
    allowed = {name: value for name, value in found.items() if name not in forbidden}
    return Layer(origin, allowed, problems)


def _refused(sentence: str) -> Layer:
    return Layer("sidecar", {}, (Problem("sidecar", None, sentence),))

"""A document's options: gathered from all who may say something, weakest first, and checked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infra.settings import PrefixRule
from infra.status.states import Priority
from pipelines.config.options import OPTIONS, UNLOADED, check_options
from pipelines.devices import KINDS
from pipelines.errors import OptionError

METADATA_PREFIX = "pageline-"  # of object metadata: `x-amz-meta-pageline-dpi: 200`
SIDECAR_SUFFIX = ".pageline.json"
MAX_SIDECAR_BYTES = 64 * 1024  # beyond, a sidecar is cut and so no longer JSON
PRIVILEGED: Final = frozenset({"priority", "device"})  # not for whoever may only upload


class RejectedOptions(ValueError):  # noqa: N818  -- it says what happened
    """Options are unknown or wrong; `str(error)` is the public sentence, which names the option."""


class DocumentOptions(BaseModel):
    """What may be asked of a document.

    Attributes:
        dpi: Resolution at which PDF pages are rendered.
        visualize: Whether pictures of the results are wanted.
        predict: Options of the pipeline's `predict`, given by their own names beside these.
        priority: Which line it waits in.
        device: The kind of device that must read it; None leaves the choice to the router.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dpi: int = Field(default=144, ge=36, le=600)
    visualize: bool = True
    predict: dict[str, Any] = Field(default_factory=dict)
    priority: Priority = Priority.NORMAL
    device: str | None = None

    def changing_the_result(self) -> dict[str, Any]:
        """Return those that make another document of the same source."""
        return {"dpi": self.dpi, "visualize": self.visualize, **self.predict}


_OWN = frozenset(DocumentOptions.model_fields) - {"predict"}


def resolve(layers: Iterable[Mapping[str, Any]]) -> DocumentOptions:
    """Merge `layers`, weakest first, and check every option. Raises `RejectedOptions`."""
    merged: dict[str, Any] = {}
    for layer in layers:
        merged.update(layer)
    own = {name: value for name, value in merged.items() if name in _OWN}
    others = {name: value for name, value in merged.items() if name not in _OWN}
    for name in others:
        if name not in OPTIONS and name not in UNLOADED:
            raise RejectedOptions(_unknown(name))
    try:
        predict = check_options(others)
        options = DocumentOptions(**own, predict=predict)
    except OptionError as error:
        raise RejectedOptions(f"An option is wrong: {error}") from error
    except ValidationError as error:
        detail = error.errors()[0]
        raise RejectedOptions(f"The option {detail['loc'][0]} is wrong: {detail['msg']}") from error
    if options.device is not None and options.device not in KINDS:
        raise RejectedOptions(f"The option device is wrong: it must be one of {', '.join(KINDS)}")
    return options


def from_rules(rules: Sequence[PrefixRule], key: str) -> list[Mapping[str, Any]]:
    """Return the options of all rules that fit `key`, those of the longest prefix last."""
    fitting = [rule for rule in rules if key.startswith(rule.prefix)]
    return [rule.options for rule in sorted(fitting, key=lambda rule: len(rule.prefix))]


def from_metadata(metadata: Mapping[str, str], *, privileged: bool) -> dict[str, Any]:
    """Read the options in object metadata, numbers and booleans as JSON. Raises `RejectedOptions`."""
    found = {
        name.removeprefix(METADATA_PREFIX).replace("-", "_"): _value(text)
        for name, text in metadata.items()
        if name.startswith(METADATA_PREFIX)
    }
    return _allowed(found, "the object's metadata", privileged=privileged)


def from_sidecar(data: bytes, *, privileged: bool) -> dict[str, Any]:
    """Read the options in a sidecar's JSON. Raises `RejectedOptions`."""
    try:
        found = json.loads(data)
    except ValueError as error:
        raise RejectedOptions(f"The sidecar file is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise RejectedOptions("The sidecar file must hold a JSON object")
    return _allowed(found, "a sidecar file", privileged=privileged)


def _allowed(found: dict[str, Any], where: str, *, privileged: bool) -> dict[str, Any]:
    if not privileged:
        for name in sorted(PRIVILEGED & found.keys()):
            raise RejectedOptions(f"The option {name} may not be given in {where}")
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _unknown(name: str) -> str:
    near = get_close_matches(name, sorted(_OWN | OPTIONS.keys()), n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"There is no option {name!r}{hint}"

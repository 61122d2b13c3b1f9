"""The options of documents as JSON Schema, for the description of the service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from infra.settings import Settings
from infra.status.states import Priority
from pipelines.config.options import OPTIONS
from pipelines.config.rules import FLAG, FRACTION, LONGEST_SIDE, RATIO, SIDE, Rule
from pipelines.devices import KINDS
from pipelines.write.registry import WRITERS
from tasks.selection import MOST_PAGES
from tasks.served import own_name

_RULES: Final[Mapping[Rule, Mapping[str, Any]]] = {
    FLAG: {"type": "boolean"},
    FRACTION: {"type": "number", "minimum": 0, "maximum": 1},
    RATIO: {"type": "number", "minimum": 0, "maximum": 100},
    SIDE: {"type": "integer", "minimum": 1, "maximum": LONGEST_SIDE},
}
_WORDS: Final = {"text_det_limit_type": ["max", "min"], "text_layer": ["ignore", "verify", "trust"]}
_NUMBER = "[1-9][0-9]{0,4}"
_RANGE = f"{_NUMBER}(-({_NUMBER})?)?"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_PLAIN: Final[Mapping[str, Callable[[object], bool]]] = {
    "visualize": lambda value: isinstance(value, bool),
    "dpi": _is_number,
    "visualize_scale": _is_number,
    "results_days": lambda value: value is None or _is_number(value),
}


def option_schema(settings: Settings) -> dict[str, Any]:
    """Return what a request may ask of a document in this fleet."""
    pipelines = [own_name(settings.pipeline), *settings.pipeline.others]
    outputs = [*WRITERS, "json"]
    words = "|".join(outputs)
    own: dict[str, Any] = {
        "dpi": {"type": "integer", "minimum": 36, "maximum": 600, "default": 144},
        "visualize": {"type": "boolean", "default": True},
        "visualize_format": {"enum": ["jpg", "png", "webp"], "default": "jpg"},
        "visualize_scale": {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 1},
        "pages": {
            "anyOf": [
                {"type": "string", "pattern": f"^{_RANGE}(,{_RANGE})*$"},
                {"type": "integer", "minimum": 1, "maximum": MOST_PAGES},
                {"type": "null"},
            ],
            "description": "Such as `1-3,7,10-`.",
        },
        "outputs": {
            "anyOf": [
                {"type": "array", "items": {"enum": outputs}},
                {"type": "string", "pattern": f"^({words})(,({words}))*$"},
            ]
        },
        "pipeline": _or_null({"enum": list(dict.fromkeys(pipelines))}),
        "priority": {"enum": [priority.value for priority in Priority], "default": "normal"},
        "device": _or_null({"enum": list(KINDS)}),
        "results_days": _or_null({"type": "number", "exclusiveMinimum": 0}),
    }
    predict = {
        name: _or_null(_RULES.get(option.rule) or {"enum": _WORDS[name]}) for name, option in OPTIONS.items()
    }
    return {"type": "object", "properties": {**own, **predict}, "additionalProperties": False}


def _or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Allow null too: it leaves an option open."""
    return {"anyOf": [schema, {"type": "null"}]}


def of_wrong_type(options: Mapping[str, Any]) -> list[str]:
    """Return the options whose values a request may not leave to guessing: a text for a number, say."""
    return [name for name, value in options.items() if name in _PLAIN and not _PLAIN[name](value)]

"""Writes settings.md from the settings themselves: `python docs/make_settings.py > docs/settings.md`."""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys

from pydantic import BaseModel

from infra.http_settings import HttpSettings
from infra.notify import NotifySettings
from infra.settings import (
    PREFIX,
    CloudWatchSettings,
    PipelineSettings,
    QueueSettings,
    RetentionSettings,
    Settings,
    ShutdownSettings,
)
from infra.storage.options import S3Options
from pipelines.read import ReadLimits

_HEAD = f"""# Settings

A worker, `pageline submit` and `pageline status` read their settings from the environment. Nested names have
two underscores (`{PREFIX}QUEUE__LEASE_SECONDS=10`); lists and objects are JSON, a list of plain words may be
separated by commas. What contradicts itself is refused at start, with a sentence that names the variable.

The two that matter:

```
PAGELINE_BROKER_URL=rediss://user:password@redis.example:6379/0
PAGELINE_RESULTS=s3://bucket/results
```

This page is made from the code by `python docs/make_settings.py`.
"""
_SECTIONS: list[tuple[str, str, type]] = [
    ("General", "", Settings),
    ("Pipeline", "PIPELINE__", PipelineSettings),
    ("Queue", "QUEUE__", QueueSettings),
    ("Shutdown", "SHUTDOWN__", ShutdownSettings),
    ("Retention", "RETENTION__", RetentionSettings),
    ("Notifications", "NOTIFY__", NotifySettings),
    ("HTTP", "HTTP__", HttpSettings),
    ("CloudWatch", "CLOUDWATCH__", CloudWatchSettings),
    ("S3", "S3__", S3Options),
    ("Limits of what is read", "LIMITS__", ReadLimits),
]
_GROUPS = {"pipeline", "queue", "shutdown", "retention", "notify", "http", "cloudwatch", "s3", "limits"}


def described(section: type) -> dict[str, str]:
    """Each attribute of `section` with the sentence its docstring gives."""
    text = inspect.cleandoc(section.__doc__ or "").partition("Attributes:\n")[2]
    entries = re.split(r"^ {4}(?=\w+: )", text, flags=re.MULTILINE)[1:]
    pairs = (entry.split(": ", 1) for entry in entries)
    return {name: " ".join(words.split()) for name, words in pairs}


def defaults(section: type) -> dict[str, object]:
    """Each setting of `section` with its default; a word in brackets where there is none to show."""
    if issubclass(section, BaseModel):
        return {
            name: "(required)"
            if field.is_required()
            else "(see text)"
            if field.default_factory
            else field.default
            for name, field in section.model_fields.items()
        }
    return {field.name: field.default for field in dataclasses.fields(section)}


def shown(value: object) -> str:
    """A default as one would write it in the environment."""
    if value is None or value == ():
        return ""
    if isinstance(value, str) and value.startswith("("):
        return value if value == "(required)" else ""
    if isinstance(value, tuple):
        return f"`{','.join(value)}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def table(prefix: str, section: type) -> list[str]:
    """The rows of one section, in Markdown."""
    words = described(section)
    return [
        "| variable | default | what it does |",
        "|---|---|---|",
        *(
            f"| `{PREFIX}{prefix}{name.upper()}` | {shown(default)} | {words[name]} |"
            for name, default in defaults(section).items()
            if not (section is Settings and name in _GROUPS)
        ),
    ]


def page() -> str:
    """The whole of settings.md."""
    parts = [_HEAD]
    for title, prefix, section in _SECTIONS:
        parts += [f"## {title}\n", *table(prefix, section), ""]
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(page())

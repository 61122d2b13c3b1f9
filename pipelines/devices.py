"""Names of devices: `cpu`, `gpu:0`, `npu:1`, `xpu:0`, `mlu:0`, `dcu:0`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.errors import OptionError

KINDS = ("cpu", "gpu", "npu", "xpu", "mlu", "dcu")

_FORM = re.compile(r"(?P<kind>[a-z]+)(?::(?P<index>\d{1,3}))?")


@dataclass(frozen=True)
class Device:
    """One device: its kind and, for everything but the CPU, which of them."""

    kind: str
    index: int = 0

    def __str__(self) -> str:
        return self.kind if self.kind == "cpu" else f"{self.kind}:{self.index}"


def parse_device(text: str) -> Device:
    """The device that `text` names; without a number it is the first of its kind.

    Raises:
        OptionError: when the text has another form or names an unknown kind.
    """
    match = _FORM.fullmatch(str(text).strip().lower())
    if match is None or match["kind"] not in KINDS or (match["kind"] == "cpu" and match["index"]):
        raise OptionError(
            f"device: expected 'cpu' or one of {', '.join(KINDS[1:])} with a number, got {text!r}"
        )
    return Device(match["kind"], int(match["index"] or 0))

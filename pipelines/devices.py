"""Names of devices: `cpu`, `gpu:0`, `gpu:0,1`, `npu:1`, `xpu:0`, `mlu:0`, `dcu:0`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.errors import OptionError

KINDS = ("cpu", "gpu", "npu", "xpu", "mlu", "dcu")

_FORM = re.compile(r"(?P<kind>[a-z]+)(?::(?P<indices>\d{1,3}(?:\s*,\s*\d{1,3})*))?")
# What other programs say for these kinds.
_SYNONYMS = {"cuda": "gpu", "nvidia": "gpu", "rocm": "dcu", "ascend": "npu", "kunlun": "xpu"}


@dataclass(frozen=True)
class Device:
    """One device, or several of one kind that share the work.

    Attributes:
        kind: one of `KINDS`.
        indices: which of its kind, from 0, in the order given; the CPU is always (0,).
    """

    kind: str
    indices: tuple[int, ...] = (0,)

    @property
    def index(self) -> int:
        """Which of its kind it is; of several, the first."""
        return self.indices[0]

    @property
    def each(self) -> tuple[Device, ...]:
        """One device for each index: an engine runs on one, so several need one engine each."""
        return tuple(Device(self.kind, (index,)) for index in self.indices)

    def covers(self, other: Device) -> bool:
        """Whether every device in `other` is among these."""
        return self.kind == other.kind and set(other.indices) <= set(self.indices)

    def __str__(self) -> str:
        return self.kind if self.kind == "cpu" else f"{self.kind}:{','.join(map(str, self.indices))}"


CPU = Device("cpu")


def parse_device(text: str) -> Device:
    """The device or devices that `text` names; without a number it is the first of its kind.

    Raises:
        OptionError: when the text has another form, names an unknown kind or one device twice.
    """
    match = _FORM.fullmatch(str(text).strip().lower())
    if match is None or match["kind"] not in KINDS or (match["kind"] == "cpu" and match["indices"]):
        raise OptionError(
            f"device: expected 'cpu' or one of {', '.join(KINDS[1:])} with a number, got {text!r}"
            f"{_hint(match)}"
        )
    indices = tuple(int(number) for number in (match["indices"] or "0").split(","))
    if len(set(indices)) < len(indices):
        raise OptionError(f"device: {text!r} names one device twice")
    return Device(match["kind"], indices)


def _hint(match: re.Match[str] | None) -> str:
    if match is None or match["kind"] not in _SYNONYMS:
        return ""
    return f"; did you mean {_SYNONYMS[match['kind']]}:{match['indices'] or 0}?"

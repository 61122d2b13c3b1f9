"""A worker on devices that are not there (see `device_double`), otherwise the real one.

`FAULTS` is JSON with a member `DOUBLE`: by device, what its `Card` is made with. `gate` is a file: while it
is there, inferences wait. `lose_once` is one that is taken away when the device is lost. While `gone` is
there, the device is not. The children of a worker import this module too.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent))  # a worker's own path leaves out the folder of its program

from device_double import Card, plug_in

_NOWHERE = "/nowhere"


class Patch:
    """Sets items for good."""

    def setitem(self, mapping: Any, key: Any, value: Any) -> None:
        """Set one."""
        mapping[key] = value


class FileCard(Card):
    """A card whose faults are files that a test makes."""

    files: dict[str, str]

    @property
    def present(self) -> bool:  # type: ignore[override]  # a field, there
        """Whether the device is there now."""
        return self._present and not Path(self.files.get("gone", _NOWHERE)).exists()

    @present.setter
    def present(self, value: bool) -> None:
        self._present = value

    def _check(self, batch: Any) -> None:
        while Path(self.files.get("gate", _NOWHERE)).exists():
            time.sleep(0.005)
        lose = Path(self.files.get("lose_once", _NOWHERE))
        if lose.exists():
            lose.unlink()
            raise RuntimeError("CUDA failure 719: unspecified launch failure")
        super()._check(batch)


def _card(said: dict[str, Any]) -> Card:
    files = {name: said.pop(name) for name in ("gate", "lose_once", "gone") if name in said}
    card = FileCard(**said)
    card.files = files
    return card


_DOUBLE: dict[str, dict[str, Any]] = json.loads(os.environ["FAULTS"])["DOUBLE"]
plug_in(Patch(), **{name.replace(":", "_"): _card(said) for name, said in _DOUBLE.items()})

if __name__ == "__main__":
    from worker import several
    from worker.__main__ import main
    from worker.stack.processes import python_command

    several.PROGRAM = python_command(__file__)
    sys.exit(main())

"""Every error a caller of `pipelines` can meet.

    PipelineError
    ├── OptionError             a call asks for something this pipeline cannot do
    │   └── ConfigError         a configuration names an unknown or wrong key
    ├── InputError              the document is at fault, not the program
    │   ├── UnsupportedInput    not an image or PDF that can be read
    │   ├── LimitExceeded       larger than a limit allows; `.limit` names it
    │   ├── PasswordRequired    encrypted, and no password or a wrong one was given
    │   └── DamagedInput        the right type, but it cannot be decoded
    ├── TookTooLong             a page was not read within the time it was given
    ├── WriteError              a readable document of this kind cannot be made of it
    ├── WeightsError            weights are missing, damaged or cannot be fetched
    ├── EngineError             an engine failed at loading or running a model
    │   ├── EngineUnavailable   the engine's package is not installed
    │   ├── OutOfMemory         the device's memory does not hold what was asked of it
    │   └── DeviceLost          the device is gone, or broken until its process starts anew
    ├── DeviceUnavailable       the device asked for is not on this machine
    └── SelfCheckError          a known page was read wrongly: this pipeline must not take work

`str(error)` is one sentence that may be shown to the person who asked. `retryable` says whether the
same call may succeed later with nothing changed by the caller.
"""

# ruff: noqa: N818  -- the names say what happened, as httpx's and requests' do

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar


class PipelineError(Exception):
    """The root: catching it catches everything this package raises on purpose."""

    retryable: ClassVar[bool] = False


class OptionError(PipelineError, ValueError):
    """A call asks for something this pipeline cannot do."""


class ConfigError(OptionError):
    """A configuration is wrong; the sentence names the key."""

    @classmethod
    def unknown(cls, key: str, known: Iterable[str], *, where: str, what: str = "key") -> ConfigError:
        """An error for a `key` (or other `what`) nobody knows; it names the nearest of the `known`."""
        near = get_close_matches(key, sorted(known), n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(sorted(known))}"
        return cls(f"{where}: unknown {what} {key!r}{hint}")


class InputError(PipelineError, ValueError):
    """The document is at fault: reading it again gives the same error."""


class UnsupportedInput(InputError):
    """The input is not an image or a PDF that can be read."""


class LimitExceeded(InputError):
    """The input is larger than a limit allows.

    Attributes:
        limit: the limit's public name, which also stands in the sentence.
    """

    def __init__(self, message: str, *, limit: str) -> None:
        super().__init__(message)
        self.limit = limit

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword arguments do not survive an exception's own pickling, and pages are read in child processes.
        return _limit_exceeded, (str(self), self.limit)


def _limit_exceeded(message: str, limit: str) -> LimitExceeded:
    return LimitExceeded(message, limit=limit)


class PasswordRequired(InputError):
    """The document is encrypted, and no password or a wrong one was given."""


class DamagedInput(InputError):
    """The input has the right type but cannot be decoded."""


class TookTooLong(PipelineError):
    """A page was not read within the time it was given (`PageImage.until`)."""


class WriteError(PipelineError):
    """A readable document cannot be made: its format has no place for it, or the source forbids it."""


class WeightsError(PipelineError):
    """Weights are missing, damaged or cannot be fetched.

    Retryable: the commonest cause is a network or a mirror that is away for a while.
    """

    retryable: ClassVar[bool] = True


class EngineError(PipelineError):
    """An engine failed at loading or running a model."""


class EngineUnavailable(EngineError):
    """The engine's package is not installed; the sentence names the extra that brings it."""


class OutOfMemory(EngineError):
    """The device's memory does not hold what was asked of it; less of it at once may do."""


class DeviceLost(EngineError):
    """The device is gone, or whatever this process asks of it from now on fails."""


class DeviceUnavailable(PipelineError):
    """The device asked for is not on this machine; nothing falls back to another silently."""


class SelfCheckError(PipelineError):
    """A known page was read wrongly at warm-up."""

"""A document's options: merged from all who may say something, checked, each with where it came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from math import isfinite
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from infra.errors import TargetRefused
from infra.notify.targets import Target
from infra.retention import Disposal
from infra.settings import Settings
from infra.status.states import Priority
from pipelines.config.options import OPTIONS, check_options
from pipelines.devices import KINDS
from pipelines.errors import OptionError
from pipelines.write.registry import WRITERS, formats_of
from tasks.secrets import check_reference
from tasks.served import check_languages, served_pipeline

OUTPUTS: Final = ("txt", "json")  # what is made where nothing is said
_KNOWN_OUTPUTS = (*WRITERS, "json")
DEFAULT: Final = "default"  # the origin of what nobody has said
_DEFAULTS = {"text_layer": "verify"}  # where a queue's documents are read otherwise than `predict` would
_MAX_CALLBACKS = 16
_DEEPEST = 8  # levels of lists and objects in one option; none needs more than two
_LONGEST = 400  # characters of a sentence; it may repeat what was said, and goes into records


class RejectedOptions(ValueError):  # noqa: N818  -- it says what happened
    """Options are unknown or wrong; `str(error)` is the public sentence, which names the option."""


def _listed(value: object) -> object:
    """One word, or words with commas between them, for a list of them."""
    return [word.strip() for word in value.split(",")] if isinstance(value, str) else value


def _one_listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class DocumentOptions(BaseModel):
    """What may be asked of a document.

    Attributes:
        dpi: Resolution at which PDF pages are rendered.
        visualize: Whether pictures of the results are wanted.
        visualize_format: As what they are stored.
        visualize_scale: Their size, as a part of what they were drawn at.
        predict: Options of the pipeline's `predict`, given by their own names beside these.
        pages: Which pages are read, as `1-3,7,10-`; None for all.
        outputs: What is made of the document, by the names of `WRITERS`; the pages' `json` always is.
        pipeline: The pipeline that must read it, by name; None for the fleet's own.
        languages: What it is written in; the fleet's pipeline must read them.
        priority: Which line it waits in.
        device: The kind of device that must read it; None leaves the choice to the router.
        password_secret: Where an encrypted PDF's password is: `env:NAME` or `file:/path`.
        callback: Who is told of its end, beside those that the settings name.
        retention: What becomes of the source once it is read: `keep`, `delete`, `tag` or `move:PREFIX`; None
            for what the settings say.
        results_days: How long its results stay; None for what the settings say.
        trial: Whether it is read only to be compared: nobody is told of it, and it is nobody's newest.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dpi: int = Field(default=144, ge=36, le=600)
    visualize: bool = True
    visualize_format: Literal["jpg", "png", "webp"] = "jpg"
    visualize_scale: float = Field(default=1.0, gt=0, le=1)
    predict: dict[str, Any] = Field(default_factory=lambda: dict(_DEFAULTS))
    pages: str | None = None
    outputs: Words = OUTPUTS
    pipeline: str | None = None
    languages: Words = ()
    priority: Priority = Priority.NORMAL
    device: str | None = None
    password_secret: str | None = None
    callback: Annotated[tuple[str, ...], BeforeValidator(_one_listed), Field(max_length=_MAX_CALLBACKS)] = ()
    retention: str | None = None
    results_days: float | None = Field(default=None, gt=0)
    trial: bool = False

    def changing_the_result(self) -> dict[str, Any]:
        """Return those that make another document of the same source.

        Options that came later than the first release count only where they differ from their default, so
        that documents keep their ids.
        """
        later = ("visualize_format", "visualize_scale", "pages", "outputs", "trial")
        changed = self.model_dump(mode="json", include=set(later), exclude_defaults=True)
        return {"dpi": self.dpi, "visualize": self.visualize, **changed, **self.predict}

    @field_validator("pages", mode="before")
    @classmethod
    def _check_pages(cls, value: object) -> object:
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if isinstance(text, str):
            from tasks.selection import MOST_PAGES, wanted_of  # noqa: PLC0415  -- brings numpy and OpenCV

            try:
                wanted_of({"pages": text}, MOST_PAGES, "a document")
            except OptionError as error:
                raise ValueError(str(error)) from error
        return text

    @field_validator("outputs")
    @classmethod
    def _check_outputs(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in _KNOWN_OUTPUTS:
                hint = _nearest(name, _KNOWN_OUTPUTS)
                raise ValueError(f"there is no output {name!r}; there are {', '.join(_KNOWN_OUTPUTS)}{hint}")
        return tuple(name for name in _KNOWN_OUTPUTS if name in value or name == "json")

    @field_validator("callback")
    @classmethod
    def _check_callback(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for target in value:
            try:
                Target.parse(target)
            except TargetRefused as error:
                raise ValueError(str(error)) from error
        return tuple(dict.fromkeys(value))

    @field_validator("retention")
    @classmethod
    def _check_retention(cls, value: str | None) -> str | None:
        if value is not None:
            Disposal.parse(value)
        return value


OWN: Final = frozenset(DocumentOptions.model_fields) - {"predict"}
# What is not the uploader's to say, unless the settings allow it.
PRIVILEGED: Final = frozenset(
    {"priority", "device", "password_secret", "callback", "retention", "results_days", "trial"}
)
# Never part of an id, even where nothing else is known of a document than what its announcement said.
UNTOLD: Final = frozenset({"password", "password_secret", "callback", "retention", "results_days"})


@dataclass(frozen=True, slots=True)
class Problem:
    """Why options are refused.

    Attributes:
        origin: Who said it.
        option: Which one; None when nothing of what was said is understood.
        sentence: For the person who did.
    """

    origin: str
    option: str | None
    sentence: str

    def __post_init__(self) -> None:
        """Have the sentence fit into records, whatever it repeats."""
        plain = self.sentence.encode("utf-8", "replace").decode()
        short = plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}…"
        object.__setattr__(self, "sentence", short)


@dataclass(frozen=True, slots=True)
class Layer:
    """What one of those who may say something says.

    Attributes:
        origin: Who: `settings`, `rule 'PREFIX'`, `metadata`, `sidecar` or `call`.
    """

    origin: str
    options: Mapping[str, Any]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """The value of an option, and who gave it."""

    origin: str
    value: Any


@dataclass(frozen=True, slots=True)
class Resolved:
    """Options in force, and how they came to be.

    Attributes:
        options: With a problem, the rest of them.
        said: By name, all who gave an option, weakest first: the last one counts.
        problems: The first one is what the document is rejected for.
    """

    options: DocumentOptions
    said: Mapping[str, tuple[Said, ...]]
    problems: tuple[Problem, ...]

    def origin(self, name: str) -> str:
        """Say whose word counts for an option."""
        return self.said[name][-1].origin if name in self.said else DEFAULT

    def checked(self) -> DocumentOptions:
        """Return the options. Raises `RejectedOptions` for the first problem."""
        if self.problems:
            raise RejectedOptions(self.problems[0].sentence)
        return self.options


def resolve(layers: Iterable[Layer], settings: Settings) -> Resolved:
    """Merge `layers`, weakest first, and check every option in force on its own: all problems are told."""
    said: dict[str, tuple[Said, ...]] = {}
    problems: list[Problem] = []
    for layer in layers:
        problems += layer.problems
        for name, value in layer.options.items():
            said[name] = (*said.get(name, ()), Said(layer.origin, value))
    good: dict[str, Any] = {}
    for name, sayings in said.items():
        try:
            good |= _check(name, sayings[-1].value, settings)
        except RejectedOptions as error:
            problems.append(Problem(sayings[-1].origin, name, str(error)))
    own = {name: value for name, value in good.items() if name in OWN}
    predict = {name: value for name, value in good.items() if name not in OWN}
    options = DocumentOptions(**own, predict=_DEFAULTS | _suiting(own.get("outputs", OUTPUTS)) | predict)
    try:
        check_languages(options.languages, served_pipeline(options.pipeline, settings.pipeline))
    except ValueError as error:
        sentence = f"The option languages is wrong: {error}"
        problems.append(Problem(said["languages"][-1].origin, "languages", sentence))
    return Resolved(options, said, tuple(problems))


def _suiting(outputs: Iterable[str]) -> dict[str, Any]:
    """Return how pages are best read for these outputs."""
    return {"return_word_box": True} if any(each.wants_characters for each in formats_of(outputs)) else {}


def _check(name: str, value: Any, settings: Settings) -> dict[str, Any]:
    """Return an option with its value, or nothing where None leaves it open. Raises `RejectedOptions`."""
    if name not in OWN and name not in OPTIONS:
        raise RejectedOptions(f"There is no option {name!r}{_nearest(name, sorted(OWN | OPTIONS.keys()))}")
    try:
        _check_plain(value)
        if name not in OWN:
            return check_options({name: value})
        checked = getattr(DocumentOptions.model_validate({name: value}), name)
        _check_allowed(name, checked, settings)
    except OptionError as error:
        raise RejectedOptions(f"An option is wrong: {error}") from error
    except ValidationError as error:
        detail = error.errors(include_input=False)[0]["msg"].removeprefix("Value error, ")
        raise RejectedOptions(f"The option {name} is wrong: {detail}") from error
    except ValueError as error:
        raise RejectedOptions(f"The option {name} is wrong: {error}") from error
    return {name: checked}


def _check_plain(value: Any, depth: int = 0) -> None:
    """Refuse what no record can hold: JSON as Python reads it knows more than JSON. Raises `ValueError`."""
    if depth > _DEEPEST:
        raise ValueError(f"it is nested more than {_DEEPEST} levels deep")
    if isinstance(value, float) and not isfinite(value):
        raise ValueError(f"{value} is no number")
    if isinstance(value, str) and not value.isascii():
        _check_unicode(value)
    if isinstance(value, Mapping):
        for each in value:
            _check_plain(each, depth + 1)
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            _check_plain(each, depth + 1)


def _check_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half a character (a lone surrogate)") from None


def _check_allowed(name: str, value: Any, settings: Settings) -> None:
    """Check what depends on this fleet. Raises `ValueError` and `OptionError`."""
    if name == "device" and value is not None and value not in KINDS:
        raise ValueError(f"it must be one of {', '.join(KINDS)}")
    if name == "pipeline":
        served_pipeline(value, settings.pipeline)
    if name == "password_secret" and value is not None:
        check_reference(value, settings.secrets)


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""

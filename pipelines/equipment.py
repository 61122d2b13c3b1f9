"""What a pipeline needs before anything is loaded: an engine, and its models' weights on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from pipelines.blueprint import Blueprint, switched_on
from pipelines.config.options import OPTIONS, CallOptions, make_options
from pipelines.devices import Device
from pipelines.engines.base import Engine, Session, check_graph
from pipelines.engines.choose import candidates, make_engine
from pipelines.engines.fake import fake_files
from pipelines.errors import (
    ConfigError,
    DeviceUnavailable,
    EngineError,
    EngineUnavailable,
    OptionError,
    WeightsError,
)
from pipelines.languages import recognisers_for
from pipelines.models import DEFAULT_ORDER, Form, ModelFiles, ModelSpec, Module, resolve, spec_of
from pipelines.models.registry import pinned
from pipelines.preprocess import Unwarper

# What upstream's guide says where neither the configuration nor the model's inference.yml says anything;
# of the gates, which upstream does not have, what was measured.
GUIDE: dict[str, object] = {
    "use_doc_orientation_classify": True,
    "use_doc_unwarping": True,
    "doc_orientation_thresh": 0.7,
    "doc_unwarping_thresh": 0.01,
    "use_textline_orientation": True,
    "textline_orientation_thresh": 0.9,
    "text_det_limit_side_len": 960,
    "text_det_limit_type": "max",
    "text_det_max_side_limit": 4000,
    "text_det_thresh": 0.3,
    "text_det_box_thresh": 0.6,
    "text_det_unclip_ratio": 2.0,
    "text_rec_score_thresh": 0.0,
    "return_word_box": False,
    "text_layer": "ignore",
}
_OF_MODULE = {
    "DocOrientationClassify": "use_doc_orientation_classify",
    "DocUnwarping": "use_doc_unwarping",
    "TextLineOrientation": "use_textline_orientation",
}
_TASKS = {
    "DocOrientationClassify": Module.DOC_ORIENTATION,
    "DocUnwarping": Module.DOC_UNWARPING,
    "TextDetection": Module.TEXT_DETECTION,
    "TextLineOrientation": Module.TEXTLINE_ORIENTATION,
    "TextRecognition": Module.TEXT_RECOGNITION,
}


@dataclass(frozen=True)
class Part:
    """One model's weights, and the engine that will load them."""

    section: str
    files: ModelFiles
    engine: Engine

    def describe(self) -> dict[str, str]:
        """The model as a result records it."""
        files, engine = self.files, self.engine
        return {
            "module": str(_TASKS[self.section]),
            "name": files.name,
            "sha256": files.sha256,
            "source": files.source,
            "engine": engine.name,
            "provider": engine.provider,
            "precision": engine.precision,
        }

    def load(self, *, best_class: bool = False, parallel: bool = False) -> Session:
        """The network, loaded now; see `Engine.load`."""
        return self.engine.load(self.files, best_class=best_class, parallel=parallel)


@dataclass(frozen=True)
class Equipment:
    """An engine and the weights it will load, all of them on this machine.

    Attributes:
        parts: one for each module that is switched on, in the order a page meets them; recognition has one
            for each language's model.
        defaults: the options of a call that gives none: the configuration's, else the model's own, else the
            guide's.
    """

    engine: Engine
    parts: tuple[Part, ...]
    defaults: CallOptions

    def part(self, section: str) -> Part | None:
        """The first part of that section, or None when it is switched off."""
        return next((part for part in self.parts if part.section == section), None)

    def missing(self, options: Mapping[str, object]) -> str | None:
        """The first of the `options` that asks for a module that is not loaded."""
        loaded = {_OF_MODULE.get(part.section) for part in self.parts}
        return next((name for name in _OF_MODULE.values() if options.get(name) and name not in loaded), None)


def equip(blueprint: Blueprint, engine_name: str, device: Device) -> Equipment:
    """Import the engine and bring the weights here; nothing is loaded yet.

    Raises:
        EngineUnavailable, DeviceUnavailable, OptionError: see `make_engine`.
        WeightsError: when weights cannot be had.
        EngineError: when the engine does not read them.
        ConfigError: when a module's model has another task.
    """
    engine = make_engine(engine_name, blueprint.settings, device)
    sections = switched_on(blueprint.config)
    before = [name for name in sections if name != "TextLineOrientation"]
    lines = [name for name in sections if name == "TextLineOrientation"]
    order = (*before, "TextDetection", *lines, "TextRecognition")
    parts = [_part(blueprint, engine, section) for section in order]
    parts += _other_recognisers(blueprint, engine, parts[-1].files.name)
    return Equipment(engine, tuple(parts), _defaults(blueprint, parts))


def _part(blueprint: Blueprint, engine: Engine, section: str) -> Part:
    part = _weights(blueprint, engine, section)
    fixed = blueprint.module(section).get("input_shape")
    if section != "TextDetection" or fixed is None:
        return part
    inference = replace(part.files.inference, fixed_size=tuple(fixed[1:]), keep_ratio=False)
    return replace(part, files=replace(part.files, inference=inference))


def _weights(blueprint: Blueprint, engine: Engine, section: str) -> Part:
    said = blueprint.module(section)
    name = said.get("model_name")
    if name is None:
        raise ConfigError(f"SubModules: {section}: the key 'model_name' is missing")
    spec = spec_of(name)
    if spec.module is not _TASKS[section]:
        raise ConfigError(f"SubModules: {section}: {name} is a model for {spec.module.replace('_', ' ')}")
    if not engine.forms:
        return Part(section, fake_files(name), engine)
    folder = said.get("model_dir")
    if folder is not None:
        return _own(blueprint, engine, section, spec, folder)
    return _known(blueprint, engine, section, spec)


def _other_recognisers(blueprint: Blueprint, engine: Engine, main: str) -> list[Part]:
    """A part for each recogniser that the document's languages need beside the main one."""
    section = "TextRecognition"
    names = recognisers_for(blueprint.config.get("languages") or (), main)[1:]
    if not engine.forms:
        return [Part(section, fake_files(name), engine) for name in names]
    return [_known(blueprint, engine, section, spec_of(name)) for name in names]


def _own(blueprint: Blueprint, engine: Engine, section: str, spec: ModelSpec, folder: str) -> Part:
    """Weights of the user's own: the folder holds what it holds, so the engine has to suit it."""
    refused: WeightsError | EngineError | None = None
    for one in (engine, *_companions(blueprint, engine, section)):
        try:
            form = one.forms[0] if len(one.forms) == 1 else None
            files = _resolved(blueprint, spec.name, form, folder)
            check_graph(one, files)
            part = Part(section, files, one)
            _try_out(part)
        except (WeightsError, EngineError) as error:
            refused = refused or error
        else:
            return part
    assert refused is not None  # noqa: S101  -- there is always one engine to ask
    raise refused


def _try_out(part: Part) -> None:
    """Run what few pages need, so that weights which cannot do it are refused now and not at such a page."""
    if part.section == "DocUnwarping":
        unwarper = Unwarper(part.load, part.files)
        unwarper.grid(unwarper.shrink(np.full((64, 64, 3), 255, dtype=np.uint8)))


def _known(blueprint: Blueprint, engine: Engine, section: str, spec: ModelSpec) -> Part:
    """Weights of the registry, in the first form the engine reads, the makers' own first."""
    pin = pinned(spec.name)
    if pin is not None and pin.form not in engine.forms:
        # Better on another engine than to need a host that may be out of reach.
        others = _companions(blueprint, engine, section)
        engine = next((one for one in others if pin.form in one.forms), engine)
    form = next((form for form in (*spec.official_forms, *spec.forms) if form in engine.forms), None)
    if form is None:
        raise WeightsError(f"No weights of {spec.name} exist in a form that the engine {engine.name} reads")
    files = _resolved(blueprint, spec.name, form, None)
    check_graph(engine, files)
    return Part(section, files, engine)


def _companions(blueprint: Blueprint, engine: Engine, section: str) -> Iterator[Engine]:
    """Other engines for the small networks around reading; detection and recognition stay where they are."""
    if section not in _OF_MODULE:
        return
    for name in candidates("auto", engine.device):
        if name != engine.name:
            with suppress(EngineUnavailable, DeviceUnavailable, OptionError):
                yield make_engine(name, blueprint.settings, engine.device)


def _resolved(blueprint: Blueprint, name: str, form: Form | None, folder: str | None) -> ModelFiles:
    return resolve(
        name,
        model_dir=folder,
        form=form,
        sources=DEFAULT_ORDER if blueprint.sources is None else blueprint.sources,
        cache_dir=blueprint.cache_dir,
        progress=blueprint.progress,
    )


def _defaults(blueprint: Blueprint, parts: Sequence[Part]) -> CallOptions:
    files = {part.section: part.files for part in parts}
    values = dict(GUIDE)
    for name, option in OPTIONS.items():
        section = option.place[-2] if len(option.place) > 1 else ""
        said = blueprint.module(section).get(option.place[-1]) if section in _TASKS else None
        own = getattr(files.get(section) and files[section].inference, option.place[-1], None)
        values[name] = next(value for value in (said, own, values[name]) if value is not None)
    loaded = {_OF_MODULE.get(section) for section in files}
    values |= {name: name in loaded for name in _OF_MODULE.values()}
    return make_options(values)

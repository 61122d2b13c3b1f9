"""Making a loaded pipeline ready: usual shapes prepared, a known page read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipelines.config.options import CallOptions, DetectionOptions, PreprocessOptions
from pipelines.engines.batching import Batcher
from pipelines.equipment import Equipment
from pipelines.read import PageImage
from pipelines.reading import read_page
from pipelines.selfcheck import check_numbers, check_reading, known_page
from pipelines.stages import Stages
from pipelines.widths import BUCKETS

_A4 = (1684, 1191)  # height and width in pixels at 144 dpi
_LINE_HEIGHT = 48  # as it enters the recognition networks
_USUAL = (
    640  # widest of the canvases prepared for lines that go one by one: longer ones prepare theirs when met
)
_WIDEST = 960  # and of those prepared for batches: wider lines are few
_TRAINED, _MARGIN = 320, 64  # widths up to here have zeros behind the line, so many at most
# The known page is read at these numbers: the check is of engine and weights, not of anybody's thresholds.
_CHECKED_AT = CallOptions(
    PreprocessOptions(
        use_doc_orientation_classify=False,
        use_doc_unwarping=False,
        doc_orientation_thresh=1.0,
        doc_unwarping_thresh=1.0,
    ),
    DetectionOptions(
        limit_side_len=960,
        limit_type="max",
        thresh=0.3,
        max_side_limit=4000,
        box_thresh=0.5,
        unclip_ratio=1.6,
    ),
    use_textline_orientation=False,
    textline_orientation_thresh=1.0,
    score_thresh=0.0,
    return_word_box=False,
    text_layer="ignore",
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


def warm_shapes(stages: Stages, equipment: Equipment, batcher: Batcher | None = None) -> int:
    """Run the networks on the shapes that most pages need, A4 and short lines; say how many.

    An engine that prepares nothing for a shape gets one width of lines. With a `batcher` the networks are run
    on lines of every usual width, and on all sizes that batches come in. The unwarping network is left out:
    most workers never meet a page that needs it.
    """
    options = equipment.defaults
    if batcher is None:
        widths = _usual_widths(_USUAL) if equipment.engine.prepares_shapes else [_TRAINED]
        each = 2 * stages.recognizer.streams  # so that no stream goes without
        return _run_through(stages, options, [[width] * each for width in widths])
    with batcher.preparing() as prepared:
        _run_through(stages, options, [_usual_widths(_WIDEST)])
    return len(prepared)


def _usual_widths(widest: int) -> list[int]:
    """Widths of lines that between them meet every canvas up to the `widest`."""
    return [width - _MARGIN if width <= _TRAINED else width for width in BUCKETS if width <= widest]


def _run_through(stages: Stages, options: CallOptions, widths: Sequence[Sequence[int]]) -> int:
    """Run two blank pages, and groups of lines of these widths, through the stages; say how many of both."""
    pages = [_page(np.full((*size, 3), 255, dtype=np.uint8)) for size in (_A4, _A4[::-1])]
    turning = replace(options.preprocess, use_doc_unwarping=False)
    for page in pages:
        stages.preprocessor(page, turning)
        stages.detector.detect(page.image, options.detection)
    for group in widths:
        crops = [np.full((_LINE_HEIGHT, width, 3), 255, dtype=np.uint8) for width in group]
        stages.recognizer.read(crops)
    if stages.line_orienter is not None:
        stages.line_orienter(crops, options.textline_orientation_thresh)
    return len(pages) + len(widths)


def check_stages(stages: Stages, equipment: Equipment) -> float:
    """Read the known page; how much of it was right. Raises a SelfCheckError when too little was.

    A user's own weights may have been made for anything: of them it is only checked that they run.
    """
    reading = read_page(stages, _page(known_page()), _CHECKED_AT)
    engine = equipment.engine
    detection, recognition = (equipment.part(name) for name in ("TextDetection", "TextRecognition"))
    assert detection is not None  # noqa: S101  -- equip leaves neither of them out
    assert recognition is not None  # noqa: S101  -- likewise
    check_numbers((line.score for line in reading.lines), engine=engine.name)
    if "model_dir" in (detection.files.source, recognition.files.source):
        return 1.0
    return check_reading(
        [line.text for line in reading.lines],
        reads_text=engine.reads_text,
        engine=engine.name,
        alphabet=frozenset(recognition.files.inference.character_dict),
    )


def _page(image: NDArray[np.uint8]) -> PageImage:
    height, width = image.shape[:2]
    return PageImage(image, None, None, 1, width, height, None, 0, None)

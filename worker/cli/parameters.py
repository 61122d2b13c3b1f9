"""The flags of `predict`'s parameters, spelled as PaddleX spells them. None means the pipeline's default.

Ranges are the pipeline's business: it refuses a value with the parameter's name.
"""

from __future__ import annotations

from typing import Annotated, Literal

from worker.cli.options import WORDS, Word, option

_STAGES = "Stages"
_NUMBERS = "Detection and recognition"

OrientationClassify = Annotated[
    Word | None,
    option("--use_doc_orientation_classify", WORDS, "Turn pages that stand sideways.", _STAGES),
]
Unwarping = Annotated[
    Word | None, option("--use_doc_unwarping", WORDS, "Flatten photos of curved pages.", _STAGES)
]
TextlineOrientation = Annotated[
    Word | None, option("--use_textline_orientation", WORDS, "Turn lines that stand on their head.", _STAGES)
]
OrientationThresh = Annotated[
    float | None,
    option("--doc_orientation_thresh", "N", "Turn a page only when at least this sure; 0 always.", _STAGES),
]
UnwarpingThresh = Annotated[
    float | None,
    option("--doc_unwarping_thresh", "N", "Flatten a page only when at least this bent; 0 always.", _STAGES),
]
TextlineThresh = Annotated[
    float | None,
    option("--textline_orientation_thresh", "N", "Turn a line only when at least this sure.", _STAGES),
]
LimitSideLen = Annotated[
    int | None, option("--text_det_limit_side_len", "N", "Pixels the page's side is brought to.", _NUMBERS)
]
LimitType = Annotated[
    Literal["max", "min"] | None,
    option("--text_det_limit_type", "max|min", "Whether that is the longest or shortest side.", _NUMBERS),
]
MaxSideLimit = Annotated[
    int | None, option("--text_det_max_side_limit", "N", "Pixels no side may exceed.", _NUMBERS)
]
DetThresh = Annotated[float | None, option("--text_det_thresh", "N", "A pixel above this is text.", _NUMBERS)]
BoxThresh = Annotated[
    float | None,
    option("--text_det_box_thresh", "N", "Boxes less certain than this are dropped.", _NUMBERS),
]
UnclipRatio = Annotated[
    float | None, option("--text_det_unclip_ratio", "N", "How far boxes grow around their text.", _NUMBERS)
]
ScoreThresh = Annotated[
    float | None,
    option("--text_rec_score_thresh", "N", "Lines less certain than this are dropped.", _NUMBERS),
]
WordBox = Annotated[
    Word | None, option("--return_word_box", WORDS, "Boxes of words and characters.", _NUMBERS)
]
TextLayer = Annotated[
    Literal["ignore", "verify", "trust"] | None,
    option("--text_layer", "MODE", "The text of PDF pages: ignore, verify by a sample, or trust.", _STAGES),
]

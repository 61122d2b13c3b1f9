"""What happens to a page before detection, and to a line before recognition: standing upright, lying flat."""

from __future__ import annotations

from pipelines.preprocess.classifier import Classifier, Verdict
from pipelines.preprocess.document import DocPreprocessor, Preprocessed
from pipelines.preprocess.lines import LineAngle, LineOrienter, read_upright
from pipelines.preprocess.unwarper import Unwarper

__all__ = [
    "Classifier",
    "DocPreprocessor",
    "LineAngle",
    "LineOrienter",
    "Preprocessed",
    "Unwarper",
    "Verdict",
    "read_upright",
]

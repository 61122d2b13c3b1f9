"""faster-paddle, in an environment that has it. Options: {"size": "small" or "tiny"}."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from serving import Reading, options, serve


def load() -> Callable[[str], Reading]:
    """Its engine, detection at most at 960 pixels."""
    from faster_paddle import OcrEngine  # type: ignore[import-not-found]  # noqa: PLC0415  -- in its own environment only

    engine = OcrEngine(model_size=options()["size"], det_max_side=960)

    def read(path: str) -> Reading:
        lines = engine.ocr(Path(path).read_bytes())["bounds"].values()
        return [line["text"] for line in lines], [_corners(line) for line in lines]

    return read


def _corners(line: dict[str, tuple[float, float]]) -> list[tuple[float, float]]:
    (left, top), (right, bottom) = line["topLeftCoord"], line["bottomRightCoord"]
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


if __name__ == "__main__":
    serve(load)

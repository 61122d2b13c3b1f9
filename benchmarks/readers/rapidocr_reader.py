"""RapidOCR, in an environment that has it. Options: {"engine": "openvino" or "onnxruntime"}."""

from __future__ import annotations

from collections.abc import Callable

from serving import Reading, options, serve


def load() -> Callable[[str], Reading]:
    """RapidOCR with PP-OCRv6 small, detection at most at 960 pixels, no line orientation."""
    from rapidocr import EngineType, RapidOCR  # type: ignore[import-not-found]  # noqa: PLC0415  -- in its own environment only

    engine = EngineType(options()["engine"])
    reader = RapidOCR(
        params={
            "Det.engine_type": engine,
            "Rec.engine_type": engine,
            "Det.limit_type": "max",
            "Det.limit_side_len": 960,
            "Global.use_cls": False,
            "Global.log_level": "warning",
        }
    )

    def read(path: str) -> Reading:
        found = reader(path)
        return (found.txts or (), found.boxes if found.boxes is not None else ())

    return read


if __name__ == "__main__":
    serve(load)

"""PaddleX's OCR pipeline, in an environment that has it. Options: {"config": {...}, "engine": name}."""

from __future__ import annotations

import os
from collections.abc import Callable

from serving import Reading, options, serve

os.environ["PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK"] = "True"


def load() -> Callable[[str], Reading]:
    """The pipeline of the options."""
    from paddlex import create_pipeline  # type: ignore[import-not-found]  # noqa: PLC0415  -- in its own environment only

    given = options()
    pipeline = create_pipeline(config=given["config"], device="cpu", engine=given["engine"])

    def read(path: str) -> Reading:
        (result,) = pipeline.predict(path)
        res = result.json["res"]
        return res["rec_texts"], res["rec_polys"]

    return read


if __name__ == "__main__":
    serve(load)

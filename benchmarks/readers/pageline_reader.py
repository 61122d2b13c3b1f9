"""This project's pipeline. Options are those of `create_pipeline`."""

from __future__ import annotations

from collections.abc import Callable

from serving import Reading, options, serve


def load() -> Callable[[str], Reading]:
    """The pipeline of the options, warm."""
    from pipelines import create_pipeline  # noqa: PLC0415  -- loading is timed

    pipeline = create_pipeline(**options())
    pipeline.warm_up()

    def read(path: str) -> Reading:
        (result,) = pipeline.predict(path)
        return result["rec_texts"], result["rec_polys"]

    return read


if __name__ == "__main__":
    serve(load)

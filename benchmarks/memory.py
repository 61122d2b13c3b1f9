"""Watch the memory of one pipeline over many images.

    python benchmarks/memory.py IMAGES [--images N] [--engine NAME] [--whole]

Each image is a cutting, 120 to 480 pixels a side, from a picture of the folder IMAGES, no two of one size:
new shapes all the time are what makes engines pile up kernels. With --whole the pictures themselves are read,
over and over.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from itertools import chain, islice, repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines import create_pipeline
from pipelines.read import iter_inputs

_EVERY = 100
_SIDES = (120, 480)  # pixels


def main() -> int:
    """Read, and print the resident memory after every hundredth image."""
    options = _arguments()
    pipeline = create_pipeline("OCR", engine=options.engine)
    pipeline.warm_up()
    # The unwarping network is loaded at the first page that looks bent: here before the counting begins.
    list(pipeline.predict(next(_cuttings(options.pages, 1)), doc_unwarping_thresh=0))
    images = _pictures if options.whole else _cuttings
    settled = 0.0
    print(f"{'images':>8}{'resident MB':>13}{'since 100':>11}")
    for number, image in enumerate(images(options.pages, options.images), start=1):
        for _ in pipeline.predict(image):
            pass
        if number % _EVERY == 0:
            resident = _resident_mb()
            settled = settled or resident
            print(f"{number:8}{resident:13.1f}{resident - settled:11.1f}", flush=True)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", type=Path, help="a folder of images")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--whole", action="store_true", help="read whole pictures, not cuttings")
    return parser.parse_args()


def _cuttings(folder: Path, count: int) -> Iterator[NDArray[np.uint8]]:
    chance = random.Random(1)  # noqa: S311  -- the same cuttings in every run, nothing secret
    while count > 0:
        for page in iter_inputs(folder):
            height, width = (min(chance.randint(*_SIDES), side) for side in page.image.shape[:2])
            top = chance.randint(0, page.height - height)
            left = chance.randint(0, page.width - width)
            yield page.image[top : top + height, left : left + width].copy()
            count -= 1
            if count == 0:
                return


def _pictures(folder: Path, count: int) -> Iterator[NDArray[np.uint8]]:
    pages = chain.from_iterable(iter_inputs(folder) for _ in repeat(None))
    yield from (page.image for page in islice(pages, count))


def _resident_mb() -> float:
    fields = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return int(fields[1]) * 4096 / 2**20


if __name__ == "__main__":
    sys.exit(main())

"""How well a result's `reading_order` follows the order in which a page's makers listed its lines.

    python benchmarks/reading_order.py IMAGES --truth TRUTH.jsonl [--pipeline OCR] [--show]

Beside it stands upstream's order, that of `rec_texts`: from top to bottom and, within ten pixels, from left
to right. Two figures for each page: how many of the pairs of neighbouring lines are neighbours in the truth,
too, and Kendall's tau (1: the same order, 0: none, -1: the reverse). The truth's own order is arbitrary for
forms, receipts and tables; pages without boxes are left out.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines import create_pipeline

_FEWEST = 4  # lines of a page that have a place in the truth


def main() -> int:
    """Read the pages and print the table."""
    options = _arguments()
    pipeline = create_pipeline(options.pipeline, use_doc_orientation_classify=False, use_doc_unwarping=False)
    rows = []
    for truth in map(json.loads, options.truth.read_text(encoding="utf-8").splitlines()):
        lines = [line for line in truth["lines"] if line["poly"]]
        if not lines:
            continue
        (result,) = pipeline.predict(options.images / Path(truth["file"]).name)
        places = _places(result["rec_polys"], lines)
        listed = [place for place in places if place is not None]
        read = [places[index] for index in result["reading_order"] if places[index] is not None]
        if len(listed) >= _FEWEST:
            rows.append((Path(truth["file"]).name, len(listed), *_figures(listed), *_figures(read)))
    _print(rows, show=options.show)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", type=Path, help="a folder of images")
    parser.add_argument("--truth", type=Path, required=True, help="a JSON line per image")
    parser.add_argument("--pipeline", default="OCR")
    parser.add_argument("--show", action="store_true", help="every page, not only those that differ")
    return parser.parse_args()


def _places(polys: Sequence[Any], lines: Sequence[dict[str, Any]]) -> list[int | None]:
    """For each line that was read, the number of the true line or block it lies in, or None."""
    found = [_box(poly) for poly in polys]
    true = [_box(line["poly"]) for line in lines]
    places: list[int | None] = []
    for box in found:
        shared = [_shared(box, other) for other in true]
        best = int(np.argmax(shared))
        places.append(best if shared[best] > 0.5 else None)
    return places


def _box(poly: Any) -> NDArray[np.float64]:
    corners = np.array(poly, dtype=np.float64)
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)])


def _shared(box: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """The share of the smaller box that the two have in common; of equal ones, less for larger others."""
    sides = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
    areas = [float(np.prod(each[2:] - each[:2])) for each in (box, other)]
    return float(np.prod(np.maximum(sides, 0))) / max(1.0, min(areas)) - 1e-9 * areas[1]


def _figures(places: Sequence[Any]) -> tuple[float, float]:
    """The share of neighbours that are neighbours in the truth, and Kendall's tau without ties."""
    ranks = np.unique(places, return_inverse=True)[1]
    neighbours = float(np.isin(np.diff(ranks), (0, 1)).mean())
    signs = np.sign(ranks[np.newaxis, :] - ranks[:, np.newaxis])[np.triu_indices(len(ranks), 1)]
    return neighbours, float(signs.sum() / max(1, np.count_nonzero(signs)))


def _print(rows: Sequence[tuple[Any, ...]], *, show: bool) -> None:
    print(f"{'':44}{'lines':>7}{'neighbours kept':>20}{'tau':>20}")
    print(f"{'':51}{'upstream':>12}{'ours':>8}{'upstream':>12}{'ours':>8}")
    for name, lines, kept, tau, our_kept, our_tau in rows:
        if show or abs(kept - our_kept) > 0.02:
            print(f"{name[:43]:44}{lines:7}{kept:12.3f}{our_kept:8.3f}{tau:12.3f}{our_tau:8.3f}")
    weights = [row[1] for row in rows]
    kept, tau, our_kept, our_tau = (
        np.average([row[n] for row in rows], weights=weights) for n in (2, 3, 4, 5)
    )
    name = f"all {len(rows)} pages, by lines"
    print(f"{name:44}{sum(weights):7}{kept:12.3f}{our_kept:8.3f}{tau:12.3f}{our_tau:8.3f}")


if __name__ == "__main__":
    sys.exit(main())

"""Measure what preprocessing's gates rest on: how often each is wrong, at several settings.

    python benchmarks/preprocessing.py orientation PAGES [--turned FILE]
    python benchmarks/preprocessing.py unwarping IMAGES --truth TRUTH.jsonl [--thresh N] [--out DIR]
    python benchmarks/preprocessing.py gains IMAGES --truth TRUTH.jsonl [--out DIR]
    python benchmarks/preprocessing.py lines IMAGES [--turned FILE] [--model NAME]

`orientation` turns every page to four sides and counts wrong and missed turns, by the classifier alone and as
the pipeline decides. `unwarping` reads every image without it, with it, and with it forced on every page.
`gains` reads every image without any of the three, with both orientations, and with the default options; it
ends with 1 where an image loses more than 0.002 of its characters.
`lines` takes the lines of upright pages and their twins on the head. FILE is a JSON object: for each file
whose pages do not stand upright, the degrees counter-clockwise that each of them needs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scoring import character_f1

from pipelines import create_pipeline
from pipelines.crops import crop_line
from pipelines.decoding import ReadLine
from pipelines.engines.base import Session
from pipelines.engines.choose import make_engine
from pipelines.engines.settings import EngineSettings
from pipelines.models import ModelFiles, default_cache_dir, resolve
from pipelines.ocr import OCRPipeline
from pipelines.preprocess import Classifier, LineOrienter, Verdict, read_upright
from pipelines.preprocess.orientation import PageOrienter
from pipelines.read import iter_inputs
from pipelines.transform import turn

SIDES = (0, 90, 180, 270)
GATES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
MOST_LOST = 0.002  # of an image's character F1
Image = NDArray[np.uint8]


class Remembering(Classifier):
    """A classifier that is asked about each picture once, however many gates are tried."""

    def __init__(self, session: Session, files: ModelFiles) -> None:
        super().__init__(session, files)
        self._known: dict[tuple[int, ...], Verdict] = {}

    def classify(self, images: Sequence[Image]) -> list[Verdict]:
        """See `Classifier.classify`."""
        keys = [(crc32(image.tobytes()), *image.shape) for image in images]
        new = [index for index, key in enumerate(keys) if key not in self._known]
        for index, verdict in zip(new, super().classify([images[i] for i in new]), strict=True):
            self._known[keys[index]] = verdict
        return [self._known[key] for key in keys]


def main() -> int:
    """Run one of the measurements."""
    options = _arguments()
    measure: Callable[[argparse.Namespace], int | None] = globals()[f"_{options.measurement}"]
    return measure(options) or 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("measurement", choices=("orientation", "unwarping", "gains", "lines"))
    parser.add_argument("pages", type=Path, help="a folder of images, or of images and PDFs")
    parser.add_argument("--turned", type=Path, help="which pages do not stand upright")
    parser.add_argument("--truth", type=Path, help="a JSON line per image")
    parser.add_argument("--thresh", type=float, help="doc_unwarping_thresh, if not the default")
    parser.add_argument("--model", default="PP-LCNet_x1_0_textline_ori", help="the line classifier")
    parser.add_argument("--engine", default="openvino")
    parser.add_argument("--precision", default="f32", help="of `orientation` and `lines`: auto, f32, bf16")
    parser.add_argument("--out", type=Path, default=default_cache_dir().parent / "preprocessing")
    return parser.parse_args()


def _load(name: str, options: argparse.Namespace) -> tuple[Session, ModelFiles]:
    files = resolve(name, form="onnx")
    return make_engine(options.engine, EngineSettings(precision=options.precision)).load(files), files


def _upright(options: argparse.Namespace) -> Iterator[tuple[str, Image]]:
    """Every page that can be read, put upright."""
    needed: dict[str, list[int]] = json.loads(options.turned.read_text()) if options.turned else {}
    for file in sorted(path for path in options.pages.rglob("*") if path.is_file()):
        for page in iter_inputs(file):
            degrees = needed.get(file.name, [])
            angle = degrees[page.number - 1] if page.number <= len(degrees) else 0
            yield f"{file.name} {page.number}", turn(page.image, angle)


def _orientation(options: argparse.Namespace) -> None:
    classifier = Remembering(*_load("PP-LCNet_x1_0_doc_ori", options))
    orienter = PageOrienter(classifier)
    # Of each gate: false turns of upright pages, wrong and missed turns of the others.
    alone, decided = ({gate: [0, 0, 0] for gate in GATES} for _ in range(2))
    pages, seconds = 0, 0.0
    for name, upright in _upright(options):
        pages += 1
        for needed in SIDES:
            page = turn(upright, (360 - needed) % 360)
            start = perf_counter()
            verdict = classifier.classify([page])[0]
            seconds += perf_counter() - start
            for gate in GATES:
                _count(alone[gate], needed, verdict.degrees if verdict.score >= gate else 0)
                found = orienter(page, gate)
                _count(decided[gate], needed, found.angle if found.applied else 0)
                if found.applied and found.angle not in (0, needed):
                    print(f"    gate {gate}: {name}, which needs {needed}, is turned by {found.angle}")
    print(f"{pages} pages on four sides, {seconds / pages / len(SIDES) * 1e3:.0f} ms a look")
    heads = ("false turns", "wrong turns", "missed turns")
    print(f"{'gate':6}{'':22}" + "".join(f"{head:>14}" for head in heads))
    for gate in GATES:
        for rule, counts in (("classifier alone", alone), ("as decided", decided)):
            shares = (counts[gate][0] / pages, *(count / pages / 3 for count in counts[gate][1:]))
            cells = "".join(f"{n:5} {share:7.2%} " for n, share in zip(counts[gate], shares, strict=True))
            print(f"{gate:<6}{rule:22}{cells}")


def _count(counts: list[int], needed: int, done: int) -> None:
    if done != needed:
        counts[0 if needed == 0 else 1 if done else 2] += 1


def _unwarping(options: argparse.Namespace) -> None:
    pipeline = create_pipeline("OCR", engine=options.engine, use_textline_orientation=False)
    ways: dict[str, dict[str, Any]] = {
        "off": {"use_doc_unwarping": False},
        "default": {"doc_unwarping_thresh": options.thresh},
        "always": {"doc_unwarping_thresh": 0.0},
    }
    print(f"{'':50}{'off':>8}{'default':>9}{'always':>8}{'bend':>9}{'str.':>7}")
    for file, figures, read in _read(pipeline, options, ways):
        off, default, always = figures
        said = {way: body["doc_preprocessor_res"].get("unwarping") or {} for way, body in read.items()}
        reason = said["default"].get("reason")
        bend, straighter = (said["always"].get(key) for key in ("bend", "straightening"))
        print(
            f"{file.name[:49]:50}{off:8.4f}{default - off:+9.4f}{always - off:+8.4f}"
            f"{bend:9.4f}{straighter:7.2f}   {reason}",
            flush=True,
        )


def _gains(options: argparse.Namespace) -> int:
    pipeline = create_pipeline("OCR", engine=options.engine)
    off = {"use_doc_unwarping": False}
    ways: dict[str, dict[str, Any]] = {
        "none": {**off, "use_doc_orientation_classify": False, "use_textline_orientation": False},
        "oriented": off,
        "default": {},
    }
    found = [(file, figures) for file, figures, _ in _read(pipeline, options, ways)]
    print(f"{'':66}{'none':>8}{'oriented':>10}{'default':>9}")
    for file, figures in sorted(found, key=lambda one: min(one[1][1:]) - one[1][0]):
        none, *others = figures
        print(f"{file.name[:65]:66}{none:8.4f}" + "".join(f"{figure - none:+9.4f} " for figure in others))
    losing = sum(min(others) < none - MOST_LOST for _, (none, *others) in found)
    print(f"{losing} of {len(found)} images lose more than {MOST_LOST}")
    return int(losing > 0)


def _read(
    pipeline: OCRPipeline, options: argparse.Namespace, ways: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[Path, list[float], dict[str, Any]]]:
    """Each image, its character F1 read in each way, and the results' JSON by way."""
    out = options.out
    for row in map(json.loads, options.truth.read_text(encoding="utf-8").splitlines()):
        file = options.pages / Path(row["file"]).name
        truth = out / f"{file.stem}.jsonl"
        out.mkdir(parents=True, exist_ok=True)
        truth.write_text(json.dumps(row), encoding="utf-8")
        figures, read = [], {}
        for way, switches in ways.items():
            (result,) = pipeline.predict(str(file), **switches)
            result.save_to_json(out / way)
            figures.append(character_f1(truth, out / way))
            read[way] = result.json["res"]
        yield file, figures, read


def _lines(options: argparse.Namespace) -> None:
    pipeline = create_pipeline(
        "OCR",
        engine=options.engine,
        use_doc_orientation_classify=False,
        use_doc_unwarping=False,
        use_textline_orientation=False,
    )
    upright = [
        crop_line(page, np.array(quad, dtype=np.int16))
        for _, page in _upright(options)
        for result in pipeline.predict(page)
        for quad in result.json["res"]["rec_polys"]
    ]
    sides = (upright, [np.ascontiguousarray(crop[::-1, ::-1]) for crop in upright])
    stages = pipeline._lanes.ready()[0].load()  # noqa: SLF001  -- a benchmark looks inside
    read = _remembering(stages.recognizer.read)
    right = [line.text for line in read(upright)]
    orienter = LineOrienter(Classifier(*_load(options.model, options)), 8)
    start = perf_counter()
    orienter(upright, 0)
    print(f"{len(upright)} lines, {(perf_counter() - start) / len(upright) * 1e3:.1f} ms a line")
    print("texts lost to a wrong side: of upright lines, and of the same lines on their head")
    print(f"{'gate':6}{'classifier alone':>22}{'as decided':>22}{'upright ones read twice':>26}")
    for gate in (*GATES, 0.95, 0.99):
        angles = [orienter(crops, gate) for crops in sides]
        sure = [[replace(angle, doubtful=False) for angle in side] for side in angles]
        cells = ""
        for rule in (sure, angles):
            for crops, side in zip(sides, rule, strict=True):
                lines = read_upright(crops, side, read)[1]
                lost = sum(line.text != text for line, text in zip(lines, right, strict=True))
                cells += f"{lost:5}{lost / len(right):6.1%}"
        print(f"{gate:<6}{cells}{sum(angle.doubtful for angle in angles[0]) / len(right):26.1%}")


def _remembering(
    read: Callable[[Sequence[Image]], list[ReadLine]],
) -> Callable[[Sequence[Image]], list[ReadLine]]:
    known: dict[tuple[int, ...], ReadLine] = {}

    def once(crops: Sequence[Image]) -> list[ReadLine]:
        keys = [(crc32(crop.tobytes()), *crop.shape) for crop in crops]
        new = {key: crop for key, crop in zip(keys, crops, strict=True) if key not in known}
        known.update(zip(new, read(list(new.values())), strict=True))
        return [known[key] for key in keys]

    return once


if __name__ == "__main__":
    sys.exit(main())

"""Compare speed, memory and accuracy with the systems people use instead, page by page in turns.

    python benchmarks/peers.py PAGES [--truth TRUTH.jsonl] [--only NAME,NAME] [--rounds N] [--most-pages N]

PAGES is a folder of images; PDFs in it are rendered at 144 dpi first. Every system is installed into an
environment of its own, runs in a process of its own with every core, and is asked for one page at a time, the
systems taking turns: whatever slows the machine slows them all. Nobody turns or flattens pages here.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import cv2
from environments import HOME, python_of
from scoring import character_f1, word_f1

from pipelines.config.loading import load_config
from pipelines.models import resolve
from pipelines.read import iter_inputs
from pipelines.read.inputs import documents_in

READERS = Path(__file__).with_name("readers")
_OCR_CORE = ("paddlex[ocr-core]==3.7.2", "opencv-contrib-python<5")
PADDLEX = ("paddlex", *_OCR_CORE, "onnxruntime>=1.20")
PADDLE = ("paddlex-paddle", *_OCR_CORE, "paddlepaddle==3.2.2")
RAPIDOCR = ("rapidocr", "rapidocr==3.10.0", "onnxruntime>=1.20", "openvino>=2025")
FASTER = ("faster-paddle", "faster-paddle==1.0.4")
PLAIN = {
    "use_doc_orientation_classify": False,
    "use_doc_unwarping": False,
    "use_textline_orientation": False,
}


@dataclass
class System:
    """One system in one set-up.

    Attributes:
        name: in the table.
        reader: the script that runs it.
        needs: the name of its environment, then what that is filled with; empty for this one.
        options: of the reader.
    """

    name: str
    reader: str
    needs: tuple[str, ...]
    options: dict[str, Any]
    seconds: list[float] = field(default_factory=list)
    peak_mb: float = 0.0


def systems() -> list[System]:
    """Every system that can be compared."""
    pages = [
        System("PaddleX v6 small, ONNX Runtime", "paddlex", PADDLEX, _paddlex("OCR", "onnxruntime")),
        System("PaddleX v4 mobile, Paddle", "paddlex", PADDLE, _paddlex("OCR-v4", "paddle_static")),
        System("RapidOCR v6 small, ONNX Runtime", "rapidocr", RAPIDOCR, {"engine": "onnxruntime"}),
        System("RapidOCR v6 small, OpenVINO", "rapidocr", RAPIDOCR, {"engine": "openvino"}),
        System("faster-paddle v6 small", "faster_paddle", FASTER, {"size": "small"}),
        System("faster-paddle v6 tiny", "faster_paddle", FASTER, {"size": "tiny"}),
    ]
    ours = [
        ("v6 small, default", "OCR", "auto", "auto"),
        ("v6 small, OpenVINO f32", "OCR", "openvino", "f32"),
        ("v6 small, ONNX Runtime", "OCR", "onnxruntime", "f32"),
        ("v6 tiny, default", "tiny", "auto", "auto"),
        ("v4 mobile, default", "OCR-v4", "auto", "auto"),
    ]
    return pages + [
        System(f"Pageline {name}", "pageline", (), _pageline(pipeline, engine, precision))
        for name, pipeline, engine, precision in ours
    ]


def _paddlex(pipeline: str, engine: str) -> dict[str, Any]:
    config = _plain(load_config(pipeline))
    form = "paddle" if engine == "paddle_static" else "onnx"
    for module in config["SubModules"].values():
        module["model_dir"] = str(resolve(module["model_name"], form=form).folder)  # type: ignore[arg-type]  # one of two words
    config["SubModules"]["TextRecognition"]["batch_size"] = 6  # its own default
    return {"config": config, "engine": engine}


def _pageline(pipeline: str, engine: str, precision: str) -> dict[str, Any]:
    config = _plain(load_config("OCR" if pipeline == "tiny" else pipeline))
    if pipeline == "tiny":
        config["SubModules"]["TextDetection"] |= {"model_name": "PP-OCRv6_tiny_det", "box_thresh": 0.4}
        config["SubModules"]["TextRecognition"]["model_name"] = "PP-OCRv6_tiny_rec"
    return {"config": config, "engine": engine, "engine_config": {"precision": precision}}


def _plain(config: dict[str, Any]) -> dict[str, Any]:
    modules = config["SubModules"]
    modules.pop("TextLineOrientation", None)
    config.pop("SubPipelines", None)
    return config | {"use_doc_preprocessor": False, "use_textline_orientation": False}


def main() -> int:
    """Set up, read in turns, and print the table."""
    options = _arguments()
    chosen = [s for s in systems() if not options.only or any(w in s.name for w in options.only.split(","))]
    pages = _pages(options.pages, options.out / "pages", options.most_pages)
    processes = {system.name: _start(system) for system in chosen}
    for number in range(options.rounds):
        for page in pages:
            for system in chosen:
                _read(system, processes[system.name], page, options.out, keep=number == 0)
    for system in chosen:
        system.peak_mb = _end(processes[system.name])
    _print(chosen, options.truth, options.out, options.against)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", type=Path, help="a folder of images and PDFs")
    parser.add_argument("--truth", type=Path, help="a JSON line per image, for the F1 figures")
    parser.add_argument("--only", help="parts of the names of the systems wanted, with commas between")
    parser.add_argument("--most-pages", type=int, default=1000, help="read of each PDF")
    parser.add_argument("--rounds", type=int, default=1, help="how often every page is read")
    parser.add_argument("--out", type=Path, default=HOME / "peers")
    parser.add_argument(
        "--against", default="Pageline v6 small, default", help="the system of the last column"
    )
    return parser.parse_args()


def _pages(folder: Path, out: Path, most: int) -> list[Path]:
    """The pages as image files: pictures as they are, the first pages of PDFs rendered."""
    out.mkdir(parents=True, exist_ok=True)
    pages = []
    for document in documents_in(folder):
        if document.suffix.lower() != ".pdf":
            pages.append(document)
            continue
        for page in islice(iter_inputs(document), most):
            path = out / f"{document.stem}_{page.number}.png"
            if not path.exists():
                cv2.imwrite(str(path), page.image)
            pages.append(path)
    return pages


def _start(system: System) -> subprocess.Popen[str]:
    python = python_of(system.needs[0], system.needs[1:]) if system.needs else sys.executable
    command = [python, READERS / f"{system.reader}_reader.py", json.dumps(system.options)]
    log = (HOME / f"{system.reader}.log").open("w")
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
    loaded = _answer(process)["loaded"]
    print(f"{system.name}: ready in {loaded:.1f} s", file=sys.stderr)
    return process


def _answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"a reader ended early; its errors are in {HOME}")
    answer: dict[str, Any] = json.loads(line)
    return answer


def _read(system: System, process: subprocess.Popen[str], page: Path, out: Path, *, keep: bool) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{page}\n")
    process.stdin.flush()
    answer = _answer(process)
    system.seconds.append(answer["seconds"])
    if keep:
        folder = out / system.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{page.stem}_res.json").write_text(json.dumps(answer), encoding="utf-8")


def _end(process: subprocess.Popen[str]) -> float:
    rest, _ = process.communicate()
    peak: float = json.loads(rest)["peak_mb"]
    return peak


def _print(chosen: Sequence[System], truth: Path | None, out: Path, against: str) -> None:
    base = next((sum(s.seconds) for s in chosen if s.name == against), None)
    heads = ("pages/s", "median s", "p95 s", "peak MB", "word F1", "char F1", "time")
    print(f"\n{'system':34}" + "".join(f"{head:>10}" for head in heads))
    for system in chosen:
        times = system.seconds
        late = quantiles(times, n=20)[-1] if len(times) > 1 else times[0]
        figures = [
            f"{len(times) / sum(times):.2f}",
            f"{median(times):.3f}",
            f"{late:.3f}",
            f"{system.peak_mb:.0f}",
        ]
        scores = (word_f1, character_f1)
        figures += [f"{score(truth, out / system.name):.4f}" if truth else "-" for score in scores]
        figures.append(f"{sum(times) / base:.2f}x" if base else "-")
        print(f"{system.name:34}" + "".join(f"{figure:>10}" for figure in figures))


if __name__ == "__main__":
    sys.exit(main())

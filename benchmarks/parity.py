"""Compare this project's pipeline with PaddleX on the same images, weights and parameters.

    python benchmarks/parity.py IMAGES [--truth TRUTH.jsonl] [--venv DIR] [--out DIR] [--show N]

PaddleX is installed into an environment of its own and reads with ONNX Runtime in float32, one line at a time
(its text depends on which lines share a batch). Ours reads twice: as PaddleX does (`exact` widths, ONNX
Runtime) and with its defaults. The peer's readings are kept in --out and used again when they are there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

from scoring import Agreement, word_f1

from pipelines import create_pipeline
from pipelines.config.loading import load_config
from pipelines.models import default_cache_dir, resolve

PEER = ("paddlex[ocr-core]==3.7.2", "onnxruntime>=1.20", "opencv-contrib-python<5")


def main() -> int:
    """Run the three readings and print the table."""
    options = _arguments()
    theirs, exact, plain = (options.out / name for name in ("peer", "exact", "default"))
    _run_peer(options, theirs)
    _run_ours(options, exact, "onnxruntime", "exact")
    _run_ours(options, plain, "auto", "bucket")
    heads = ("same text", "within 2 px", "same pages", "word F1")
    print(f"\n{'reading':10}" + "".join(f"{head:>13}" for head in heads))
    for folder in (theirs, exact, plain):
        agreement, differing = _compare(folder, theirs)
        f1 = f"{word_f1(options.truth, folder):.4f}" if options.truth else "-"
        print(
            f"{folder.name:10}{agreement.same_text / max(1, agreement.lines):13.2%}"
            f"{agreement.close / max(1, agreement.lines):13.2%}"
            f"{f'{agreement.same_page} of {agreement.pages}':>13}{f1:>13}"
        )
        for ours, peer in differing[: options.show]:
            print(f"    {ours!r} where PaddleX reads {peer!r}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", type=Path, help="a folder of images")
    parser.add_argument("--truth", type=Path, help="a JSON line per image, for the word F1")
    parser.add_argument("--venv", type=Path, default=default_cache_dir().parent / "parity" / "venv")
    parser.add_argument("--out", type=Path, default=default_cache_dir().parent / "parity" / "out")
    parser.add_argument("--pipeline", default="OCR", help="a pipeline whose weights exist as ONNX")
    parser.add_argument("--show", type=int, default=0, help="print so many of the texts that differ")
    return parser.parse_args()


def _run_peer(options: argparse.Namespace, out: Path) -> None:
    images = [path for path in options.images.iterdir() if path.is_file()]
    if len(list(out.glob("*_res.json"))) == len(images):
        return
    out.mkdir(parents=True, exist_ok=True)
    config_file = options.out / "peer.json"
    config_file.write_text(json.dumps(_peer_config(options.pipeline)), encoding="utf-8")
    script = Path(__file__).with_name("parity_peer.py")
    subprocess.run([_peer_python(options.venv), script, config_file, options.images, out], check=True)


def _peer_config(pipeline: str) -> dict[str, Any]:
    """Our configuration with folders in place of names, and one line to a batch."""
    config: dict[str, Any] = load_config(pipeline)
    for module in config["SubModules"].values():
        module["model_dir"] = str(resolve(module["model_name"], form="onnx").folder)
    config["SubModules"]["TextRecognition"]["batch_size"] = 1
    return config


def _peer_python(folder: Path) -> Path:
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not python.exists():
        print(f"installing PaddleX into {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PEER], check=True)
    return python


def _run_ours(options: argparse.Namespace, out: Path, engine: str, width_mode: str) -> None:
    out.mkdir(parents=True, exist_ok=True)
    pipeline = create_pipeline(
        options.pipeline, device="cpu", engine=engine, engine_config={"width_mode": width_mode}
    )
    for result in pipeline.predict(str(options.images)):
        result.save_to_json(out)


def _compare(ours: Path, theirs: Path) -> tuple[Agreement, list[tuple[str, str]]]:
    agreement, differing = Agreement(), []
    for file in sorted(theirs.glob("*_res.json")):
        readings = [json.loads((folder / file.name).read_text(encoding="utf-8")) for folder in (ours, theirs)]
        differing += agreement.add(*readings)
    return agreement, differing


if __name__ == "__main__":
    sys.exit(main())

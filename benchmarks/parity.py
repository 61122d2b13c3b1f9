"""Compare this project's pipeline with PaddleX on the same images, weights and parameters.

    python benchmarks/parity.py IMAGES [--truth TRUTH.jsonl] [--orientation] [--peers-opencv] [--out DIR]

PaddleX is installed into an environment of its own and reads with ONNX Runtime in float32, one line at a time
(what it reads depends on which lines share a batch). Ours reads twice: as PaddleX does (`exact` widths, ONNX
Runtime) and with its defaults. With --orientation a third reading turns pictures as PaddleX does, a pixel
off, and shows how much of the difference that makes. With --peers-opencv ours uses the OpenCV that PaddleX
pins, which scales and cuts out pictures with other last digits than a newer one. The peer's readings are kept
in --out and used again.

Before that PaddleX loads the files that `pageline ocr --get_pipeline_config` writes, as they are, with our
weights where it keeps its own, and reads one of the images by them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
from environments import HOME, python_of
from numpy.typing import NDArray
from scoring import Agreement, word_f1

from pipelines import create_pipeline
from pipelines.config.loading import load_config, pipeline_names
from pipelines.models import resolve
from pipelines.preprocess import document, lines
from worker.cli.ocr import write_config

PEER = ("paddlex[ocr-core]==3.7.2", "onnxruntime>=1.20", "opencv-contrib-python<5")


def main() -> int:
    """Run the three readings and print the table."""
    options = _arguments()
    if options.peers_opencv:
        _take_peers_opencv()
    _load_written(options)
    kind = "oriented" if options.orientation else "plain"
    theirs, exact, plain = (options.out / kind / name for name in ("peer", "exact", "default"))
    _run_peer(options, theirs)
    _run_ours(options, exact, "onnxruntime", "exact")
    _run_ours(options, plain, "auto", None)
    readings = [theirs, exact, plain]
    if options.orientation:
        readings.insert(2, options.out / kind / "shifted")
        with turned_as_upstream():
            _run_ours(options, readings[2], "onnxruntime", "exact")
    print(f"keys of PaddleX's JSON that ours lacks: {', '.join(_lacking(plain, theirs)) or 'none'}")
    heads = ("same text", "within 2 px", "same pages", "word F1")
    print(f"\n{'reading':10}" + "".join(f"{head:>13}" for head in heads))
    for folder in readings:
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
    parser.add_argument("--out", type=Path, default=HOME / "parity")
    parser.add_argument("--orientation", action="store_true", help="turn pages and lines, on both sides")
    parser.add_argument("--peers-opencv", action="store_true", help="read ours with the peer's OpenCV")
    parser.add_argument("--pipeline", default="OCR", help="a pipeline whose weights exist as ONNX")
    parser.add_argument("--show", type=int, default=0, help="print so many of the texts that differ")
    return parser.parse_args()


def _take_peers_opencv() -> None:
    """Begin anew with the `cv2` of PaddleX's environment before our own; once that is so, go on."""
    asked = "import cv2, pathlib; print(pathlib.Path(cv2.__file__).parent)"
    told = subprocess.run(
        [python_of("paddlex", PEER), "-c", asked], check=True, capture_output=True, text=True
    )
    package = Path(told.stdout.strip())
    if Path(cv2.__file__).resolve().parent == package.resolve():
        print(f"ours reads with OpenCV {cv2.__version__}, PaddleX's")
        return
    links = HOME / "peers-opencv"
    links.mkdir(parents=True, exist_ok=True)
    for one in (package, *package.parent.glob("opencv*.libs")):  # and nothing else of that environment
        if not (links / one.name).exists():
            (links / one.name).symlink_to(one)
    again = {**os.environ, "PYTHONPATH": str(links)}
    sys.exit(subprocess.run([sys.executable, *sys.argv], check=False, env=again).returncode)


def _load_written(options: argparse.Namespace) -> None:
    """Have PaddleX make its pipelines from our written files; it prints what it has loaded."""
    python = python_of("paddlex", PEER)
    image = min(path for path in options.images.iterdir() if path.is_file())
    with TemporaryDirectory(prefix="parity-") as folder:
        models = Path(folder, "official_models")
        models.mkdir()
        for name in pipeline_names():
            write_config(name, Path(folder))
            for model in _models(load_config(name)):
                # PaddleX takes the ONNX form by the second name, where that is there.
                for called in (model, f"{model}_onnx"):
                    place = models / called
                    if not place.exists():
                        place.symlink_to(resolve(model, form="onnx").folder)
        script = Path(__file__).with_name("parity_loading.py")
        files = [Path(folder, f"{name}.yaml") for name in pipeline_names()]
        subprocess.run(
            [python, script, image, *files], check=True, env={**os.environ, "PADDLE_PDX_CACHE_HOME": folder}
        )


def _models(config: dict[str, Any]) -> list[str]:
    modules = config["SubModules"] | config["SubPipelines"]["DocPreprocessor"]["SubModules"]
    return [module["model_name"] for module in modules.values()]


def _run_peer(options: argparse.Namespace, out: Path) -> None:
    images = [path for path in options.images.iterdir() if path.is_file()]
    if len(list(out.glob("*_res.json"))) == len(images):
        return
    out.mkdir(parents=True, exist_ok=True)
    config_file = out.with_name("peer.json")
    config_file.write_text(json.dumps(_peer_config(options)), encoding="utf-8")
    script = Path(__file__).with_name("parity_peer.py")
    subprocess.run([python_of("paddlex", PEER), script, config_file, options.images, out], check=True)


def _peer_config(options: argparse.Namespace) -> dict[str, Any]:
    """Our configuration with folders in place of names, and one line to a batch."""
    config: dict[str, Any] = load_config(options.pipeline)
    preprocessor = config["SubPipelines"]["DocPreprocessor"]
    preprocessor["use_doc_unwarping"] = (
        False  # its official export and our grid form are not one network's file
    )
    config["use_doc_preprocessor"] = config["use_textline_orientation"] = options.orientation
    for modules in (config["SubModules"], preprocessor["SubModules"]):
        for module in modules.values():
            module["model_dir"] = str(resolve(module["model_name"], form="onnx").folder)
    # What PaddleX makes of a line depends on which others share its batch, in both of these modules.
    for name in ("TextLineOrientation", "TextRecognition"):
        config["SubModules"][name]["batch_size"] = 1
    return config


def _run_ours(options: argparse.Namespace, out: Path, engine: str, width_mode: str | None) -> None:
    out.mkdir(parents=True, exist_ok=True)
    pipeline = create_pipeline(
        options.pipeline,
        device="cpu",
        engine=engine,
        engine_config={"width_mode": width_mode},
        use_doc_unwarping=False,
        use_doc_orientation_classify=options.orientation,
        use_textline_orientation=options.orientation,
        doc_orientation_thresh=0,
        textline_orientation_thresh=0,
    )
    for result in pipeline.predict(str(options.images)):
        result.save_to_json(out)


@contextmanager
def turned_as_upstream() -> Iterator[None]:
    """Turn pages and lines as PaddleX does: about a centre that is half a pixel off.

    A row or column of black comes in at one side, and the picture's own last one is lost at the other.
    """

    def turned(image: NDArray[np.uint8], angle: int = 180) -> NDArray[np.uint8]:
        height, width = image.shape[:2]
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
        new = (height, width) if angle % 180 else (width, height)
        matrix[:, 2] += (new[0] - width) / 2, (new[1] - height) / 2
        return image if not angle else cv2.warpAffine(image, matrix, new, flags=cv2.INTER_CUBIC)  # type: ignore[return-value]  # OpenCV keeps the type

    with patch.object(document, "turn", turned), patch.object(lines, "_turned", turned):
        yield


def _compare(ours: Path, theirs: Path) -> tuple[Agreement, list[tuple[str, str]]]:
    agreement, differing = Agreement(), []
    for file in sorted(theirs.glob("*_res.json")):
        readings = [json.loads((folder / file.name).read_text(encoding="utf-8")) for folder in (ours, theirs)]
        differing += agreement.add(*readings)
    return agreement, differing


def _lacking(ours: Path, theirs: Path) -> list[str]:
    lacking: set[str] = set()
    for file in theirs.glob("*_res.json"):
        mine, peers = (
            json.loads((folder / file.name).read_text(encoding="utf-8")) for folder in (ours, theirs)
        )
        lacking |= _keys(peers) - _keys(mine)
    return sorted(lacking)


def _keys(body: dict[str, Any], above: str = "") -> set[str]:
    below = [_keys(value, f"{above}{key}.") for key, value in body.items() if isinstance(value, dict)]
    return {f"{above}{key}" for key in body}.union(*below)


if __name__ == "__main__":
    sys.exit(main())

"""Run PaddleX over a folder of images, in the Python of an environment that has PaddleX and not this project.

Usage: parity_peer.py CONFIG.json IMAGES OUT
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

os.environ["PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK"] = "True"


def main() -> None:
    """Write one JSON file an image."""
    config_file, images, out = (Path(argument) for argument in sys.argv[1:4])
    from paddlex import create_pipeline  # type: ignore[import-not-found]  # noqa: PLC0415  -- in the peer's venv only

    config = json.loads(config_file.read_text(encoding="utf-8"))
    pipeline = create_pipeline(config=config, device="cpu", engine="onnxruntime")
    for image in sorted(images.iterdir()):
        for result in pipeline.predict(str(image)):
            body = json.dumps(result.json["res"], ensure_ascii=False)
            (out / f"{image.stem}_res.json").write_text(body, encoding="utf-8")


if __name__ == "__main__":
    main()

"""Have PaddleX load configurations as they are, in the Python of an environment that has it and not this one.

Usage: parity_loading.py IMAGE CONFIG.yaml ...
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path
from unittest.mock import patch

os.environ["PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK"] = "True"


def main() -> None:
    """Make a pipeline of each file, read the image with it, and print what it found."""
    from paddlex import create_pipeline  # type: ignore[import-not-found]  # noqa: PLC0415  -- in the peer's venv only

    image, *files = sys.argv[1:]
    # Its hosts offer some models in Paddle's form alone; here all are there as ONNX, and no host is asked.
    offered = "paddlex.inference.utils.official_models._is_supported_official_model_format"
    with patch(offered, return_value=True):
        for file in files:
            pipeline = create_pipeline(file, device="cpu", engine="onnxruntime")
            # The official UVDoc gives a picture, the form that we use a grid: it is loaded, and not asked.
            (result,) = pipeline.predict(image, use_doc_unwarping=False)
            texts = result.json["res"]["rec_texts"]
            print(f"PaddleX {version('paddlex')} loads {Path(file).name} as written, and reads {texts}")


if __name__ == "__main__":
    main()

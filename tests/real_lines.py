"""Lines of known text, and recognisers with real weights that read them."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from real_weights import real_files

from pipelines.decoding import CtcDecoder
from pipelines.draw.fonts import font_path
from pipelines.engines.choose import make_engine
from pipelines.engines.settings import EngineSettings
from pipelines.recognition import LineShape, TextRecognizer


def real_recognizer(model: str, engine: str = "onnxruntime") -> TextRecognizer:
    """The model in ONNX form, lines in batches of up to eight; the test is skipped where it cannot be had."""
    files = real_files(model, "onnx")
    session = make_engine(engine, EngineSettings(threads=2)).load(files, best_class=True)
    return TextRecognizer(session, CtcDecoder(files.inference.character_dict, model=model), LineShape(), 8)


def drawn_line(text: str, size: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """A BGR picture of the text, and where each character begins and ends, (K, 2), as shares of its width."""
    if max(text) < "\u2e80":
        font = ImageFont.truetype(str(font_path("manimgx-fonts", "NotoSans[wght].ttf")), size)
    else:
        font = ImageFont.truetype(str(font_path("manimgx-fonts-cjk", "NotoSansCJK-VF.otf.ttc")), size)
        font.set_variation_by_axes([400])
    margin = size // 4
    edges = np.array([font.getlength(text[:count]) for count in range(len(text) + 1)]) + margin
    picture = Image.new("RGB", (int(edges[-1]) + margin, int(1.6 * size)), "white")
    ImageDraw.Draw(picture).text((margin, size // 10), text, font=font, fill=(20, 20, 20))
    return np.array(picture), np.stack([edges[:-1], edges[1:]], axis=1) / picture.width

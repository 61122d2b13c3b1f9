"""Read pages with one recogniser, and with others beside it that take over the lines they read better.

    python benchmarks/mixed_languages.py DEV [--main NAME] [--also NAME ...] [--out DIR]

DEV is the folder of real documents (`images/`, `TRUTH.jsonl`); one more page is drawn here, with lines in
five languages. Nothing is turned or flattened before reading. The table has a row for each language:
character F1 alone and in company, and the page that gained least; below it stands what the company costs.
"""

# ruff: noqa: RUF001  -- Chinese has full stops and commas of its own

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from environments import HOME
from PIL import Image, ImageDraw, ImageFont
from scoring import character_f1

from pipelines import create_pipeline
from pipelines.draw.fonts import font_path

SOURCES = ("cache", "wheel", "wheel-tests")
MIXED = """人工智能技术的发展与应用（第二版）
Received with thanks from Mr. J. Fitzgerald
這個問題還沒有解決，請稍後再試
キャンセルの場合は手数料がかかります
Le garçon à l'école préfère les crêpes sucrées
报告期末普通股股东总数为79,035户
圖書館開放時間：上午九點至下午五點
お問い合わせはこちらまでご連絡ください
Größe, Übermut und Ärger im Straßenbau
TOTAL AMOUNT: 1,284.50 EUR (incl. VAT)"""
_EM, _PITCH, _MARGIN = 30, 58, 90


def main() -> None:
    """Read everything twice and print the table."""
    options = _arguments()
    rows = _pages(options.dev, options.out)
    paths = [row["path"] for row in rows]
    alone = _read(options.main, (), paths, options.out / "alone")
    company = _read(options.main, options.also, paths, options.out / "company")
    by_language: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_language[row["lang"]].append(row)
    print(f"{options.main} alone, and with {', '.join(options.also)}\n")
    print(f"{'language':10}{'pages':>6}{'alone':>9}{'company':>9}   least gain of a page")
    for language, pages in by_language.items():
        before, after = (_figure(pages, options.out, name) for name in ("alone", "company"))
        gains = [
            (_figure([page], options.out, "company") - _figure([page], options.out, "alone"), page["file"])
            for page in pages
        ]
        gain, file = min(gains)
        print(f"{language:10}{len(pages):6}{before:9.4f}{after:9.4f}   {gain:+.4f} {Path(file).name}")
    print(f"\nrecognition took {company / alone:.2f} times as long")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("dev", type=Path, help="the folder of real documents")
    parser.add_argument("--main", default="PP-OCRv4_mobile_rec", help="the recogniser that reads every line")
    parser.add_argument("--also", nargs="+", default=["PP-OCRv6_small_rec"], help="those beside it")
    parser.add_argument("--out", type=Path, default=HOME / "mixed-languages", help="where readings go")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    return options


def _pages(dev: Path, out: Path) -> list[dict[str, Any]]:
    """Truth rows, each with the `path` of its picture; those that lie on their sides are left out."""
    rows = map(json.loads, (dev / "TRUTH.jsonl").read_text(encoding="utf-8").splitlines())
    upright = [{**row, "path": str(dev / row["file"])} for row in rows if not row.get("rotated_cw")]
    return [*upright, _drawn(out / "mixed.png")]


def _drawn(path: Path) -> dict[str, Any]:
    lines = MIXED.splitlines()
    font = ImageFont.truetype(font_path("manimgx-fonts-cjk", "NotoSansCJK-VF.otf.ttc"), _EM)
    font.set_variation_by_axes([400])
    page = Image.new("RGB", (_EM * 27 + 2 * _MARGIN, _PITCH * len(lines) + 2 * _MARGIN), "white")
    pen = ImageDraw.Draw(page)
    for row, line in enumerate(lines):
        pen.text((_MARGIN, _MARGIN + row * _PITCH), line, font=font, fill=(25, 25, 25))
    page.save(path)
    texts = [{"text": line} for line in lines]
    return {"file": path.name, "path": str(path), "lines": texts, "space": "insignificant", "lang": "mixed"}


def _read(recogniser: str, others: Sequence[str], pages: Sequence[str], results: Path) -> float:
    """Save the reading of each page; seconds that recognition took."""
    config = {
        "pipeline_name": "OCR",
        "use_doc_preprocessor": False,
        "use_textline_orientation": False,
        "SubModules": {
            "TextDetection": {"model_name": "PP-OCRv6_small_det"},
            "TextRecognition": {"model_name": recogniser, "batch_size": 8},
        },
    }
    pipeline = create_pipeline(
        config=config,
        engine="onnxruntime",
        engine_config={"threads": 2},
        model_source=SOURCES,
        languages=list(others) or None,
    )
    seconds = 0.0
    for result in pipeline.predict(list(pages)):
        result.save_to_json(results)
        seconds += result.timings["recognition"]
    return seconds


def _figure(pages: Sequence[dict[str, Any]], out: Path, reading: str) -> float:
    truth = out / "truth.jsonl"
    truth.write_text("".join(json.dumps(page) + "\n" for page in pages), encoding="utf-8")
    return character_f1(truth, out / reading)


if __name__ == "__main__":
    main()

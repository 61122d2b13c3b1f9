"""Read pages in Japanese and traditional Chinese with their own recognisers and with the Chinese one.

    python benchmarks/languages.py DEV [--out DIR]

DEV is the folder of real documents (`images/`, `TRUTH.jsonl`); its Japanese pages are read. A page in
traditional Chinese is drawn here, from the text below, in Noto Sans CJK TC. All recognisers are of the same
generation, PP-OCRv3, and get the same lines; PP-OCRv6 small, the default, stands beside them.
"""

# ruff: noqa: RUF001  -- Chinese has full stops and commas of its own

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from environments import HOME
from PIL import Image, ImageDraw, ImageFont
from scoring import character_f1

from pipelines import create_pipeline
from pipelines.draw.fonts import font_path

SOURCES = ("cache", "wheel", "wheel-tests")
CHINESE, DEFAULT = "PP-OCRv3_mobile_rec", "PP-OCRv6_small_rec"
OWN = {"ja": "japan_PP-OCRv3_mobile_rec", "zh-Hant": "chinese_cht_PP-OCRv3_mobile_rec"}
TRADITIONAL = """圖書館開放時間與借閱規則
為了讓讀者安心閱讀，本館自下個月起調整開放時間。
週一至週五上午九時開館，晚間八時閉館；週末與國定假日
則於下午五時閉館。颱風來襲時，請先查詢網站上的公告。
借書證遺失者，須攜帶身分證件親自辦理補發手續。
每位讀者最多可借閱圖書二十冊，期限為三十天，
期滿之前得續借一次，但已有他人預約者不在此限。
逾期歸還，每冊每日罰款新臺幣五元；損壞或遺失書籍，
應購買相同版本賠償，絕版書則依原價的三倍計算。
館內禁止飲食、吸煙與大聲喧嘩，違者將被請離現場。
舊報紙、縮微膠卷與珍貴手稿僅供館內參閱，不得外借。
兒童閱覽室設於二樓，備有繪本、漫畫及無障礙設備。
電腦教室與會議廳可供學術團體申請使用，費用另計。
讀者若有寶貴意見，歡迎填寫問卷，投入門廳的意見箱。
鐵路車站旁的還書箱全年無休，便於通勤的讀者歸還。
總機電話 2361-9132，傳真轉接 405，聯絡人：蘇麗鳳。"""
_EM, _PITCH, _MARGIN = 30, 58, 90
_TC_FACE = 3  # of the collection: Japanese, Korean, simplified, traditional


def main() -> None:
    """Print the character F1 of each recogniser on the pages of each language."""
    options = _arguments()
    print(f"{'pages':9}{'recogniser':36}char F1")
    for language, own in OWN.items():
        rows = _pages(language, options.dev, options.out)
        truth = options.out / f"{language}.jsonl"
        truth.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        for recogniser in (own, CHINESE, DEFAULT):
            results = options.out / f"{language}-{recogniser}"
            _read(recogniser, [row["path"] for row in rows], results)
            print(f"{language:9}{recogniser:36}{character_f1(truth, results):.4f}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("dev", type=Path, help="the folder of real documents")
    parser.add_argument("--out", type=Path, default=HOME / "languages", help="where pages and readings go")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    return options


def _pages(language: str, dev: Path, out: Path) -> list[dict[str, Any]]:
    """Truth rows of the pages in that language, each with the `path` of its picture."""
    if language == "zh-Hant":
        return [_drawn(out / "library.png")]
    rows = map(json.loads, (dev / "TRUTH.jsonl").read_text(encoding="utf-8").splitlines())
    return [{**row, "path": str(dev / row["file"])} for row in rows if row["lang"] == language]


def _drawn(path: Path) -> dict[str, Any]:
    lines = TRADITIONAL.splitlines()
    font = ImageFont.truetype(font_path("manimgx-fonts-cjk", "NotoSansCJK-VF.otf.ttc"), _EM, index=_TC_FACE)
    font.set_variation_by_axes([400])
    page = Image.new("RGB", (_EM * 27 + 2 * _MARGIN, _PITCH * len(lines) + 2 * _MARGIN), "white")
    pen = ImageDraw.Draw(page)
    for row, line in enumerate(lines):
        pen.text((_MARGIN, _MARGIN + row * _PITCH), line, font=font, fill=(25, 25, 25))
    page.save(path)
    texts = [{"text": line} for line in lines]
    return {"file": path.name, "path": str(path), "lines": texts, "space": "insignificant"}


def _read(recogniser: str, pages: list[str], results: Path) -> None:
    config = {
        "pipeline_name": "OCR",
        "use_doc_preprocessor": False,
        "use_textline_orientation": False,
        "SubModules": {
            "TextDetection": {"model_name": "PP-OCRv6_small_det"},
            "TextRecognition": {"model_name": recogniser},
        },
    }
    pipeline = create_pipeline(
        config=config, engine="onnxruntime", engine_config={"threads": 2}, model_source=SOURCES
    )
    for result in pipeline.predict(pages):
        result.save_to_json(results)


if __name__ == "__main__":
    main()

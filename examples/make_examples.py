"""Make the example documents: a receipt, a letter of two pages, a Chinese notice, a page standing sideways.

    python examples/make_examples.py [FOLDER]

Every word in them is made up. The same versions of Pillow and the fonts give the same files.
"""

# ruff: noqa: RUF001  -- a Chinese notice has Chinese punctuation

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from pipelines.draw.fonts import font_path

INK = 40
PAPER = 246

RECEIPT = (
    ("=", "HARBOUR STREET GROCERY"),
    ("=", "14 Harbour Street, Wexley"),
    ("=", "Tel 01632 960 184"),
    ("-", ""),
    ("", "Receipt 004217|12/03/2026 17:42"),
    ("-", ""),
    ("", "2 x Wholemeal bread|5.80"),
    ("", "1 x Olive oil 500 ml|8.45"),
    ("", "6 x Apples Braeburn|3.90"),
    ("", "1 x Cheddar mature|4.75"),
    ("", "3 x Tomato soup|4.20"),
    ("", "1 x Coffee beans 1 kg|13.60"),
    ("-", ""),
    ("", "SUBTOTAL|40.70"),
    ("", "VAT 5 %|2.04"),
    ("", "TOTAL|42.74"),
    ("", "CARD **** 8812|42.74"),
    ("-", ""),
    ("=", "Thank you for your visit"),
    ("=", "Please keep this receipt"),
)

LETTER = (
    (
        "Northfield Allotment Society",
        "7 Orchard Lane, Northfield",
        "",
        "3 April 2026",
        "",
        "Dear Ms Calloway,",
        "",
        "Thank you for your letter about plot 23. The committee met on",
        "Tuesday and was glad to hear that you would like to keep the",
        "old pear tree. It was planted in 1961 and still bears fruit.",
        "",
        "We ask all members to observe three rules:",
        "",
        "1. Paths are to be kept clear at all times.",
        "2. Water may be drawn before nine and after six.",
        "3. Bonfires are allowed from November to February only.",
        "",
        "The yearly rent is 48 pounds and falls due on 1 May. You may",
        "pay by bank transfer; the details are on the next page.",
    ),
    (
        "Page 2",
        "",
        "Account name: Northfield Allotment Society",
        "Reference: PLOT 23 CALLOWAY",
        "",
        "The key to the tool shed is kept by Mr Bramwell, who lives at",
        "number 12. Please return borrowed tools the same day.",
        "",
        "Our summer fair takes place on Saturday 18 July. Cakes, jams",
        "and surplus seedlings are welcome on the members' table.",
        "",
        "We look forward to seeing you among the beans.",
        "",
        "Yours sincerely,",
        "",
        "Edith Marlowe",
        "Secretary",
    ),
)

NOTICE = (
    "通知",
    "",
    "各位居民：",
    "本小区将于六月十五日上午九时至下午五时",
    "进行供水管道检修，届时将暂停供水。",
    "请提前储备生活用水，关好水龙头。",
    "由此带来的不便，敬请谅解。",
    "咨询电话：010-5550-0147",
    "",
    "幸福花园物业管理处",
    "二〇二六年六月十日",
)

TIMETABLE = (
    "WINTER TIMETABLE",
    "Ferry line 4, Port Alder to Gull Island",
    "",
    "Departure|Arrival|Days",
    "06:40|07:25|Monday to Friday",
    "08:15|09:00|daily",
    "11:30|12:15|daily",
    "14:50|15:35|daily",
    "18:05|18:50|except Sunday",
    "",
    "Bicycles travel free of charge.",
    "No service in storms above force 8.",
)

EXPECTED: dict[str, tuple[str, ...]] = {
    "receipt.jpg": ("HARBOUR STREET GROCERY", "Wholemeal bread", "13.60", "TOTAL", "42.74"),
    "letter.pdf": ("Northfield Allotment Society", "Dear Ms Calloway", "PLOT 23 CALLOWAY", "Edith Marlowe"),
    "notice-zh.png": ("通知", "进行供水管道检修", "幸福花园物业管理处"),
    "sideways.png": ("WINTER TIMETABLE", "Gull Island", "08:15", "Bicycles travel free of charge"),
}
"""Words to be found in each document, once it stands upright."""


def main(folder: Path) -> None:
    """Write the four documents into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    photographed(receipt()).save(folder / "receipt.jpg", quality=82)
    first, *others = [scanned(letter_page(lines), seed) for seed, lines in enumerate(LETTER)]
    then = time.gmtime(0)
    first.save(
        folder / "letter.pdf",
        save_all=True,
        append_images=others,
        resolution=150,
        quality=60,
        creationDate=then,
        modDate=then,
    )
    notice().save(folder / "notice-zh.png", optimize=True)
    timetable().transpose(Image.Transpose.ROTATE_270).save(folder / "sideways.png", optimize=True)


def receipt() -> Image.Image:
    """A till receipt: centred head, items to the left, prices to the right."""
    sheet = Image.new("L", (620, 60 + 44 * len(RECEIPT)), PAPER)
    draw = ImageDraw.Draw(sheet)
    for row, (kind, text) in enumerate(RECEIPT):
        y = 30 + 44 * row
        if kind == "-":
            draw.line((40, y + 20, 580, y + 20), INK, 2)
        elif kind == "=":
            draw.text((310, y), text, INK, latin(28), anchor="ma")
        else:
            left, _, right = text.partition("|")
            draw.text((40, y), left, INK, latin(26))
            draw.text((580, y), right, INK, latin(26), anchor="ra")
    return sheet


def letter_page(lines: Sequence[str]) -> Image.Image:
    """One page of A4 at 150 dpi."""
    sheet = Image.new("L", (1240, 1754), PAPER)
    draw = ImageDraw.Draw(sheet)
    for row, line in enumerate(lines):
        draw.text((150, 170 + 50 * row), line, INK, latin(30))
    return sheet


def notice() -> Image.Image:
    """A notice to the residents of a housing estate: the water will be off."""
    sheet = Image.new("L", (900, 760), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((30, 30, 870, 730), outline=INK, width=4)
    draw.text((450, 60), NOTICE[0], INK, chinese(64), anchor="ma")
    for row, line in enumerate(NOTICE[1:]):
        signature = row >= len(NOTICE) - 3
        place = (820, 150 + 54 * row) if signature else (80, 150 + 54 * row)
        draw.text(place, line, INK, chinese(36), anchor="ra" if signature else "la")
    return sheet


def timetable() -> Image.Image:
    """A page of three columns, upright; the example is saved turned by a quarter."""
    sheet = Image.new("L", (1000, 760), PAPER)
    draw = ImageDraw.Draw(sheet)
    for row, line in enumerate(TIMETABLE):
        for column, cell in enumerate(line.split("|")):
            draw.text((80 + 260 * column, 60 + 54 * row), cell, INK, latin(40 if row == 0 else 30))
    return sheet


def photographed(sheet: Image.Image) -> Image.Image:
    """The sheet on a table, a little askew, in light that falls off to one side."""
    width, height = sheet.width + 120, sheet.height + 120
    table = Image.new("L", (width, height), 96)
    table.paste(sheet, (60, 60))
    turned = table.rotate(1.2, Image.Resampling.BICUBIC, fillcolor=96).filter(ImageFilter.GaussianBlur(0.6))
    light = np.linspace(1.02, 0.86, width)[None, :] * np.linspace(1.0, 0.94, height)[:, None]
    grey = np.asarray(turned, np.float64) * light
    colour = grey[..., None] * np.array([1.0, 0.98, 0.93])
    return Image.fromarray(_grained(colour, seed=5, strength=3.0))


def scanned(sheet: Image.Image, seed: int) -> Image.Image:
    """The sheet from a flat-bed scanner: hardly askew, hardly grainy."""
    turned = sheet.rotate(0.3 - 0.5 * seed, Image.Resampling.BICUBIC, fillcolor=PAPER)
    return Image.fromarray(_grained(np.asarray(turned, np.float64), seed=seed, strength=2.0))


def _grained(values: np.ndarray, *, seed: int, strength: float) -> np.ndarray:
    grain = np.random.default_rng(seed).normal(0, strength, values.shape[:2])
    noisy = values + (grain if values.ndim == 2 else grain[..., None])
    return np.clip(noisy, 0, 255).astype(np.uint8)


@cache
def latin(size: int) -> ImageFont.FreeTypeFont:
    """Noto Sans in that size, pixels."""
    return ImageFont.truetype(font_path("manimgx-fonts", "NotoSans[wght].ttf"), size)


@cache
def chinese(size: int) -> ImageFont.FreeTypeFont:
    """Noto Sans CJK, simplified Chinese, regular weight."""
    font = ImageFont.truetype(font_path("manimgx-fonts-cjk", "NotoSansCJK-VF.otf.ttc"), size, index=2)
    font.set_variation_by_axes([400])
    return font


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)

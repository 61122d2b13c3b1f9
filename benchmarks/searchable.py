"""Searchable PDFs: is the text that was read in them, is it in its place, and what does it cost?

    python benchmarks/searchable.py DATA RESULTS [--pages N]

DATA has a folder `pdfs`, and `images` with FUNSD pages (`funsd_*.png`), whose words `truth/*.json` tells.
Pages are read once and their JSON is kept in the folder RESULTS. Tables tell

- of pages that are scans: F1 of the characters in the layer against those that were read (Unicode NFKC,
  spaces aside), as PDFium and pdftotext find them; the largest change of a painted pixel at 108 dpi; growth,
- of FUNSD pages, and of born-digital pages made into pictures at 144 dpi: mean IoU of a layer's words with
  the true words of the same text that overlap them, each true word taken once,
- of a document of N pages, made of the scans again and again: milliseconds a page in the writer, of the
  processor and by the clock, and the process's peak of memory.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pypdfium2
import pypdfium2.raw as pdfium

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipelines.write import DocumentInfo, Page
from pipelines.write.pdf.writer import PdfWriter

_PAGES = 5  # read of each PDF
_SCALE = 1.5
_LETTERS, _MOST = 300, 0.95  # that a drawn page has, and the share of them that can be read
_MARKS = dict.fromkeys([0x200E, 0x200F, *range(0x202A, 0x202F)])
Box = tuple[float, float, float, float]
Words = list[tuple[str, Box]]


def main() -> None:
    """Read what is not read yet, and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--pages", type=int, default=1000)
    given = parser.parse_args()
    given.results.mkdir(parents=True, exist_ok=True)
    pdfs, forms = sorted(given.data.glob("pdfs/*.pdf")), sorted(given.data.glob("images/funsd_*.png"))
    with tempfile.TemporaryDirectory() as scratch:
        drawn = list(pictures_of(pdfs, given.results))
        read([*pdfs, *forms, *(picture for picture, _ in drawn)], given.results)
        scans = show_scans(pdfs, given.results, Path(scratch))
        show_places(forms, drawn, given.results, Path(scratch), given.data / "truth")
        show_cost(scans, given.pages, Path(scratch))


def read(sources: Sequence[Path], results: Path) -> None:
    """Read the documents whose JSON is not there."""
    missing = [source for source in sources if not (results / f"{source.name}.001.json").exists()]
    if not missing:
        return
    from pipelines import create_pipeline  # noqa: PLC0415  -- not needed where everything is read

    pipeline = create_pipeline("OCR", return_word_box=True, text_layer="verify")
    for source in missing:
        pages = f"1-{_PAGES}" if source.suffix == ".pdf" else None
        for result in pipeline.predict(source, pages=pages):
            content = result.json["res"]
            path = results / f"{source.name}.{content['page']['number']:03}.json"
            path.write_text(json.dumps(content, ensure_ascii=False))


def pages_of(source: Path, results: Path) -> list[Page]:
    """The pages of a document that were read."""
    contents = [json.loads(path.read_text()) for path in sorted(results.glob(f"{source.name}.[0-9]*.json"))]
    return [Page(content["page"]["number"], content) for content in contents]


def write(source: Path, pages: Sequence[Page], target: Path) -> Path:
    """A document's searchable PDF."""
    writer = PdfWriter(target, DocumentInfo(source.name, len(pages), source=source))
    for page in pages:
        writer.page(page)
    writer.close()
    return target


def show_scans(pdfs: Sequence[Path], results: Path, scratch: Path) -> list[tuple[Path, int, Page]]:
    """Print how scanned pages are read back; returns them with their sources."""
    found: list[tuple[Path, int, Page]] = []
    figures: list[tuple[float, float, int]] = []
    print("| document | scans | F1 PDFium | F1 pdftotext | pixels | growth, kB a page | growth |")
    print("|---|---|---|---|---|---|---|")
    for pdf in pdfs:
        pages = pages_of(pdf, results)
        scans = [page for page in pages if page.content["page"]["origin"] == "scan" and page.lines]
        if not scans:
            continue
        target = write(pdf, pages, scratch / "scan.pdf")
        each = [(*read_back(target, page), change(pdf, target, page.number)) for page in scans]
        grown = target.stat().st_size - pdf.stat().st_size
        pdfium_f1, poppler_f1, pixels = zip(*each, strict=True)
        print(
            f"| {pdf.name} | {len(scans)} | {np.mean(pdfium_f1):.4f} | {np.mean(poppler_f1):.4f} "
            f"| {max(pixels)} | {grown / 1000 / len(pages):.1f} | {grown / pdf.stat().st_size:.1%} |"
        )
        figures += each
        found += [(pdf, page.number, page) for page in scans]
    f1, other, pixels = zip(*figures, strict=True)
    print(f"\n{len(figures)} scans: F1 {np.mean(f1):.4f} (least {min(f1):.4f}) by PDFium, ", end="")
    print(f"{np.mean(other):.4f} (least {min(other):.4f}) by pdftotext, pixels change by {max(pixels)}\n")
    return found


def read_back(target: Path, page: Page) -> tuple[float, float]:
    """F1 of a page's characters by PDFium and by pdftotext."""
    with pypdfium2.PdfDocument(target) as pdf:
        ours = pdf[page.number - 1].get_textpage().get_text_range().replace("\ufffe", "-")
    number = str(page.number)
    command = ["pdftotext", "-f", number, "-l", number, str(target), "-"]
    theirs = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    want = "".join(line.text for line in page.lines)
    return alike(want, ours), alike(want, theirs)


def alike(want: str, found: str) -> float:
    """F1 of characters as a bag."""
    first, second = (
        Counter("".join(unicodedata.normalize("NFKC", text.translate(_MARKS)).split()))
        for text in (want, found)
    )
    return 2 * (first & second).total() / max(1, first.total() + second.total())


def change(source: Path, target: Path, number: int) -> int:
    """By how much a painted pixel differs at most."""
    pictures = []
    for path in (source, target):
        with pypdfium2.PdfDocument(path) as pdf:
            pictures.append(pdf[number - 1].render(scale=_SCALE).to_numpy().astype(int))
    return int(np.abs(pictures[0] - pictures[1]).max())


def pictures_of(pdfs: Sequence[Path], results: Path) -> Iterator[tuple[Path, Words]]:
    """Born-digital first pages made into pictures, with the words that stand on them."""
    for path in pdfs:
        with pypdfium2.PdfDocument(path) as pdf:
            target = results / f"{path.stem}.drawn.png"
            picture = pdf[0].render(scale=2).to_pil()
            words = words_of(pdf[0], picture.size)
            told = "".join(word for word, _ in words)
            if len(told) > _LETTERS and sum(map(is_read, told)) > _MOST * len(told) and not is_scan(pdf[0]):
                picture.save(target, dpi=(144, 144))
                yield target, words


def is_read(character: str) -> bool:
    """Whether a character says what it is, and belongs to a script that the default models read."""
    return character.isprintable() and unicodedata.bidirectional(character) not in ("R", "AL")


def is_scan(page: Any) -> bool:
    """Whether a page has text that is not painted."""
    return any(pdfium.FPDFTextObj_GetTextRenderMode(item) in (3, 7) for item in page.get_objects([1]))


def words_of(page: Any, size: tuple[int, int]) -> Words:
    """The words of a loaded page on a picture of that size, by PDFium's loose boxes."""
    text, box = page.get_textpage(), pdfium.FS_RECTF()
    words: Words = []
    fresh = True
    for index in range(text.count_chars()):
        character = chr(pdfium.FPDFText_GetUnicode(text, index))
        if character.isspace() or pdfium.FPDFText_IsGenerated(text, index) == 1:
            fresh = True
            continue
        pdfium.FPDFText_GetLooseCharBox(text, index, box)
        corners = on_picture(page, size, box.left, box.bottom), on_picture(page, size, box.right, box.top)
        place = [*map(min, *corners), *map(max, *corners)]
        word, area = ("", place) if fresh else words.pop()
        edges = [*map(min, area[:2], place[:2]), *map(max, area[2:], place[2:])]
        words.append((word + character, (edges[0], edges[1], edges[2], edges[3])))
        fresh = False
    return words


def on_picture(page: Any, size: tuple[int, int], x: float, y: float) -> tuple[float, float]:
    """A place of a page on a picture of it, to a hundredth of a pixel: PDFium answers in whole ones."""
    found = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDF_PageToDevice(page, 0, 0, size[0] * 100, size[1] * 100, 0, x, y, *found)
    return found[0].value / 100, found[1].value / 100


def show_places(
    forms: Sequence[Path], drawn: Sequence[tuple[Path, Words]], results: Path, scratch: Path, truth: Path
) -> None:
    """Print how well words stand."""
    print("| page | true words | found with the same text | mean IoU |\n|---|---|---|---|")
    told = [(form, true_words(truth / f"{form.stem}.json")) for form in forms]
    for kind, documents in (("FUNSD", told), ("born digital, drawn", drawn)):
        overlaps: list[float] = []
        for picture, true in documents:
            pages = pages_of(picture, results)
            target = write(picture, pages, scratch / "picture.pdf")
            size = (pages[0].places.width, pages[0].places.height)
            with pypdfium2.PdfDocument(target) as pdf:
                own = matched(words_of(pdf[0], size), true)
            print(f"| {picture.name} | {len(true)} | {len(own)} | {np.mean(own or [0]):.3f} |")
            overlaps += own
        print(f"| all {kind} |  | {len(overlaps)} | {np.mean(overlaps):.3f} |")


def true_words(path: Path) -> Words:
    """The words that an annotation tells of."""
    found = []
    for word in json.loads(path.read_text())["words"]:
        xs, ys = zip(*word["poly"], strict=True)
        found.append((word["text"], (min(xs), min(ys), max(xs), max(ys))))
    return found


def matched(words: Words, true: Words) -> list[float]:
    """The IoU of each word with the true one of its text that it overlaps most."""
    free = Counter(range(len(true)))
    overlaps = []
    for text, box in words:
        best = max(((overlap(box, true[at][1]), at) for at in free if true[at][0] == text), default=(0.0, -1))
        if best[0] > 0:
            overlaps.append(best[0])
            del free[best[1]]
    return overlaps


def overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    common = max(0.0, width) * max(0.0, height)
    return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common)


def show_cost(scans: Sequence[tuple[Path, int, Page]], count: int, scratch: Path) -> None:
    """Print what a long document costs."""
    source, stored = scratch / "long.pdf", scratch / "pages.jsonl"
    with ExitStack() as stack, stored.open("w") as contents:
        pdf, opened = stack.enter_context(pikepdf.new()), dict[tuple[int, Path], pikepdf.Pdf]()
        for at, (path, number, page) in enumerate(islice(cycle(scans), count)):
            contents.write(json.dumps(page.content) + "\n")
            key = (at // len(scans), path)  # each time round pictures of their own, as scans have
            if key not in opened:
                opened[key] = stack.enter_context(pikepdf.open(path))
            pdf.pages.append(opened[key].pages[number - 1])
        pdf.save(source)
    process = multiprocessing.get_context("spawn").Process
    child = process(target=cost, args=(source, stored, scratch / "written.pdf"))
    child.start()
    child.join()


def cost(source: Path, stored: Path, target: Path) -> None:
    """Write the long document, and print what it took. JSON is parsed outside of what is counted."""
    clock = processor = 0.0
    count = sum(1 for _ in stored.open())
    writer = PdfWriter(target, DocumentInfo(source.name, count, source=source))
    for number, line in enumerate(stored.open(), start=1):
        page = Page(number, json.loads(line))
        begun, used = time.perf_counter(), time.process_time()
        writer.page(page)
        clock, processor = clock + time.perf_counter() - begun, processor + time.process_time() - used
    begun, used = time.perf_counter(), time.process_time()
    writer.close()
    saving, saved = time.perf_counter() - begun, time.process_time() - used
    status = Path("/proc/self/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1000
    size, grown = source.stat().st_size, target.stat().st_size - source.stat().st_size
    took = [f"{1000 * figure / count:.2f}" for figure in (processor, clock, saved, saving)]
    print(
        f"\n{count} pages, {size / 1e6:.0f} MB, in milliseconds a page: {took[0]} of the processor", end=" "
    )
    print(f"({took[1]} by the clock); for saving {took[2]} ({took[3]}). At most {peak:.0f} MB.", end=" ")
    print(f"{grown / 1000 / count:.1f} kB a page more.")


if __name__ == "__main__":
    main()

"""The lines of a document as rows: CSV for spreadsheets, JSON Lines for programs."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pipelines.write.base import DocumentInfo
from pipelines.write.lines import Line
from pipelines.write.page import Page
from pipelines.write.places import Box, Corners, angle_of, boxes_of

_COLUMNS: Final = (
    "page",
    "line",
    "text",
    "score",
    "left",
    "top",
    "right",
    "bottom",
    "angle",
    "direction",
    "script",
    "language",
    "source",
    "state",
    "reason",
)
# What a spreadsheet would take for a formula (OWASP, "CSV injection"); a number is none.
_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?[\d.,]+%?")


class CsvWriter:
    """Writes CSV (RFC 4180, UTF-8 with the mark that spreadsheets tell it by), a row for each line.

    A text that a spreadsheet would compute has an apostrophe before it. A page that was not read has a row
    with nothing but its number, `state` and `reason`.
    """

    def __init__(self, target: Path, info: DocumentInfo) -> None:  # noqa: ARG002  -- a table has no title
        self._file = target.open("w", encoding="utf-8-sig", errors="replace", newline="")
        self._rows = csv.DictWriter(self._file, _COLUMNS, extrasaction="ignore")
        self._rows.writeheader()

    def page(self, page: Page) -> None:
        """Write a page."""
        for record in _records(page):
            left, top, right, bottom = record.get("box", ("", "", "", ""))
            places = {"left": left, "top": top, "right": right, "bottom": bottom}
            self._rows.writerow(
                {name: harmless(value) for name, value in (record | places).items() if name in _COLUMNS}
            )

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


class JsonLinesWriter:
    """Writes JSON Lines, an object for each line, and one for each page that was not read."""

    def __init__(self, target: Path, info: DocumentInfo) -> None:  # noqa: ARG002  -- as above
        self._file = target.open("w", encoding="utf-8", errors="replace", newline="\n")

    def page(self, page: Page) -> None:
        """Write a page."""
        self._file.writelines(f"{json.dumps(record, ensure_ascii=False)}\n" for record in _records(page))

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


def harmless(value: object) -> object:
    """A value as a spreadsheet shows it and does not compute it."""
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def _records(page: Page) -> Iterator[dict[str, Any]]:
    if page.notice:
        yield {"page": page.number, "state": page.state, "reason": page.reason}
    corners = page.places.to_source([line.corners for line in page.lines])
    boxes = boxes_of(corners, page.places)
    found = zip(page.lines, corners.tolist(), boxes, strict=True)
    for number, (line, quad, box) in enumerate(found, start=1):
        yield {
            "page": page.number,
            "line": number,
            **_record(line, quad, box),
            "state": "done",
        }


def _record(line: Line, corners: Corners, box: Box) -> dict[str, Any]:
    return {
        "index": line.index,
        "text": line.text,
        "score": round(line.score, 4),
        "box": box,
        "corners": [[round(x, 1), round(y, 1)] for x, y in corners],
        "angle": round(angle_of(corners), 1),
        "direction": "ttb" if line.is_vertical else "rtl" if line.is_right_to_left else "ltr",
        "script": line.script,
        "language": line.language,
        "source": "pdf" if line.from_pdf else "ocr",
    }

"""Lines as rows: CSV for spreadsheets, JSON Lines for programs; and plain text."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from sheets import CANCELLED, FAILED, SKIPPED, line, sheet, written

from pipelines.write.records import harmless

HEBREW = "שלום"
PAGES = [
    sheet(line('He said "no", twice', 0), line("=SUM(A1:A9)", 1), line(HEBREW, 2)),
    FAILED,
    SKIPPED,
    CANCELLED,
    sheet(),
]


def table(folder: Path) -> list[dict[str, str]]:
    text = written(folder, "csv", *PAGES)
    assert text.startswith("\ufeffpage,line,text,")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_csv_has_a_row_for_each_line(tmp_path: Path) -> None:
    rows = table(tmp_path)
    assert [row["text"] for row in rows] == ['He said "no", twice', "'=SUM(A1:A9)", "שלום", "", "", ""]
    assert (rows[0]["page"], rows[0]["line"], rows[0]["left"], rows[0]["top"]) == ("1", "1", "100", "100")
    assert rows[2]["direction"] == "rtl"
    assert rows[3]["reason"] == FAILED["reason"]
    assert [row["state"] for row in rows] == ["done"] * 3 + ["failed", "skipped", "cancelled"]


def test_json_lines_has_an_object_for_each_line(tmp_path: Path) -> None:
    records = [json.loads(text) for text in written(tmp_path, "jsonl", *PAGES).splitlines()]
    assert [record.get("text") for record in records] == [
        'He said "no", twice',
        "=SUM(A1:A9)",
        "שלום",
        None,
        None,
        None,
    ]
    assert records[0]["corners"][0] == [100, 100]
    assert records[3] == {"page": 2, "state": "failed", "reason": FAILED["reason"]}


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2+3|cmd", "@SUM(A1)", "\t=1", "\r=1"])
def test_what_a_spreadsheet_would_compute_is_a_text(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("value", ["-5", "+1,200.50", "-3%", "plain", "", 7, -7.5, None])
def test_everything_else_stays_as_it_is(value: object) -> None:
    assert harmless(value) == value


def test_text_has_a_line_for_each_line_and_a_form_feed_between_pages(tmp_path: Path) -> None:
    assert written(tmp_path, "txt", *PAGES).split("\f") == [
        'He said "no", twice\n=SUM(A1:A9)\n' + HEBREW + "\n",
        "[Page 2 could not be read: Its <image> is torn & lost.]\n",
        "[Page 3 was left out: It is not among the pages that were asked for.]\n",
        "[Page 4 was not read: The document was cancelled before.]\n",
        "",
    ]


def test_text_is_in_reading_order(tmp_path: Path) -> None:
    content = sheet(line("second", 1), line("first", 0), reading_order=[1, 0])
    assert written(tmp_path, "txt", content) == "first\nsecond\n"

"""Markdown: what paragraphs, headings, lists and tables are made of, and that nothing is lost on the way."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from sheets import FAILED, HEIGHT, ROW, SKIPPED, column, line, sheet, written

PROSE = (
    "The committee met on Tuesday and was glad to hear of it, for the tree",
    "was planted long ago and bears more fruit with every year that goes by,",
    "which everybody likes.",
)
MORE = (
    "Water may be drawn before nine and after six by all who have asked for",
    "a key, and nobody else may come in or go out at other times of the day",
    "without leave.",
)
ODD = (
    "# no heading",
    "*stars* and _lines_ and snake_case",
    "1984. was a year",
    "<b>not bold</b> &amp; [no](link) ![no](picture)",
    "a | b \\ c ` d ~~e~~",
    "+ plus",
    "---",
    "===",
    "1) one",
)


def markdown(folder: Path, *pages: dict[str, Any]) -> str:
    return written(folder, "md", *pages)


def rendered(text: str) -> str:
    """What a reader sees of it, without spaces."""
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    plain = re.sub(r"<!--.*?-->|<[^>]+>", "", html)
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        plain = plain.replace(entity, character)
    return "".join(plain.split())


def test_lines_of_a_paragraph_are_joined_and_paragraphs_parted(tmp_path: Path) -> None:
    found = markdown(tmp_path, sheet(*column(PROSE), *column(MORE, row=4)))
    assert found == f"{' '.join(PROSE)}\n\n{' '.join(MORE)}\n"


def test_a_paragraph_ends_where_its_last_line_ends_early(tmp_path: Path) -> None:
    found = markdown(tmp_path, sheet(*column((*PROSE, *MORE))))
    assert found == f"{' '.join(PROSE)}\n\n{' '.join(MORE)}\n"


def test_a_paragraph_begins_where_its_first_line_is_indented(tmp_path: Path) -> None:
    full = (*PROSE[:2], *MORE[:2])
    lines = column(full)
    lines[2] = line(full[2][:-4], 2, left=140)
    found = markdown(tmp_path, sheet(*lines))
    assert found == f"{' '.join(full[:2])}\n\n{full[2][:-4]} {full[3]}\n"


def test_a_word_parted_at_the_end_of_a_line_is_whole(tmp_path: Path) -> None:
    lines = (
        "The committee met on Tuesday and was glad to hear of the old tre-",
        "es that were planted long ago.",
    )
    assert markdown(tmp_path, sheet(*column(lines))) == f"{lines[0][:-1]}{lines[1]}\n"


def test_chinese_is_joined_without_spaces_and_korean_with(tmp_path: Path) -> None:
    chinese = (
        "场子设在村边低洼处一块地里四面土坡都是看台几张桌子",
        "一字排开当主席台手动探照灯一打高音喇叭响起来快点啦",
    )
    korean = (
        "위원회는 화요일에 모여 그 소식을 듣고 매우 기뻐하였으며",
        "나무는 오래전에 심은 것으로 해마다 많은 열매를 맺는다고",
    )
    lines = [line(text, row, ems=1.0) for row, text in enumerate(chinese)]
    assert markdown(tmp_path, sheet(*lines)) == f"{''.join(chinese)}\n"
    lines = [line(text, row, ems=0.9) for row, text in enumerate(korean)]
    assert markdown(tmp_path, sheet(*lines)) == f"{' '.join(korean)}\n"


def test_short_lines_stay_on_lines_of_their_own(tmp_path: Path) -> None:
    address = ("Edith Marlowe", "7 Orchard Lane", "Northfield")
    found = markdown(tmp_path, sheet(*column(address), *column(PROSE, row=5)))
    assert found.startswith("Edith Marlowe\\\n7 Orchard Lane\\\nNorthfield\n\n")


@pytest.mark.parametrize(("times", "mark"), [(2.0, "# "), (1.5, "## "), (1.3, "### "), (1.0, "")])
def test_headings_are_told_by_their_size(tmp_path: Path, times: float, mark: str) -> None:
    title = line("A Title", -1, height=HEIGHT * times)
    found = markdown(tmp_path, sheet(title, *column(PROSE, row=2)))
    assert found.startswith(f"{mark}A Title\n\n")


def test_a_numbered_line_alone_is_a_heading_and_one_of_several_is_an_item(tmp_path: Path) -> None:
    section = sheet(line("2.1. Ways of reading", 0), *column(PROSE, row=2))
    assert markdown(tmp_path, section).startswith("### 2.1. Ways of reading\n\n")
    form = sheet(line("1. Name", 0), line("2. Address", 2), *column(PROSE, row=4))
    assert markdown(tmp_path, form).startswith("1. Name\n")


def test_items_of_a_list(tmp_path: Path) -> None:
    lines = [
        line("• Paths are to be kept clear at all times of the day and of", 0),
        line("the night too.", 1, left=130),
        line("• Water is free.", 2),
        line("\u2013 Not in summer.", 3, left=160),
        line("• Bonfires.", 4),
    ]
    assert markdown(tmp_path, sheet(*lines)) == (
        "- Paths are to be kept clear at all times of the day and of the night too.\n"
        "- Water is free.\n   - Not in summer.\n- Bonfires.\n"
    )


def test_numbers_of_items_stay(tmp_path: Path) -> None:
    lines = [line("3. Paths are to be kept clear.", 0), line("4. Water is free.", 1)]
    assert markdown(tmp_path, sheet(*lines)) == "3. Paths are to be kept clear.\n4. Water is free.\n"


def rows(*texts: tuple[str | None, ...], lefts: tuple[int, ...] = (100, 400, 700)) -> list[Any]:
    return [
        line(text, row, left)
        for row, each in enumerate(texts)
        for text, left in zip(each, lefts, strict=False)
        if text is not None
    ]


TABLE = rows(
    ("Date", "What", "Sum"),
    ("1 May", "Rent | key", "48.00"),
    ("2 May", None, "3.50"),
    ("9 May", "Water", "7.25"),
)


def test_cells_below_each_other_are_a_table(tmp_path: Path) -> None:
    assert markdown(tmp_path, sheet(*TABLE)) == (
        "| Date | What | Sum |\n| --- | --- | --- |\n"
        "| 1 May | Rent \\| key | 48.00 |\n| 2 May |  | 3.50 |\n| 9 May | Water | 7.25 |\n"
    )


def test_text_around_a_table_is_not_part_of_it(tmp_path: Path) -> None:
    moved = [(text, (a, b + 5 * ROW, c, d + 5 * ROW)) for text, (a, b, c, d) in TABLE]
    found = markdown(tmp_path, sheet(*column(PROSE), *moved, *column(MORE, row=11)))
    before, table, after = found.rstrip("\n").split("\n\n")
    assert (before, after) == (" ".join(PROSE), " ".join(MORE))
    assert table.count("\n") == 4


def test_a_line_that_goes_on_in_its_cell_is_part_of_it(tmp_path: Path) -> None:
    texts = (("Item", "Sum"), ("A long name of", "1.00"), ("Short", "2.00"), ("Other", "3.00"))
    lines = [
        line(text, 1.8 * row, left)
        for row, each in enumerate(texts)
        for text, left in zip(each, (100, 500), strict=True)
    ]
    wrapped = [*lines[:4], line("many words", 2.6), *lines[4:]]
    found = markdown(tmp_path, sheet(*wrapped))
    assert "| A long name of many words | 1.00 |\n| Short | 2.00 |" in found


def test_two_things_in_a_row_are_no_table(tmp_path: Path) -> None:
    found = markdown(tmp_path, sheet(*rows(("Plaintiff", "No. 12"), lefts=(100, 600)), *column(PROSE, row=2)))
    assert "|" not in found
    assert found.startswith("Plaintiff No. 12\n\n")


def test_every_script_has_its_paragraphs(tmp_path: Path) -> None:
    """Columns of Japanese from right to left, and rows of Hebrew, come out as rows from the left do."""
    columns = (
        "場子設在村辺低窪処一塊地里四面土坡都是看台",
        "幾張卓子一字排開当主席台手動探照灯一打高音",
        "短い行",
    )
    lines = [
        (text, (800 - ROW * at, 100, 826 - ROW * at, 100 + 18 * len(text))) for at, text in enumerate(columns)
    ]
    assert markdown(tmp_path, sheet(*lines)) == f"{''.join(columns)}\n"
    hebrew = (
        "הוועדה נפגשה ביום שלישי ושמחה לשמוע על כך כי העץ",
        "ניטע לפני שנים רבות והוא נושא פרי בכל שנה ושנה",
    )
    lines = [
        (text, (900 - 9 * len(text), 100 + ROW * at, 900, 126 + ROW * at)) for at, text in enumerate(hebrew)
    ]
    assert markdown(tmp_path, sheet(*lines)) == f"{' '.join(hebrew)}\n"


def test_what_means_something_in_markdown_is_shown_as_it_is(tmp_path: Path) -> None:
    pages = [sheet(line(text, 0)) for text in ODD]
    together = sheet(*[line(text, 3 * row) for row, text in enumerate(ODD)])
    for text, page in zip(ODD, pages, strict=True):
        found = rendered(markdown(tmp_path, page))
        assert found in {
            "".join(text.split()),
            "".join(text.split()).removeprefix("1)"),
            "".join(text.split()).removeprefix("+"),
        }
    assert "<b>" in rendered(markdown(tmp_path, together))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["C"]) | st.sampled_from("*_`[]<>\\|~&#;!-()"), max_size=30))
def test_any_text_is_shown_as_it_is(tmp_path: Path, text: str) -> None:
    text = f"x{text}x"
    assert rendered(markdown(tmp_path, sheet(line(text, 0)))) == "".join(text.split())


def test_pages_are_parted_and_those_that_were_not_read_are_there(tmp_path: Path) -> None:
    found = markdown(tmp_path, sheet(line("One", 0)), FAILED, SKIPPED, sheet())
    assert found == (
        "One\n"
        "\n---\n\n<!-- page 2 -->\n\n> **\\[Page 2 could not be read: Its \\<image\\> is torn & lost.\\]**\n"
        "\n---\n\n<!-- page 3 -->\n\n"
        "> **\\[Page 3 was left out: It is not among the pages that were asked for.\\]**\n"
        "\n---\n\n<!-- page 4 -->\n\n"
    )


def test_large_type_on_one_page_of_a_document_is_a_heading(tmp_path: Path) -> None:
    body = sheet(*column(tuple(PROSE[:2]) * 14))
    title = sheet(line("A Title of Two Words", 3, height=HEIGHT * 2))
    assert "\n# A Title of Two Words\n" in markdown(tmp_path, body, title)

"""Whatever a page looks like, each of its lines is in one block, and each of a table's texts in one cell."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sheets import sheet, written

from pipelines.write import Page

TEXTS = st.sampled_from(
    ["Total", "12.50", "a longer line of text", "• item", "2. item", "縦書き", "שלום", "x"]
)
PLACES = st.integers(0, 12).map(lambda step: 75.0 * step)
SIZES = st.sampled_from([0.0, 1.0, 22.0, 40.0, 300.0, 900.0])
LINES = st.lists(
    st.tuples(TEXTS, PLACES, PLACES, SIZES, SIZES).map(
        lambda each: (each[0], (each[1], each[2], each[1] + each[3], each[2] + each[4]))
    ),
    max_size=24,
)


def characters(texts: list[str]) -> Counter[str]:
    return Counter("".join("".join(texts).split()))


@settings(max_examples=150, deadline=None)
@given(LINES)
def test_every_line_is_in_one_block(lines: list[tuple[str, tuple[float, float, float, float]]]) -> None:
    page = Page(1, sheet(*lines))
    found = [line for block in page.blocks for line in block.lines]
    assert sorted(line.index for line in found) == list(range(len(lines)))
    for block in page.blocks:
        texts = [cell for row in block.cells for cell in row] if block.kind == "table" else block.texts
        assert characters(texts) == characters([line.text for line in block.lines])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES, st.sampled_from([[0], [1]]))
def test_every_format_takes_every_page(
    tmp_path: Path, lines: list[tuple[str, tuple[float, float, float, float]]], angle: list[int]
) -> None:
    content = sheet(*lines, textline_orientation_angles=angle * len(lines))
    counts = {
        name: written(tmp_path, name, content).count("longer")
        for name in ("txt", "md", "jsonl", "hocr", "alto")
    }
    assert set(counts.values()) == {sum(text.count("longer") for text, _ in lines)}

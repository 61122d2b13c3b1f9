"""Which lines of a page are read to see whether its text layer can be believed, and what they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from zlib import crc32

from pipelines.textlayer.lines import LayerLine
from pipelines.textlayer.similarity import distance, folded

_LINES = 8
_MOST_LINES = 12
_LETTERS_OF_A_FONT = 12  # with fewer on the page, nobody need have seen it
_SHARE_OF_A_LINE = 0.25  # of its letters: what a line's doubtful fonts may have together
# Of 32 pages whose layers say what they show, formulas and tables among them, the least agreed to 0.973. A
# font may be in one short line of the sample only, where a single slip of the recogniser counts for more.
AGREEMENT = 0.95
_AGREEMENT_OF_FONT = 0.9


@dataclass(frozen=True)
class Verdict:
    """What a sample says.

    Attributes:
        agreement: share of the sample's characters that were read as the layer has them, 0 to 1.
        fonts: the fonts whose share is large enough.
        agrees: whether most of the sample is in lines in such fonts, and they agree as a whole.
    """

    agreement: float
    fonts: frozenset[int]
    agrees: bool

    def holds_for(self, line: LayerLine) -> bool:
        """Whether the line can be believed: most of it is in fonts that were read as the layer has them."""
        return _is_in(self.fonts, line)


def _is_in(fonts: frozenset[int], line: LayerLine) -> bool:
    doubtful = sum(count for font, count in line.letters.items() if font not in fonts)
    return doubtful <= _SHARE_OF_A_LINE * line.letters.total()


def chosen(lines: Mapping[int, LayerLine]) -> list[int]:
    """The numbers of the lines to read, always the same for the same page.

    From each eighth of the page one is taken, the longer the likelier; then lines for the fonts that have not
    come up.

    Args:
        lines: by their number down the page.
    """
    numbers = sorted(lines)
    seed = crc32("\n".join(lines[number].line.text for number in numbers).encode("utf-8", "replace"))
    random = Random(seed)  # noqa: S311  -- a sample, not a secret
    count = min(_LINES, len(numbers))
    bounds = [len(numbers) * part // count for part in range(count + 1)] if count else []
    sample = []
    for start, end in pairwise(bounds):
        weights = [_weight(lines[number]) for number in numbers[start:end]]
        sample += random.choices(numbers[start:end], weights)
    return sorted(sample + _for_fonts(lines, sample))


def _weight(line: LayerLine) -> int:
    return 1 + line.letters.total() ** 2


def _for_fonts(lines: Mapping[int, LayerLine], sample: Sequence[int]) -> list[int]:
    on_page = sum((line.letters for line in lines.values()), Counter[int]())
    seen = sum((lines[number].letters for number in sample), Counter[int]())
    more: list[int] = []
    for font, letters in on_page.most_common():
        if len(sample) + len(more) == _MOST_LINES:
            break
        if letters >= _LETTERS_OF_A_FONT and seen[font] < _LETTERS_OF_A_FONT / 2:
            others = [number for number in lines if number not in sample and number not in more]
            more.append(max(others, key=lambda number: lines[number].letters[font], default=-1))
            seen += lines[more[-1]].letters
    return more


def judged(pairs: Sequence[tuple[LayerLine, str]]) -> Verdict:
    """The verdict of lines of the layer and what was read in their place."""
    said_right, said = Counter[int](), Counter[int]()
    right, length = [], []
    for line, read in pairs:
        a, b = folded(line.line.text), folded(read)
        length.append(max(len(a), len(b)))
        right.append(length[-1] - distance(a, b))
        for font, letters in line.letters.items():
            said[font] += letters * length[-1]
            said_right[font] += letters * right[-1]
    fonts = frozenset(font for font in said if said_right[font] >= _AGREEMENT_OF_FONT * said[font])
    held = [at for at, (line, _) in enumerate(pairs) if _is_in(fonts, line)]
    total, held_total = sum(length), sum(length[at] for at in held)
    agrees = 2 * held_total > total and sum(right[at] for at in held) >= AGREEMENT * held_total
    return Verdict(sum(right) / total if total else 0.0, fonts, agrees)

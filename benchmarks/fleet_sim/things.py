"""What a simulated fleet is made of: devices, documents, ranges of their pages."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tasks.ranges import page_cost, plan_ranges
from tasks.speed import Speed

RANGE_MEGAPIXELS, RANGE_PAGES = 16.0, 64  # the queue's defaults
# Megapixels of a page and how often there are such: receipts, A4 at 144 and 200 dpi, photos, plans.
_SIZES = ((0.8, 20), (2.0, 40), (3.9, 25), (8.0, 12), (30.0, 3))


@dataclass(slots=True, eq=False)
class Worker:
    """A worker of one device.

    Attributes:
        speed: True megapixels per second, of pages of usual difficulty.
        queue: Where it takes ranges from.
        gone: When it vanished; None while it lives.
        serial: Counts what it began; an end that was foreseen for something earlier is void.
    """

    name: str
    kind: str
    speed: float
    queue: str = ""
    task: Range | None = None
    began: float = 0.0
    ends: float = 0.0
    gone: float | None = None
    serial: int = 0
    measured: Speed = field(default_factory=Speed)


@dataclass(slots=True, eq=False)
class Document:
    """A document: when it comes, how large its pages are, and what they take."""

    comes: float
    megapixels: Sequence[float]
    work: Sequence[float]
    wish: str | None = None
    left: int = 0
    ended: float = 0.0

    @property
    def size(self) -> float:
        """Megapixels of all pages, as the queue counts them."""
        return sum(map(page_cost, self.megapixels))

    def ranges(self) -> Iterator[Range]:
        """Cut it as splitting does; whoever routes knows only how large its pages are on average."""
        firsts = plan_ranges(self.megapixels, most_megapixels=RANGE_MEGAPIXELS, most_pages=RANGE_PAGES)
        share = self.size / len(self.megapixels)
        for number, (first, following) in enumerate(
            zip(firsts, [*firsts[1:], len(self.megapixels) + 1], strict=True)
        ):
            pages = following - first
            yield Range(self, number, pages, share * pages, sum(self.work[first - 1 : following - 1]))


@dataclass(slots=True, eq=False)
class Range:
    """A range of pages.

    Attributes:
        megapixels: Its size as whoever routes sees it.
        work: What it takes, in megapixels of usual difficulty.
        kind: Where it was sent, and `sent` when.
        holder: Who has it in hand.
    """

    document: Document
    number: int
    pages: int
    megapixels: float
    work: float
    kind: str = ""
    sent: float = 0.0
    holder: Worker | None = None
    over: bool = False
    readings: int = 0


def crew(kind: str, count: int, speed: float, chance: random.Random) -> list[Worker]:
    """Workers of one kind; no two are quite as fast."""
    return [Worker(f"{kind}:{number}", kind, speed * chance.uniform(0.8, 1.2)) for number in range(count)]


def mixed(
    megapixels: float, chance: random.Random, *, wishes: Sequence[str] = (), times: Iterable[float] = ()
) -> list[Document]:
    """Documents of so many megapixels: most have few pages, few very many; a tenth wishes for a kind."""
    weights = [often for _, often in _SIZES]
    times = iter(times)
    found: list[Document] = []
    while megapixels > 0:
        count = min(5000, max(1, int(chance.lognormvariate(1.5, 1.6))))
        usual = chance.choices(_SIZES, weights)[0][0]
        sizes = [usual * chance.uniform(0.7, 1.3) for _ in range(count)]
        hard = chance.lognormvariate(0, 0.4)
        work = [page_cost(size) * hard * chance.lognormvariate(0, 0.3) for size in sizes]
        wish = chance.choice(wishes) if wishes and chance.random() < 0.1 else None
        found.append(Document(next(times, 0.0), sizes, work, wish))
        megapixels -= found[-1].size
    return found

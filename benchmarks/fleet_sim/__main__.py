"""Simulates fleets, with the router, the speeds and the moves that the real one uses.

    python benchmarks/fleet_sim [drain] [sizes] [faults] [ratios] [shards] [day] [--seeds 5] [--json]

`drain`: mixed documents that are all there at the start, 3 GPUs and 64 CPU cores: how long until all are
read, next to the time in which it could be done if work could be cut at will (the bound), for each way of
routing. `sizes`: the same with less to do, and with wishes. `ratios`: the same for GPUs that are so many
times as fast as a core. `faults`: workers that vanish, slow down or appear on the way. `day`: hundreds of
devices, uploads that come and go with the day (`--hours`: a part of it), GPUs that are taken away now and
then; printed is how long documents took, from their upload to their last page, all of them and those that
wish for a GPU. `shards`: 200 tenants, the largest with a sixth of all,
dealt out to fleets of their own.

Speeds are assumed: a core reads 0.6 megapixels a second, a GPU 24, give or take a fifth. Megapixels take
more or less time, by document and by page; whoever routes knows a range by its document's mean size, and
workers by what they have measured. The answer is a table; with `--json` one line for each row.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean, quantiles
from typing import Any

sys.path.append(str(Path(__file__).parent))  # run as a file, a folder's modules are not found otherwise
from policies import POLICIES
from things import RANGE_MEGAPIXELS, Document, Worker, crew, mixed
from world import World

from tasks.ranges import page_cost

CORE, GPU, NPU = 0.6, 24.0, 8.0
_MEGAPIXELS = 120_000.0
_TENANTS = 200
Change = tuple[float, float]  # when, and by how many megapixels per second the fleet gets faster
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One fleet and its documents; `disturb` is told the world before it runs, and returns what changes."""

    workers: Callable[[random.Random], list[Worker]]
    documents: Callable[[random.Random], list[Document]]
    disturb: Callable[[World], list[Change]] = lambda _: []


def small_fleet(chance: random.Random, gpu: float = GPU) -> list[Worker]:
    """The fleet of the figures: 3 GPUs, 64 cores."""
    return crew("gpu", 3, gpu, chance) + crew("cpu", 64, CORE, chance)


def play(case: Case, policy: str, seed: int) -> tuple[World, float, float]:
    """Run a case once; returns the world, the time to drain, and the least possible."""
    chance = random.Random(seed)  # noqa: S311  -- chance, not secrets
    workers, documents = case.workers(chance), case.documents(chance)
    world = World(workers, documents, POLICIES[policy]())
    speed = sum(worker.speed for worker in workers)
    changes = case.disturb(world)
    work = sum(sum(document.work) for document in documents)
    return world, world.run(), bound(work, speed, changes)


def bound(work: float, speed: float, changes: Sequence[Change]) -> float:
    """Return the seconds in which a fleet would do the work if that could be cut at will."""
    at = 0.0
    for when, by in sorted(changes):
        if work <= speed * (when - at):
            break
        work, at, speed = work - speed * (when - at), when, speed + by
    return at + work / speed


def drain(seeds: int, megapixels: float) -> Iterator[Row]:
    """Everything is there at the start."""
    yield from _compared(
        f"{megapixels:,.0f} megapixels", Case(small_fleet, lambda chance: mixed(megapixels, chance)), seeds
    )


def sizes(seeds: int, megapixels: float) -> Iterator[Row]:
    """The same with wishes, and with less to do."""
    wishing = Case(small_fleet, lambda chance: mixed(megapixels, chance, wishes=("cpu", "gpu")))
    yield from _compared("a tenth of the documents wishes for a kind", wishing, seeds)
    for times in (1, 10):
        some = Case(small_fleet, lambda chance, times=times: mixed(megapixels / 30 * times, chance))  # type: ignore[misc]  # mypy has no types for a lambda's default
        yield from _compared(f"{megapixels / 30 * times:,.0f} megapixels", some, seeds)


def ratios(seeds: int, _: float) -> Iterator[Row]:
    """How much faster a GPU is."""
    for times in (5, 20, 40, 100, 300):
        gpu = CORE * times

        def documents(chance: random.Random, gpu: float = gpu) -> list[Document]:
            return mixed(300 * (3 * gpu + 64 * CORE), chance)

        case = Case(lambda chance, gpu=gpu: small_fleet(chance, gpu), documents)  # type: ignore[misc]  # mypy has no types for a lambda's default
        yield from _compared(f"a GPU is {times} cores", case, seeds)


def _compared(name: str, case: Case, seeds: int) -> Iterator[Row]:
    drained: dict[str, list[float]] = {policy: [] for policy in POLICIES}
    least: list[float] = []
    for seed in range(seeds):
        for policy in POLICIES:
            _, seconds, bound_seconds = play(case, policy, seed)
            drained[policy].append(seconds)
        least.append(bound_seconds)
    own = mean(drained["pageline"])
    for policy, times in drained.items():
        over = [seconds / bound_seconds for seconds, bound_seconds in zip(times, least, strict=True)]
        yield {
            "case": name,
            "routing": policy,
            "seconds": round(mean(times), 1),
            "bound": round(mean(least), 1),
            "over bound": f"{mean(over):.3f} ({min(over):.3f} to {max(over):.3f})",
            "times pageline": round(mean(times) / own, 2),
        }


def faults(seeds: int, megapixels: float) -> Iterator[Row]:
    """What a fault costs: how much further the end is from the bound than it was without the fault."""

    def documents(chance: random.Random) -> list[Document]:
        return _predictable(megapixels / 3, chance)

    usual = [play(Case(small_fleet, documents), "pageline", seed) for seed in range(seeds)]
    for name, disturb in _FAULTS.items():
        runs = [play(Case(small_fleet, documents, disturb), "pageline", seed) for seed in range(seeds)]
        costs = [
            (late - late_least) - (seconds - least)
            for (_, late, late_least), (_, seconds, least) in zip(runs, usual, strict=True)
        ]
        yield {
            "fault": name,
            "costs seconds, mean": round(mean(costs), 1),
            "at most": round(max(costs), 1),
            "ranges moved": round(mean(world.moved for world, _, _ in runs), 1),
            "begun again": round(mean(world.again for world, _, _ in runs), 1),
        }


def _predictable(megapixels: float, chance: random.Random) -> list[Document]:
    """Documents whose pages take what their size says: nothing but the fault makes the end later."""
    found = [one for one in mixed(megapixels, chance) if max(one.megapixels) < RANGE_MEGAPIXELS]
    for document in found:
        document.work = [page_cost(size) for size in document.megapixels]
    return found


def _vanish(count: int) -> Callable[[World], list[Change]]:
    def disturb(world: World) -> list[Change]:
        gone = [worker for worker in world.workers if worker.kind == "gpu"][:count]
        for worker in gone:
            world.at(100.0, lambda worker=worker: world.vanish(worker))  # type: ignore[misc]  # as above
        return [(100.0, -sum(worker.speed for worker in gone))]

    return disturb


def _slow(world: World) -> list[Change]:
    worker = next(worker for worker in world.workers if worker.kind == "gpu")
    world.at(100.0, lambda: world.slow_down(worker, 20))
    return [(100.0, -worker.speed * 0.95)]


def _slow_all(world: World) -> list[Change]:
    slow = [worker for worker in world.workers if worker.kind == "gpu"]
    for worker in slow:
        world.at(100.0, lambda worker=worker: world.slow_down(worker, 20))  # type: ignore[misc]  # as above
    return [(100.0, -sum(worker.speed * 0.95 for worker in slow))]


def _appear(world: World) -> list[Change]:
    new = Worker("npu:0", "npu", 60.0)
    world.at(100.0, lambda: world.appear(new))
    return [(100.0, new.speed)]


_FAULTS: dict[str, Callable[[World], list[Change]]] = {
    "one of three GPUs vanishes": _vanish(1),
    "all three GPUs vanish": _vanish(3),
    "one GPU becomes 20 times slower": _slow,
    "all GPUs become 20 times slower": _slow_all,
    "a device of a new kind appears": _appear,
}


def day(_seeds: int, _: float, hours: tuple[float, float] = (0.0, 24.0)) -> Iterator[Row]:
    """A day of uploads to hundreds of devices, or some hours of one."""
    begin, end = (hour * 3600 for hour in hours)
    fleet = lambda chance: (  # noqa: E731  -- one expression, used once
        crew("gpu", 4, GPU, chance) + crew("npu", 8, NPU, chance) + crew("cpu", 200, CORE, chance)
    )
    speed = 4 * GPU + 8 * NPU + 200 * CORE

    def documents(chance: random.Random) -> list[Document]:
        part = _uploaded_by(end) - _uploaded_by(begin)
        found = mixed(0.3 * 86_400 * part * speed, chance, wishes=("cpu", "gpu"))
        times = sorted(_time_of_day(chance, begin, end) for _ in found)
        for document, comes in zip(found, times, strict=True):
            document.comes = comes - begin
        return found

    for policy in POLICIES:
        begun = time.monotonic()
        world, _, _ = play(Case(fleet, documents, _spot), policy, 1)
        waits = [(document.ended - document.comes, document.wish) for document in world.documents]
        cuts = quantiles((seconds for seconds, _ in waits), n=100)
        wishing = quantiles((seconds for seconds, wish in waits if wish == "gpu"), n=100)
        yield {
            "routing": policy,
            "documents": len(waits),
            "median s": round(cuts[49], 1),
            "p95 s": round(cuts[94], 1),
            "p99 s": round(cuts[98], 1),
            "GPU wished, p99 s": round(wishing[98], 1),
            "last after h": round(world.now / 3600, 2),
            "moved": world.moved,
            "begun again": world.again,
            "simulated in s": round(time.monotonic() - begun),
        }


def shards(seeds: int, megapixels: float) -> Iterator[Row]:
    """Tenants of unlike size dealt out to fleets of their own, together as large as the one."""
    for count in (1, 2, 4, 8):
        ends, least, uneven = [], [], []
        for seed in range(seeds):
            chance = random.Random(seed)  # noqa: S311  -- chance, not secrets
            dealt: list[list[Document]] = [[] for _ in range(count)]
            weights = [1 / rank for rank in range(1, _TENANTS + 1)]
            for document in mixed(megapixels, chance):
                tenant = chance.choices(range(_TENANTS), weights)[0]
                dealt[tenant * 7919 % _TENANTS * count // _TENANTS].append(document)
            works = [sum(sum(one.work) for one in documents) for documents in dealt]
            fleets = [
                crew("gpu", 8 // count, GPU, chance) + crew("cpu", 320 // count, CORE, chance) for _ in dealt
            ]
            speed = sum(worker.speed for fleet in fleets for worker in fleet)
            worlds = [World(*both, POLICIES["pageline"]()) for both in zip(fleets, dealt, strict=True)]
            ends.append(max(world.run() for world in worlds if world.documents))
            least.append(sum(works) / speed)
            uneven.append(max(works) * count / sum(works))
        yield {
            "shards": count,
            "seconds": round(mean(ends), 1),
            "bound of one fleet": round(mean(least), 1),
            "over bound": round(mean(map(float.__truediv__, ends, least)), 3),
            "largest shard's work over the mean": round(mean(uneven), 2),
        }


def _time_of_day(chance: random.Random, begin: float, end: float) -> float:
    """Most uploads come in the middle of the day: a raised cosine, and a tenth on the full hours."""
    while True:
        at = begin + chance.random() * (end - begin)
        if chance.random() < (1 - math.cos(2 * math.pi * at / 86_400)) / 2:
            return max(begin, at - at % 3600) if chance.random() < 0.1 else at


def _uploaded_by(at: float) -> float:
    """The part of a day's uploads that have come by then."""
    return at / 86_400 - math.sin(2 * math.pi * at / 86_400) / (2 * math.pi)


def _spot(world: World) -> list[Change]:
    """Each GPU is taken away about every two hours, for ten minutes."""
    chance = random.Random(7)  # noqa: S311  -- chance, not secrets
    for worker in [worker for worker in world.workers if worker.kind == "gpu"]:
        at = chance.expovariate(1 / 7200)
        while at < 86_400:
            world.at(at, lambda worker=worker: world.vanish(worker))  # type: ignore[misc]  # as above
            world.at(at + 600, lambda worker=worker: world.appear(worker))  # type: ignore[misc]  # as above
            at += 600 + chance.expovariate(1 / 7200)
    return []


_PARTS = {"drain": drain, "sizes": sizes, "shards": shards, "ratios": ratios, "faults": faults, "day": day}


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("parts", nargs="*", help="drain, sizes, faults, ratios, shards, day; all without")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--megapixels", type=float, default=_MEGAPIXELS, help="of documents, in drain and faults"
    )
    parser.add_argument("--hours", type=float, nargs=2, default=(0.0, 24.0), help="from when to when, in day")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    parts = {**_PARTS, "day": partial(day, hours=arguments.hours)}
    for part in arguments.parts or parts:
        rows = parts[part](arguments.seeds, arguments.megapixels)
        if arguments.json:
            for row in rows:
                print(json.dumps({"part": part, **row}), flush=True)
        else:
            _print(part, rows)


def _print(part: str, rows: Iterator[Row]) -> None:
    print(f"\n{part}", flush=True)
    heads: list[str] = []
    for row in rows:
        if not heads:
            heads = list(row)
            print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
        print(f"| {' | '.join(str(value) for value in row.values())} |", flush=True)


if __name__ == "__main__":
    main()

"""The work of `pageline audit`: is everything that was uploaded read, and everything that was read there?"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from infra.settings import PREFIX, Settings, load_settings
from infra.storage import Location, Storage, open_storage
from tasks.audit import Audited, Fault, Problem, audit_document
from tasks.context import Tools
from tasks.ledger import RequestLost
from tasks.reopen import NotReopened, replay
from tasks.resume import resume
from tasks.walk import documents, result_keys, start_of
from worker.cli.mending import results_place
from worker.cli.stacks import STATE, chosen_stack, short_name
from worker.cli.terminal import stdout
from worker.cli.view import plural
from worker.inbox.names import is_document
from worker.sending import tools_for
from worker.stack.address import find_stack

_READERS = 8
_REPLAYED = frozenset({Fault.MISSING, Fault.DIFFERS})


@dataclass(slots=True)
class Report:
    """What an audit has found so far.

    Attributes:
        sources: Digests of URI and ETag of all sources that documents were made of.
        addresses: The same of URIs alone.
        problems: As they are printed in JSON.
        repaired: Ids of documents that are being worked on again because of it.
        uncompared: Why no sources were compared, as the end of a sentence; empty where some were.
    """

    states: Counter[str] = field(default_factory=Counter)
    pages: int = 0
    failed: int = 0
    sources: set[bytes] = field(default_factory=set)
    addresses: set[bytes] = field(default_factory=set)
    problems: list[dict[str, Any]] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)
    uncompared: str = ""

    @property
    def complete(self) -> bool:
        """Whether there is nothing to be mended. Where nothing is, that is so only if the sources say it."""
        return not self.problems and bool(self.states or not self.uncompared)

    def add(self, found: Audited) -> None:
        """Take a document in."""
        self.states[found.state or "open"] += 1
        self.pages += found.pages
        self.failed += found.failed
        self.addresses.add(_digest(found.source))
        self.sources.add(_digest(found.source, found.etag))

    def sentence(self) -> str:
        """Sum up in one line."""
        states = ", ".join(f"{count:,} {state}" for state, count in self.states.most_common())
        count = plural(sum(self.states.values()), "document") + (f" ({states})" if states else "")
        failed = f", {self.failed:,} of them failed" if self.failed else ""
        verdict = "complete" if self.complete else "nothing was found"
        verdict = plural(len(self.problems), "problem") if self.problems else verdict
        again = f"; {plural(len(self.repaired), 'document')} being worked on again" if self.repaired else ""
        return f"{count}, {plural(self.pages, 'page')}{failed}: {verdict}{again}{self.uncompared}"

    def as_json(self) -> dict[str, Any]:
        """Return the same for a program."""
        return {
            "complete": self.complete,
            "documents": sum(self.states.values()),
            "states": dict(self.states),
            "pages": self.pages,
            "pages_failed": self.failed,
            "problems": self.problems,
            "repaired": self.repaired,
            "sources_compared": not self.uncompared,
        }


def audit(location: str, sources: Sequence[str], folder: Path | None, *, repair: bool, as_json: bool) -> bool:
    """Compare what is at a location of results with its sources and with itself; True when all is complete.

    Only a repair asks Redis. The settings' sources are compared with the whole results alone: which documents
    of a part came from which of them, nobody knows.

    Raises:
        UsageError: the location is none of the results of the stack that is to repair it.
        InfraError: the storage, or for a repair the stack, does not answer.
    """
    report = Report()
    with ExitStack() as exits:
        tools: Tools | None = None
        if repair:
            settings, store = exits.enter_context(chosen_stack(folder))
            tools = exits.enter_context(tools_for(settings, store))
            place = results_place(location, settings)
        else:
            settings = _settings(location, folder)
            place = Location.parse(location)
        if not sources:
            sources, report.uncompared = _sources_of(location, settings, folder)
        for name, problem in _problems(report, place, sources, settings, tools):
            if not as_json:
                where = f", page {problem.page}" if problem.page is not None else ""
                stdout().print(f"{name}{where}: {problem.sentence}")
    if as_json:
        typer.echo(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
    else:
        stdout().print(report.sentence())
    return report.complete


def _settings(location: str, folder: Path | None) -> Settings:
    return load_settings({"results": location}) if folder is None else find_stack(folder / STATE)


def _sources_of(location: str, settings: Settings, folder: Path | None) -> tuple[Sequence[str], str]:
    """Return the settings' sources that a location is compared with, or none and why, as a sentence's end."""
    given = settings.results if folder is not None else os.environ.get(f"{PREFIX}RESULTS") or location
    results, place = Location.parse(given), Location.parse(location)
    if not settings.sources:
        return (), "; no sources were compared"
    if results.contains(place) and not place.contains(results):
        return (), "; no sources were compared, as this is a part of the results"
    return settings.sources, ""


def _problems(
    report: Report, place: Location, sources: Sequence[str], settings: Settings, tools: Tools | None
) -> Iterator[tuple[str, Problem]]:
    """Yield every problem with the name of what it is about, and have repaired what can be."""
    storage = open_storage(place, settings.s3)
    with ThreadPoolExecutor(_READERS, thread_name_prefix="audit") as pool:
        for entry in documents(result_keys(storage, start_of(place))):
            found = audit_document(storage, entry, pool)
            report.add(found)
            for problem in found.problems:
                report.problems.append(_as_json(found.source, problem, found.folder.document))
                yield f"{found.folder.document} ({short_name(found.source)})", problem
            if tools is not None and _repair(tools, storage, found):
                report.repaired.append(found.folder.document)
    for uri, problem in _unread(report, sources, settings):
        report.problems.append(_as_json(uri, problem))
        yield short_name(uri), problem


def _repair(tools: Tools, storage: Storage, found: Audited) -> bool:
    """Have a document worked on again where that mends a problem; says whether it is."""
    faults = {problem.fault for problem in found.problems}
    try:
        if Fault.OPEN in faults:
            return resume(tools, storage, found.folder)
        if not faults & _REPLAYED:
            return False
        wanting = [problem for problem in found.problems if problem.fault in _REPLAYED]
        for problem in wanting:
            if problem.picture is not None:  # pictures are created once, so a wrong one must make room
                storage.delete(problem.picture)
        replay(tools, storage, found.folder, sorted({one.page for one in wanting if one.page is not None}))
    except (NotReopened, RequestLost):  # somebody works on it meanwhile, or it is beyond repair
        return False
    return True


def _unread(report: Report, sources: Sequence[str], settings: Settings) -> Iterator[tuple[str, Problem]]:
    """Yield the sources that nothing was made of; to announce them is not a repair's business."""
    for source in map(Location.parse, sources):
        start = start_of(source)
        for info in open_storage(source, settings.s3).list(start):
            if not is_document(info.key.removeprefix(start)):
                continue
            uri = Location(source.scheme, source.bucket, info.key).uri
            if _digest(uri, info.etag) in report.sources:
                continue
            known = _digest(uri) in report.addresses
            words = "its present version was never announced" if known else "it was never announced"
            yield uri, Problem(Fault.UNREAD, f"{words}; pageline submit does that")


def _as_json(source: str, problem: Problem, document: str | None = None) -> dict[str, Any]:
    return {
        "document": document,
        "source": source,
        "page": problem.page,
        "kind": str(problem.fault),
        "problem": problem.sentence,
    }


def _digest(*parts: str | None) -> bytes:
    text = "\0".join(part or "" for part in parts)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()

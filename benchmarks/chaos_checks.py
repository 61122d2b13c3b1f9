"""What must be true after chaos: every page of every document is read once, or has failed for a reason."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos_stage import Stage

from infra.status.states import MAX_ATTEMPTS
from infra.storage import Location
from tasks.records import Manifest

_IN_HAND = frozenset({"begin", "resume", "write"})


@dataclass
class Traces:
    """What the workers' processes have left behind.

    Attributes:
        deaths: By document and page: processes that ended with it in hand, and errors nobody expected.
        readings: By document and page: how often its reading was begun.
        commits: Outcomes of commits of pages that were read, and of those that were found written.
        counted: By document and page: commits that moved a counter.
    """

    deaths: Counter[tuple[str, int]] = field(default_factory=Counter)
    readings: Counter[tuple[str, int]] = field(default_factory=Counter)
    commits: Counter[str] = field(default_factory=Counter)
    counted: Counter[tuple[str, int]] = field(default_factory=Counter)

    @classmethod
    def of(cls, folder: Path) -> Traces:
        """Read the traces of all processes; those must have ended."""
        found = cls()
        for path in folder.glob("trace-*.jsonl"):
            last: dict[tuple[str, int], str] = {}
            for line in path.read_text().splitlines():
                event = json.loads(line)
                page = event["document"], event["page"]
                found._take(page, event["event"])
                last[page] = event["event"]
            found.deaths.update(page for page, event in last.items() if event in _IN_HAND)
        return found

    def _take(self, page: tuple[str, int], event: str) -> None:
        step, _, outcome = event.partition(":")
        if step == "resume":
            self.readings[page] += 1
        elif step == "fault":
            self.deaths[page] += 1
        elif step in {"commit", "settle"}:
            self.commits[outcome if step == "commit" else f"{outcome}, found written"] += 1
            self.counted[page] += outcome in {"first", "last"}


def check(stage: Stage, expected: Mapping[str, int]) -> tuple[list[str], dict[str, Any]]:
    """Return what is wrong, a sentence each, and figures."""
    traces = Traces.of(stage.traces)
    manifests = defaultdict(list)
    for path in stage.results.glob("*/*/document.json"):
        manifests[path.parent.parent.name].append(Manifest.model_validate_json(path.read_bytes()))
    faults = [
        f"{name} has {len(manifests[name])} manifests" for name in expected if len(manifests[name]) != 1
    ]
    failed = 0
    for name, pages in expected.items():
        for manifest in manifests[name][:1]:
            faults += [f"{name}: {fault}" for fault in _document(stage, manifest, pages, traces)]
            failed += sum(page.state == "failed" for page in manifest.pages)
    faults += _audit(stage)
    figures = {
        "pages": sum(expected.values()),
        "failed pages": failed,
        "readings": traces.readings.total(),
        "deaths in hand": traces.deaths.total(),
        "commits": dict(traces.commits),
        "counted again after a rollback": sum(count - 1 for count in traces.counted.values() if count > 1),
    }
    return faults, figures


def _document(stage: Stage, manifest: Manifest, pages: int, traces: Traces) -> Iterator[str]:
    if [page.number for page in manifest.pages] != list(range(1, pages + 1)):
        yield f"its manifest has {len(manifest.pages)} pages instead of {pages} ({manifest.reason})"
    for page in manifest.pages:
        deaths = traces.deaths[manifest.id, page.number]
        if page.state == "failed" and deaths < MAX_ATTEMPTS:
            yield f"page {page.number} failed after {deaths} deaths: {page.reason}"
        if page.state == "cancelled" or page.result is None:
            yield f"page {page.number} is missing: {page.reason}"
    for file in [*(page.result for page in manifest.pages), *manifest.outputs]:
        if file is not None and _digest(_place(stage, file.key)) != file.sha256:
            yield f"{file.key} is not what the manifest says"
    yield from _status(stage, manifest)


def _status(stage: Stage, manifest: Manifest) -> Iterator[str]:
    status = stage.store.listing.document(manifest.id)
    if status is None:
        yield "Redis does not know it"
        return
    states = Counter(page.state for page in manifest.pages)
    if (status.state, status.done, status.failed) != (manifest.state, states["done"], states["failed"]):
        yield (
            f"Redis has {status.state}, {status.done} done, {status.failed} failed; "
            f"the manifest {manifest.state}, {dict(states)}"
        )


def _audit(stage: Stage) -> Iterator[str]:
    command = [sys.executable, "-P", "-m", "worker.cli", "audit", str(stage.results)]
    found = subprocess.run(
        [*command, "--source", str(stage.inbox), "--json"],
        env={**os.environ, **stage.settings.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode != 0:
        yield f"pageline audit ends with {found.returncode}: {found.stdout[-2000:]} {found.stderr[-2000:]}"


def _place(stage: Stage, key: str) -> Path:
    return Path(Location.parse(stage.settings.results).bucket, key)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

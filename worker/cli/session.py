"""The work of `pageline run`: a stack of its own, the documents through it, and what came of them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from infra.status import DocumentStatus
from infra.storage import Location
from tasks.options import DocumentOptions
from tasks.records import DocumentRef
from worker.cli.errors import CommandError, UsageError, complain
from worker.cli.outcome import Outcome, as_json, outcome, print_summary
from worker.cli.progress import Progress, progress_on
from worker.cli.signals import ending_in_order
from worker.cli.stacks import short_name
from worker.cli.terminal import printable, stderr, stdout
from worker.cli.view import DocumentView
from worker.cli.weights import fetch_for
from worker.inbox.gather import Found, Gathered, NothingFound, gather
from worker.stack.local import LocalStack
from worker.stack.plan import Plan
from worker.stack.scratch import scratch_folder
from worker.stack.submission import Submission, uri_of

_POLL_SECONDS = 0.2


def read_through_queue(
    paths: Sequence[Path], results: Path, plan: Plan, options: Mapping[str, Any], *, json_wanted: bool
) -> bool:
    """Read the documents in `paths` into `results`; False when some pages or documents were not read.

    Raises:
        UsageError: there is nothing to read, or an option is wrong.
        CommandError: the results cannot be written.
        PipelineError, InfraError: the pipeline or the stack cannot be had.
    """
    started = time.monotonic()
    _check(options)
    found = _gather(paths, results)
    place = _writable(results)
    with ending_in_order():
        fetch_for(plan.creation)
        outcomes = _through_stack(found.documents, place, plan, options)
    seconds = time.monotonic() - started
    if json_wanted:
        sys.stdout.write(json.dumps(as_json(outcomes, place, seconds), indent=2, ensure_ascii=False) + "\n")
    else:
        if stdout().is_terminal:
            stdout().print()  # the table stands above
        print_summary(stdout(), outcomes, place, seconds)
    return not found.unnamed and all(one.complete for one in outcomes)


def _check(options: Mapping[str, Any]) -> None:
    """Refuse options before anything is started: they are the same for every document."""
    try:
        DocumentOptions.model_validate(options)
    except ValidationError as error:
        detail = error.errors(include_input=False)[0]
        sentence = detail["msg"].removeprefix("Value error, ")
        raise UsageError(f"--{detail['loc'][0]}: {sentence}") from None


def _gather(paths: Sequence[Path], results: Path) -> Gathered:
    try:
        found = gather(paths, leave_out=results)
    except NothingFound as error:
        raise UsageError(str(error)) from None
    for path in found.passed_over:
        stderr().print(f"{printable(path.name)} is passed over: it is neither a PDF nor a picture")
    for path in found.unnamed:
        complain(f"{printable(path.name)} cannot be read: its name is not Unicode; rename it")
    if not found.documents:
        raise UsageError("nothing is left to read")
    return found


def _writable(results: Path) -> Path:
    """The absolute path of the results, made now: workers could only fail one by one."""
    place = Location.parse(results).path
    try:
        place.mkdir(parents=True, exist_ok=True)
        probe = place / ".pageline-probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise CommandError(f"results cannot be written to {place}: {error.strerror}") from None
    return place


def _through_stack(
    found: Sequence[Found], place: Path, plan: Plan, options: Mapping[str, Any]
) -> list[Outcome]:
    values = {
        "results": str(place),
        "sources": [],
        "bucket_level": False,
        # What an earlier run left unfinished was not asked for: it is read when it is named again.
        "queue": {"keep_recent": max(10_000, len(found)), "rebuild_keys": 0},
    }
    since = time.time()
    with progress_on(stderr()) as progress, scratch_folder() as folder:
        progress.say("starting the queue and the workers")
        with LocalStack(folder, plan, values) as stack, Submission(stack.settings, stack.store) as submission:
            refs = [
                DocumentRef(source=Location("file", str(one.root)).uri, key=one.key, options=dict(options))
                for one in found
            ]
            submission.announce(refs)
            names = {uri_of(ref): one for ref, one in zip(refs, found, strict=True)}
            statuses = _watch(stack, submission, plan, progress)
        return [
            outcome(
                DocumentView.of(status, short_name(uri)), names[uri].path, place / status.folder, since=since
            )
            for uri, status in statuses.items()
        ]


def _watch(
    stack: LocalStack, submission: Submission, plan: Plan, progress: Progress
) -> dict[str, DocumentStatus]:
    """Show the documents until all of them are over, and keep the stack alive meanwhile."""
    while True:
        for sentence in stack.tend():
            progress.note(sentence)
        statuses = submission.poll()
        progress.show(
            [
                DocumentView(short_name(uri), uri)
                if status is None
                else DocumentView.of(status, short_name(uri))
                for uri, status in statuses.items()
            ]
        )
        over = {uri: status for uri, status in statuses.items() if status is not None and status.terminal}
        if len(over) == len(statuses):
            return over
        ready = stack.readers_ready()
        progress.say("" if ready == plan.workers else f"warming up: {ready} of {plan.workers} workers ready")
        time.sleep(_POLL_SECONDS)

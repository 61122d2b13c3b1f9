"""The work of `pageline export-samples`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from infra.errors import InfraError
from infra.status import DocumentStatus, Store
from pipelines.errors import InputError
from tasks.context import storage_at
from tasks.ledger import read_request
from tasks.places import Folder
from tasks.samples import SampleFolder, export_document
from worker.cli.errors import CommandError, UsageError
from worker.cli.stacks import chosen_stack, short_name
from worker.cli.terminal import printable, stderr, stdout

_LOOKED_AT = 10_000  # of the recent documents


def export(target: Path, below: float, limit: int, ids: Sequence[str], folder: Path | None) -> None:
    """Write doubtful lines to `target`, and say how many. One document that cannot be had costs no other.

    Raises:
        UsageError: a document is not known.
        CommandError: there is no such line.
    """
    with chosen_stack(folder) as (settings, store):
        results = storage_at(settings.results, settings.s3)
        samples = SampleFolder(target, limit)
        for status in _documents(store, ids):
            if samples.full:
                break
            place = Folder(status.folder)
            try:
                request = read_request(results, place)
                export_document(settings, results, place, request, samples, below)
            except (InfraError, InputError) as error:
                stderr().print(f"{short_name(status.source)} is left out: {printable(str(error))}")
    if not samples.crops and not samples.repeated:
        raise CommandError(f"no line that was read has a score below {below:g}")
    there = f" ({samples.repeated} more were there already)" if samples.repeated else ""
    files = f"{target / 'rec_gt.txt'}, {target / 'Label.txt'}"
    stdout().print(f"{samples.crops} lines of {samples.pages} pages{there}: {files}")


def _documents(store: Store, ids: Sequence[str]) -> list[DocumentStatus]:
    if not ids:
        return [status for status in store.listing.recent(_LOOKED_AT) if status.terminal]
    found = store.listing.documents(ids)
    missing = set(ids) - {status.id for status in found}
    if missing:
        raise UsageError(f"no document {', '.join(sorted(missing))} is known")
    return found

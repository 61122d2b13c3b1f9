"""The readable documents of one document: its pages are handed to a writer each, then they are stored."""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from infra.errors import Changed, NotFound, StorageError
from infra.storage import Storage
from pipelines.errors import LimitExceeded, WriteError
from pipelines.write import DocumentInfo, DocumentWriter, Page
from pipelines.write.registry import Format, formats_of
from tasks.context import Context
from tasks.ledger import read_manifest
from tasks.limits import checked_while_fetched, read_limits
from tasks.options import OUTPUTS
from tasks.pagefiles import stored_object
from tasks.patience import patiently
from tasks.places import Folder
from tasks.records import Request, StoredFile
from tasks.replacing import create_or_replace
from tasks.secrets import SecretUnavailable, password

_log = logging.getLogger(__name__)
_GONE = "the source is no longer what was read"
_BROKEN = "its writer has failed"


@dataclass(slots=True)
class Output:
    """One file that is being written.

    Attributes:
        fault: Why nothing comes of it; None while all is well.
    """

    format: Format
    path: Path
    writer: DocumentWriter | None = None
    fault: str | None = None

    def do(self, work: Callable[[], object]) -> None:
        """Do a part of its work, unless it has failed; what fails it is its own affair.

        Raises `OSError` and `StorageError`, which are this host's: the document is put together another time.
        """
        if self.fault is not None:
            return
        try:
            work()
        except (OSError, StorageError, MemoryError):
            raise
        except WriteError as error:
            self.fault = str(error).rstrip(".")
        except Exception:  # noqa: BLE001  -- whatever it is, the pages were read all the same
            _log.exception("%s cannot be written", self.format.file)
            self.fault = _BROKEN

    def open(self, info: DocumentInfo) -> None:
        """Have its writer made."""

        def make() -> None:
            self.writer = self.format.open(self.path, info)

        self.do(make)

    def close(self) -> None:
        """Finish the file."""
        writer, self.writer = self.writer, None
        if writer is not None:
            self.do(writer.close)


@dataclass(slots=True)
class Outputs:
    """The files that are being written, all at once.

    Attributes:
        move: Notes progress.
    """

    each: Sequence[Output]
    move: Callable[[], None]
    stored: list[StoredFile] = field(default_factory=list)

    def page(self, number: int, content: Mapping[str, Any]) -> None:
        """Hand the next page to every writer: its JSON, or a record that says why there is none."""
        page = Page(number, content)
        for output in self.each:
            if output.writer is not None:
                output.do(lambda writer=output.writer: writer.page(page))  # type: ignore[misc]  # a default that binds

    def faults(self) -> list[str]:
        """Return what could not be made, a sentence each."""
        return [
            f"{one.format.file} could not be made: {one.fault}." for one in self.each if one.fault is not None
        ]

    def store(self, storage: Storage, folder: Folder, generation: int) -> None:
        """Finish the files, and store those that came about."""
        for output in self.each:
            output.close()
            self.move()
        for one in self.each:
            if one.fault is None:
                stored = patiently(lambda one=one: _store(storage, folder, one, generation))  # type: ignore[misc]  # as above
                self.stored.append(stored)
                self.move()


@contextmanager
def opened_outputs(
    context: Context,
    request: Request,
    pages: int,
    move: Callable[[], None],
    *,
    fault: str | None = None,
) -> Iterator[Outputs]:
    """Give the outputs that are wanted of a document of so many pages, open while the context is.

    `move` is called as the source comes, and as files are stored. With a `fault` none is made because of it.
    """
    formats = formats_of(request.options.get("outputs", OUTPUTS))
    if fault is not None:
        yield Outputs([Output(kind, Path(), fault=fault.rstrip(".")) for kind in formats], move)
        return
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=context.cache.scratch())))
        outputs = [Output(kind, scratch / kind.file) for kind in formats]
        info = DocumentInfo(name=request.source.key.rsplit("/", 1)[-1], pages=pages)
        showing = [output for output in outputs if output.format.wants_source]
        told = _with_source(context, request, info, stack, move) if showing else info
        for output in outputs:
            if output in showing and isinstance(told, str):
                output.fault = told
            else:
                output.open(told if isinstance(told, DocumentInfo) else info)
            stack.callback(output.close)
        yield Outputs(outputs, move)


def _with_source(
    context: Context, request: Request, info: DocumentInfo, stack: ExitStack, move: Callable[[], None]
) -> DocumentInfo | str:
    """Return `info` with the source and its password, or why they cannot be had. Raises `StorageError`."""
    limits = read_limits(context.settings)
    told = checked_while_fetched(limits, request.source, move)
    try:
        source = context.cache.source(request.source, request.tenant, context.storage, told)
        path = stack.enter_context(source)
        secret = password(request.secret, context.settings.secrets)
    except (NotFound, Changed):
        return _GONE
    except SecretUnavailable as error:
        return error.public.rstrip(".")
    except LimitExceeded as error:  # the limit was another one when the document was read
        return str(error)
    return replace(info, source=path, password=secret, limits=limits)


def _store(storage: Storage, folder: Folder, output: Output, generation: int) -> StoredFile:
    """Store a file, unless it is there, or the document has ended: then what is there counts."""
    path, key = output.path, folder.output(output.format.file)
    with path.open("rb") as written:
        digest = hashlib.file_digest(written, "sha256").hexdigest()
    ours = StoredFile(name=path.name, key=key, size=path.stat().st_size, sha256=digest)

    def kept() -> StoredFile | None:
        found = stored_object(storage, key)
        manifest = read_manifest(storage, folder)
        ended = manifest is not None and manifest.generation >= generation
        return found if ended or found == ours else None

    kind = output.format.media_type
    return create_or_replace(storage, key, path, content_type=kind, kept=kept) or ours

"""Brings documents in: their bytes into the uploads, then to the queue. Its calls block."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final

from infra.errors import AlreadyExists, InvalidKey, InvalidLocation, NotFound
from infra.settings import Settings
from infra.status import DocumentStatus
from infra.storage import Location
from infra.storage.location import innermost
from tasks.ingest import ingest
from tasks.options import Layer, resolve
from tasks.ref import SIDECAR_SUFFIX, DocumentRef
from tasks.sourcecache import file_name
from worker.http.desk import Desk
from worker.http.option_schema import of_wrong_type
from worker.http.problems import Refusal

_CHUNK = 1 << 20
_DIGITS = 32
_SPREAD = 2  # of them name folders, so that none grows too large; more folders would cost time on disks
_BINARY = "application/octet-stream"
_CONTENT: Final = re.compile(rf"^[0-9a-f]{{{_DIGITS - _SPREAD}}}-")
RESERVED: Final = frozenset({"password_secret", "retention"})


@dataclass(frozen=True, slots=True)
class Content:
    """A document's bytes, in memory or in a file of this host."""

    name: str
    data: bytes | Path
    sha256: str

    @classmethod
    @contextmanager
    def of(cls, desk: Desk, name: str, file: IO[bytes], size: int) -> Iterator[Content]:
        """Take what was received; a large file has a name of its own while the context is open."""
        if size <= _CHUNK:
            data = file.read()
            yield cls(name, data, hashlib.sha256(data).hexdigest())
            return
        digest = hashlib.sha256()
        with scratch(desk) as path:
            with path.open("wb") as target:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
                    target.write(chunk)
            yield cls(name, path, digest.hexdigest())


@contextmanager
def scratch(desk: Desk) -> Iterator[Path]:
    """A path for a file of this host, which goes with the context."""
    folder = desk.settings.work_dir / "http"
    folder.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(dir=folder))
    try:
        yield place / "document"
    finally:
        shutil.rmtree(place, ignore_errors=True)


def check_options(options: Mapping[str, Any], settings: Settings) -> None:
    """Refuse options that are unknown or wrong, or that a request may not give. Raises `Refusal` with 422."""
    if not options:
        return
    reserved = [] if settings.http.privileges else sorted(RESERVED & options.keys())
    errors = [
        {"field": f"options.{name}", "detail": f"The option {name} may not be given in a request."}
        for name in reserved
    ]
    errors += [
        {"field": f"options.{name}", "detail": f"The option {name} is wrong: its type is another."}
        for name in of_wrong_type(options)
    ]
    layers = [Layer("settings", settings.defaults), Layer("call", options)]
    errors += [
        {"field": f"options.{problem.option}", "detail": problem.sentence}
        for problem in resolve(layers, settings).problems
        if problem.origin == "call"
    ]
    if errors:
        raise Refusal(422, errors[0]["detail"], kind="wrong-options", errors=errors)


def uploads_of(settings: Settings, tenant: str) -> Location:
    """Return where a tenant's uploads go. Raises `Refusal` where none are taken."""
    if settings.http.uploads is None:
        raise Refusal(403, "This service takes no uploads: PAGELINE_HTTP__UPLOADS is not set.")
    place = Location.parse(settings.http.uploads)
    return Location.parse(place.join(tenant).uri) if len(settings.tenants) > 1 else place


def bring(desk: Desk, tenant: str, content: Content, options: Mapping[str, Any]) -> DocumentStatus:
    """Have a document read that was uploaded. The same bytes under the same name are one upload.

    Raises `Refusal`, `StorageError` and `BrokerUnavailable`.
    """
    digest = content.sha256
    key = f"{digest[:_SPREAD]}/{digest[_SPREAD:_DIGITS]}-{plain_name(content.name)}"
    return _announce(desk, store(desk, tenant, key, content.data), tenant, options)


def store(desk: Desk, tenant: str, key: str, data: bytes | Path) -> DocumentRef:
    """Put an upload where it belongs, unless it is there; returns its announcement, without options."""
    root = uploads_of(desk.settings, tenant)
    place = root.join(key)
    try:
        desk.storage(root.uri).create(place.key, data, content_type=_BINARY)
    except AlreadyExists:
        pass
    except InvalidKey as error:
        raise Refusal(422, error.public) from error
    return DocumentRef(source=root.uri, key=key, tenant=tenant)


def bring_from(desk: Desk, tenant: str, location: str, options: Mapping[str, Any]) -> DocumentStatus:
    """Have a document read that lies in one of the service's sources. Raises `Refusal`."""
    try:
        place = Location.of_object(location)
        root = innermost(map(Location.parse, desk.settings.sources), place)
    except (InvalidLocation, ValueError, OSError):
        root = None
    if root is None:
        raise Refusal(403, "The location is in none of the places that documents are read from.")
    key = root.key_of(place)
    if not key or key.endswith(SIDECAR_SUFFIX):
        raise Refusal(404, "There is no document at this location.")
    return announce(desk, DocumentRef(source=root.uri, key=key, tenant=tenant), options)


def announce(desk: Desk, ref: DocumentRef, options: Mapping[str, Any]) -> DocumentStatus:
    """Have a document read that is in its place. Raises `Refusal` with 404 where it is not."""
    place = Location.parse(ref.source).at(ref.key)
    try:
        desk.storage(ref.source).head(place.key)
    except (NotFound, InvalidKey) as error:
        raise Refusal(404, "There is no document at this location.") from error
    return _announce(desk, ref, ref.tenant, options)


def plain_name(name: str) -> str:
    """Return a file's name as one segment of a key; what looks like a sidecar's no longer does."""
    found = file_name(name.replace("\\", "/").rstrip("/") or "document")
    return found.removesuffix(SIDECAR_SUFFIX) + ".json" if found.endswith(SIDECAR_SUFFIX) else found


def name_of_upload(key: str) -> str:
    """Return what an upload was called by its sender."""
    return _CONTENT.sub("", key.rpartition("/")[2])


def _announce(desk: Desk, ref: DocumentRef, tenant: str, options: Mapping[str, Any]) -> DocumentStatus:
    identity = ingest(desk, replace(ref, options=dict(options), tenant=tenant))
    status = None if identity is None else desk.store.listing.document(identity)
    if status is None:
        raise Refusal(503, "The document was taken, and forgotten at once; send it again.", retry_after=1)
    return status

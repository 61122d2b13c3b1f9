"""API keys: who asks, for which tenant. Only their hashes are kept, in a file that its owner alone reads.

A key is `pl_` with 8 digits that name it and 43 characters of secret behind: 256 random bits, so that a plain
SHA-256 of it cannot be turned back.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infra.errors import SettingsError
from worker.stack.address import write_private

_START = "pl_"
_ID_DIGITS = 8
_LOOK_SECONDS = 1.0  # after which the file is looked at for changes
_NOBODY = hashlib.sha256(b"").hexdigest()


class StoredKey(BaseModel):
    """A key as it lies in the file.

    Attributes:
        tenant: Whose documents it opens; None for everybody's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=rf"^[0-9a-f]{{{_ID_DIGITS}}}$")
    name: str
    tenant: str | None
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    created: float


class KeyFile(BaseModel):
    """What the file holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: tuple[StoredKey, ...] = ()


class KeyRing:
    """The keys of a file, which is read again when it has changed; without a file, nobody needs one."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._keys: dict[str, StoredKey] = {}
        self._looked = -_LOOK_SECONDS
        self._version: tuple[int, int] | None = None

    @property
    def required(self) -> bool:
        """Whether a request needs a key: also while the file that is named is empty or gone."""
        return self._path is not None

    def find(self, shown: str) -> StoredKey | None:
        """Return the key that was shown, or None; how long that takes tells nothing of the secret."""
        self._refresh()
        known = self._keys.get(shown.removeprefix(_START)[:_ID_DIGITS])
        digest = hashlib.sha256(shown.encode("utf-8", "surrogateescape")).hexdigest()
        same = hmac.compare_digest(digest, known.sha256 if known is not None else _NOBODY)
        return known if same else None

    def _refresh(self) -> None:
        now = time.monotonic()
        if self._path is None or now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        try:
            facts = self._path.stat()
        except OSError:
            self._keys, self._version = {}, None
            return
        version = facts.st_mtime_ns, facts.st_ino
        if version != self._version:
            self._keys = {key.id: key for key in read_keys(self._path)}
            self._version = version


def read_keys(path: Path) -> Sequence[StoredKey]:
    """Return the keys of a file, none where there is no file. Raises `SettingsError`."""
    try:
        return KeyFile.model_validate_json(path.read_bytes()).keys
    except FileNotFoundError:
        return ()
    except (OSError, ValidationError) as error:
        raise SettingsError(
            f"the file of API keys, {path}, cannot be read: {type(error).__name__}"
        ) from error


def add_key(path: Path, name: str, tenant: str | None) -> str:
    """Make a key and keep its hash; returns the key, which nobody can tell again. Raises `SettingsError`."""
    identity = secrets.token_hex(_ID_DIGITS // 2)
    key = f"{_START}{identity}{secrets.token_urlsafe(32)}"
    digest = hashlib.sha256(key.encode()).hexdigest()
    made = StoredKey(id=identity, name=name, tenant=tenant, sha256=digest, created=time.time())
    with _locked(path):
        _write(path, (*read_keys(path), made))
    return key


def remove_key(path: Path, identity: str) -> bool:
    """Forget a key, by its id; False when there is none of that id. Raises `SettingsError`."""
    with _locked(path):
        known = read_keys(path)
        kept = tuple(key for key in known if key.id != identity)
        if len(kept) == len(known):
            return False
        _write(path, kept)
    return True


def _locked(path: Path) -> FileLock:
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path.with_name(f".{path.name}.lock"))


def _write(path: Path, keys: Sequence[StoredKey]) -> None:
    try:
        write_private(path, json.dumps(KeyFile(keys=tuple(keys)).model_dump(), indent=1))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise SettingsError(f"the API keys in {path} cannot be written: {reason}") from error

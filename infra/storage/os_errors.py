"""Errors of the operating system, told in the storage's terms."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from infra.errors import AccessDenied, InvalidKey, NotFound, StorageError, StorageUnavailable

_NOT_FOUND = frozenset({errno.ENOENT, errno.ENXIO, errno.ENOTDIR})
_INVALID = frozenset(
    {errno.ENAMETOOLONG, errno.EILSEQ, errno.EISDIR, errno.EEXIST, errno.ELOOP, errno.EINVAL}
)
_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_PASSING = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EIO,
        errno.ESTALE,
        errno.EAGAIN,
        errno.EBUSY,
        errno.EMFILE,
        errno.ENFILE,
        errno.ETIMEDOUT,
        errno.EHOSTDOWN,
        errno.ENOTCONN,
    }
)


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Raise a `StorageError` about `where` in place of any `OSError` or unencodable name within the block."""
    try:
        yield
    except UnicodeError as error:
        raise InvalidKey(f"{where!r} cannot be a file's name here") from error
    except OSError as error:
        raise _class_of(error)(f"{where}: {error.strerror or error}") from error


def _class_of(error: OSError) -> type[StorageError]:
    if error.errno in _NOT_FOUND:
        return NotFound
    if error.errno in _INVALID:
        return InvalidKey
    if error.errno in _DENIED:
        return AccessDenied
    return StorageUnavailable if error.errno in _PASSING else StorageError

"""Storage: objects in a bucket of any S3 server, or files below a directory, behind one interface.

Importing this loads neither kind of storage; opening a location does.
"""

from __future__ import annotations

from pathlib import Path

from infra.storage.base import ObjectInfo, Storage
from infra.storage.location import Location
from infra.storage.options import S3Options

__all__ = ["Location", "ObjectInfo", "S3Options", "Storage", "open_storage"]


def open_storage(location: Location, s3: S3Options | None = None) -> Storage:
    """Open the bucket or directory that `location` lies in; nothing is contacted or created yet.

    Args:
        location: Its scheme and bucket count; keys given to the storage are whole, not below its key.
        s3: How to reach the S3 server; None for Amazon's, with the credentials found by boto3's own rules.
    """
    if location.scheme == "file":
        from infra.storage.directory import DirectoryStorage  # noqa: PLC0415 - a producer opens no storage

        return DirectoryStorage(Path(location.bucket))
    from infra.storage.s3 import S3Storage  # noqa: PLC0415 - boto3 takes 0.2 s, so only S3's users load it

    return S3Storage(location.bucket, s3 if s3 is not None else S3Options())

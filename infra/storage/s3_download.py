"""Receiving an object from S3, resumed where the connection breaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

from infra.storage.base import unheard
from infra.storage.s3_errors import UNREACHABLE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK_BYTES = 1 << 20
_RESUMES = 4


def download(
    client: S3Client,
    address: dict[str, Any],
    target: IO[bytes],
    *,
    etag: str | None = None,
    first: int = 0,
    last: int | None = None,
    told: Callable[[int], None] = unheard,
) -> Any:
    """Write bytes `first` up to but not including `last` of an object to `target`; return the first answer.

    `told` is told where the object ends before anything is written, then how far this has come.

    boto3 repeats requests but not what breaks in the middle of a body: the rest is asked for here, of the
    very same content. Raises boto3's exceptions; one for status 412 when the content is not `etag`.
    """
    pin = {} if etag is None else {"IfMatch": f'"{etag}"'}
    answer = part = client.get_object(**{**address, **pin, **_range(first, last)})
    pin = {"IfMatch": answer["ETag"]}
    told(first + answer["ContentLength"])
    for resumes_left in reversed(range(_RESUMES + 1)):
        try:
            for chunk in part["Body"].iter_chunks(_CHUNK_BYTES):
                target.write(chunk)
                first += len(chunk)
                told(first)
            break
        except UNREACHABLE:
            if not resumes_left:
                raise
        part = client.get_object(**{**address, **pin, **_range(first, last)})
    return answer


def _range(first: int, last: int | None) -> dict[str, str]:
    if first == 0 and last is None:
        return {}  # an empty object satisfies no range at all
    return {"Range": f"bytes={first}-{'' if last is None else last - 1}"}

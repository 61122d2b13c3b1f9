"""Sending an object to S3 under a condition, in one request or in parts."""

from __future__ import annotations

import os
import random
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO

from botocore.exceptions import BotoCoreError, ClientError

from infra.storage.s3_errors import CONFLICT, code_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

_CONFLICT_ATTEMPTS = 6
_CONFLICT_SECONDS = 0.05
_MAX_PARTS = 10_000


def upload(
    client: S3Client, request: dict[str, Any], condition: dict[str, str], source: BinaryIO, part_bytes: int
) -> Any:
    """Send all of `source`; return the server's last answer, which has the object's ETag.

    `request` has bucket, key, content type and metadata; `condition` is `IfNoneMatch`, `IfMatch` or empty.
    When S3 answers that another conditional write is under way, neither has won yet: after a short random
    wait everything is sent again, parts included, as S3's manual asks. Raises boto3's exceptions.
    """
    for attempt in range(_CONFLICT_ATTEMPTS):
        try:
            return _send(client, request, condition, source, part_bytes)
        except ClientError as error:
            if code_of(error) != CONFLICT or attempt == _CONFLICT_ATTEMPTS - 1:
                raise
        time.sleep(random.uniform(0, _CONFLICT_SECONDS * 2**attempt))  # noqa: S311 - a wait, not a secret
    raise AssertionError  # the last attempt returns or raises


def _send(
    client: S3Client, request: dict[str, Any], condition: dict[str, str], source: BinaryIO, part_bytes: int
) -> Any:
    size = source.seek(0, os.SEEK_END)
    source.seek(0)
    if size <= part_bytes:
        return client.put_object(**{**request, **condition, "Body": source})
    return _send_parts(client, request, condition, source, max(part_bytes, -(-size // _MAX_PARTS)))


def _send_parts(
    client: S3Client, request: dict[str, Any], condition: dict[str, str], source: BinaryIO, part_bytes: int
) -> Any:
    address: dict[str, Any] = {"Bucket": request["Bucket"], "Key": request["Key"]}
    address["UploadId"] = client.create_multipart_upload(**request)["UploadId"]
    try:
        parts: list[CompletedPartTypeDef] = []
        while chunk := source.read(part_bytes):
            number = len(parts) + 1
            answer = client.upload_part(**address, PartNumber=number, Body=chunk)
            parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        return client.complete_multipart_upload(
            **{**address, **condition, "MultipartUpload": {"Parts": parts}}
        )
    except BaseException:
        with suppress(BotoCoreError, ClientError):  # the first error is the one that counts
            client.abort_multipart_upload(**address)
        raise

"""A bucket of any S3 server as a storage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from infra.errors import AlreadyExists, Changed, NotFound, PreconditionFailed
from infra.storage.base import NO_CACHE, ObjectInfo, unheard
from infra.storage.checks import check_key, check_range
from infra.storage.files import atomic_copy, open_data
from infra.storage.location import Location
from infra.storage.options import S3Options
from infra.storage.s3_client import client_for
from infra.storage.s3_download import download
from infra.storage.s3_errors import status_of, translated
from infra.storage.s3_upload import upload

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3Storage:
    """The objects of one bucket. Instances hold no connection, so they may be copied and sent anywhere."""

    def __init__(self, bucket: str, options: S3Options) -> None:
        self._bucket = bucket
        self._options = options

    def head(self, key: str, version: str | None = None) -> ObjectInfo:
        """See `Storage.head`."""
        check_key(key)
        with translated(self._where(key)):
            answer = self._client.head_object(**self._address(key, version))
        return _info(key, answer)

    def read(
        self, key: str, *, start: int | None = None, end: int | None = None, version: str | None = None
    ) -> bytes:
        """See `Storage.read`."""
        check_key(key)
        first, last = check_range(start, end)
        if first == last:
            self.head(key, version)
            return b""
        target = BytesIO()
        with translated(self._where(key)):
            try:
                download(self._client, self._address(key, version), target, first=first, last=last)
            except ClientError as error:
                if status_of(error) != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    raise
        return target.getvalue()

    def fetch(
        self,
        key: str,
        path: Path,
        *,
        version: str | None = None,
        etag: str | None = None,
        told: Callable[[int], None] = unheard,
    ) -> ObjectInfo:
        """See `Storage.fetch`."""
        check_key(key)
        try:
            with atomic_copy(path) as target:
                address = self._address(key, version)
                with translated(self._where(key)):
                    answer = download(self._client, address, target, etag=etag, told=told)
        except PreconditionFailed as error:
            raise Changed(f"{self._where(key)} has changed: it is not {etag or 'what it was'}") from error
        return _info(key, answer)

    def create(
        self,
        key: str,
        data: bytes | Path,
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        cache_control: str = NO_CACHE,
    ) -> ObjectInfo:
        """See `Storage.create`; S3 takes only ASCII in metadata."""
        described = {"ContentType": content_type, "CacheControl": cache_control}
        try:
            return self._put(key, data, {"IfNoneMatch": "*"}, {**described, "Metadata": dict(metadata or {})})
        except PreconditionFailed as error:
            raise AlreadyExists(f"{self._where(key)} exists already") from error

    def replace(
        self,
        key: str,
        data: bytes | Path,
        *,
        if_match: str | None,
        content_type: str,
        cache_control: str = NO_CACHE,
    ) -> ObjectInfo:
        """See `Storage.replace`."""
        described = {"ContentType": content_type, "CacheControl": cache_control}
        if if_match is None:
            return self._put(key, data, {}, described)
        try:
            return self._put(key, data, {"IfMatch": f'"{if_match}"'}, described)
        except NotFound as error:  # servers differ: some answer so, some that the condition failed
            raise PreconditionFailed(f"{self._where(key)} is not there to be replaced") from error

    def list(self, prefix: str, *, start_after: str | None = None) -> Iterator[ObjectInfo]:
        """See `Storage.list`; entries have neither version, type nor metadata."""
        arguments: dict[str, Any] = {"Bucket": self._bucket, "Prefix": prefix}
        if start_after:
            arguments["StartAfter"] = start_after
        with translated(self._where(prefix)):
            for page in self._client.get_paginator("list_objects_v2").paginate(**arguments):
                for entry in page.get("Contents", ()):
                    etag = entry["ETag"].strip('"')
                    yield ObjectInfo(entry["Key"], entry["Size"], etag, None, entry["LastModified"])

    def delete(self, key: str, *, version: str | None = None, etag: str | None = None) -> None:
        """See `Storage.delete`; servers that know no conditions are asked for the ETag just before."""
        check_key(key)
        # A version never changes, and servers compare the condition with the newest one.
        condition: dict[str, Any] = {} if etag is None or version is not None else {"IfMatch": f'"{etag}"'}
        try:
            if etag is not None:
                self._check_etag(key, version, etag)
            with translated(self._where(key)):
                self._client.delete_object(**self._address(key, version), **condition)
        except NotFound:
            return
        except PreconditionFailed as error:
            raise Changed(f"{self._where(key)} has changed: it is not {etag}") from error

    def copy(
        self, key: str, to: Location, *, version: str | None = None, etag: str | None = None
    ) -> ObjectInfo:
        """See `Storage.copy`; done by the server, for objects of up to 5 GiB."""
        check_key(key)
        check_key(to.key)
        target = S3Storage(to.bucket, self._options)
        if etag is not None:
            self._check_etag(key, version, etag)
        with suppress(NotFound):
            target.head(to.key)
            raise AlreadyExists(f"{to} exists already")
        condition: dict[str, Any] = {} if etag is None else {"CopySourceIfMatch": f'"{etag}"'}
        try:
            with translated(self._where(key)):
                self._client.copy_object(
                    **target._address(to.key, None),
                    **self._options.encrypting,
                    **condition,
                    CopySource=self._address(key, version),
                )
        except PreconditionFailed as error:
            raise Changed(f"{self._where(key)} has changed: it is not {etag}") from error
        return target.head(to.key)

    def tag(self, key: str, tags: Mapping[str, str], *, version: str | None = None) -> None:
        """See `Storage.tag`."""
        check_key(key)
        address = self._address(key, version)
        with translated(self._where(key)):
            found = self._client.get_object_tagging(**address)["TagSet"]
            merged = {tag["Key"]: tag["Value"] for tag in found} | dict(tags)
            tagging: Any = {"TagSet": [{"Key": name, "Value": value} for name, value in merged.items()]}
            self._client.put_object_tagging(**address, Tagging=tagging)

    def _check_etag(self, key: str, version: str | None, etag: str) -> None:
        found = self.head(key, version).etag
        if found != etag:
            raise Changed(f"{self._where(key)} has changed: it is {found}, not {etag}")

    @property
    def _client(self) -> S3Client:
        return client_for(self._options)

    def _where(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"

    def _address(self, key: str, version: str | None) -> Any:
        address = {"Bucket": self._bucket, "Key": key}
        return address if version is None else {**address, "VersionId": version}

    def _put(
        self,
        key: str,
        data: bytes | Path,
        condition: dict[str, str],
        described: dict[str, Any],
    ) -> ObjectInfo:
        """Write an object; `described` are its headers."""
        check_key(key)
        request = {**self._address(key, None), **described, **self._options.encrypting}
        with open_data(data) as source, translated(self._where(key)):
            answer = upload(self._client, request, condition, source, self._options.part_bytes)
            # The answer to a write has no `Last-Modified`; the server's clock at that time is as good.
            written = {"ContentLength": source.tell(), "LastModified": _date(answer)}
        return _info(key, {**answer, **described, **written})


def _info(key: str, answer: Any) -> ObjectInfo:
    return ObjectInfo(
        key=key,
        size=answer["ContentLength"],
        etag=answer["ETag"].strip('"'),
        version=_version(answer),
        modified=answer["LastModified"],
        content_type=answer.get("ContentType"),
        metadata={name.lower(): value for name, value in answer.get("Metadata", {}).items()},
    )


def _version(answer: Any) -> str | None:
    version: str | None = answer.get("VersionId")
    return None if version == "null" else version


def _date(answer: Any) -> datetime:
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(date) if date is not None else datetime.now(UTC)

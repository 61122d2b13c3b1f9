"""Links to objects for people and programs without credentials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from infra.storage.location import Location
from infra.storage.options import S3Options

# Those that boto3's parameters become, and that whoever uses a link has to send.
_HEADERS: Final = {
    "ServerSideEncryption": "x-amz-server-side-encryption",
    "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
}


@dataclass(frozen=True, slots=True)
class UploadLink:
    """Where an object can be put.

    Attributes:
        headers: What must be sent as it is here, besides the size: it is signed.
    """

    url: str
    headers: Mapping[str, str]


def presigned(uri: str, *, s3: S3Options, seconds: int, disposition: str | None = None) -> str | None:
    """Return a link that an object can be read through for some seconds; None for one that is not in S3.

    `disposition` is what the storage then says in `Content-Disposition`.
    """
    place = Location.parse(uri)
    if place.scheme != "s3":
        return None
    from infra.storage.s3_client import client_for  # noqa: PLC0415  -- boto3 takes 0.2 s

    said = {} if disposition is None else {"ResponseContentDisposition": disposition}
    return client_for(s3).generate_presigned_url(
        "get_object", Params={"Bucket": place.bucket, "Key": place.key, **said}, ExpiresIn=seconds
    )


def presigned_upload(uri: str, *, s3: S3Options, seconds: int, size: int) -> UploadLink | None:
    """Return a link that `size` bytes can be put to with PUT for some seconds; None for what is not in S3.

    The size and how the object is encrypted are signed: the storage refuses anything else.
    """
    place = Location.parse(uri)
    if place.scheme != "s3":
        return None
    from infra.storage.s3_client import client_for  # noqa: PLC0415  -- as above

    url = client_for(s3).generate_presigned_url(
        "put_object",
        Params={"Bucket": place.bucket, "Key": place.key, "ContentLength": size, **s3.encrypting},
        ExpiresIn=seconds,
    )
    return UploadLink(url, {_HEADERS[name]: value for name, value in s3.encrypting.items()})

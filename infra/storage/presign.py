"""Links to objects for people and programs without credentials."""

from __future__ import annotations

from infra.storage.location import Location
from infra.storage.options import S3Options


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


def presigned_upload(uri: str, *, s3: S3Options, seconds: int, size: int) -> str | None:
    """Return a link that `size` bytes can be put to with PUT for some seconds; None for what is not in S3.

    The size is signed: the storage refuses more or less.
    """
    place = Location.parse(uri)
    if place.scheme != "s3":
        return None
    from infra.storage.s3_client import client_for  # noqa: PLC0415  -- as above

    return client_for(s3).generate_presigned_url(
        "put_object",
        Params={"Bucket": place.bucket, "Key": place.key, "ContentLength": size},
        ExpiresIn=seconds,
    )

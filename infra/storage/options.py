"""How to reach an S3 server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class S3Options:
    """Address and credentials of an S3 server; whatever is None is left to boto3's own rules.

    Attributes:
        endpoint: URL of a server other than Amazon's; buckets are then addressed in the path.
        region: The region's name; with an `endpoint`, `us-east-1` unless given.
        access_key: Given together with `secret_key`.
        secret_key: Never shown.
        session_token: For temporary credentials.
        ca: PEM file of the authority behind the server's certificate; without it, the usual ones.
        connect_timeout: Seconds until a connection must stand.
        read_timeout: Seconds a server may stay silent.
        attempts: How often a request is sent at most, the first time included.
        part_bytes: Files above this size are uploaded in parts of it; S3 asks for 5 MiB at least.
        encryption: How the server encrypts what it is sent: `AES256`, `aws:kms` or `aws:kms:dsse`; None
            leaves that to the bucket.
        kms_key: The key's id or ARN, for `aws:kms` and `aws:kms:dsse`; None for the account's own.
    """

    endpoint: str | None = None
    region: str | None = None
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    ca: str | None = None
    connect_timeout: float = 5.0
    read_timeout: float = 60.0
    attempts: int = 5
    part_bytes: int = 64 << 20
    encryption: Literal["AES256", "aws:kms", "aws:kms:dsse"] | None = None
    kms_key: str | None = None

    @property
    def encrypting(self) -> Mapping[str, Any]:
        """What every request that writes an object says of its encryption, by the names of boto3."""
        how = {"ServerSideEncryption": self.encryption, "SSEKMSKeyId": self.kms_key}
        return {name: value for name, value in how.items() if value is not None}

"""One boto3 client per process and set of options."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from infra.region import home_region
from infra.storage.options import S3Options

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CONNECTIONS = 16


def client_for(options: S3Options) -> S3Client:
    """Return this process's client; it is safe to use from several threads at once."""
    return _client(os.getpid(), options)


@lru_cache(maxsize=8)
def _client(_process: int, options: S3Options) -> S3Client:
    # A session of its own: boto3's default one is not safe to share between threads that make clients.
    return boto3.session.Session().client(
        "s3",
        endpoint_url=options.endpoint,
        region_name=_region(options),
        aws_access_key_id=options.access_key,
        aws_secret_access_key=options.secret_key,
        aws_session_token=options.session_token,
        verify=options.ca,
        config=_config(options),
    )


def _region(options: S3Options) -> str | None:
    return options.region or (home_region() if options.endpoint is None else "us-east-1")


def _config(options: S3Options) -> Config:
    common = Config(
        connect_timeout=options.connect_timeout,
        read_timeout=options.read_timeout,
        retries={"mode": "standard", "total_max_attempts": options.attempts},
        max_pool_connections=_CONNECTIONS,
        tcp_keepalive=True,
        signature_version="s3v4",  # boto3 still signs links the old way, which binds no headers
    )
    if options.endpoint is None:
        return common
    # Other servers seldom resolve bucket host names, and older ones refuse the checksums boto3 adds unasked.
    return common.merge(
        Config(
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
    )

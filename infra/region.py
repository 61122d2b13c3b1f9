"""Where at Amazon this fleet is, unless something names another region."""

from __future__ import annotations

import os


def home_region() -> str | None:
    """Return `AWS_REGION`, by which Amazon's containers and other SDKs go; boto3 knows its older name alone.

    None leaves it to boto3's own rules: `AWS_DEFAULT_REGION`, then its files of settings.
    """
    return os.environ.get("AWS_REGION") or None

"""Signs webhooks: who has the secret can tell that a message is ours, whole, and of this moment."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

HEADER = "Pageline-Signature"


def signature(body: bytes, secrets: Sequence[str], at: int) -> str:
    """Return the header's value: `t=SECONDS,v1=HEX`, a `v1` for each secret.

    Args:
        body: As it is sent.
        secrets: One, or several while one replaces another.
        at: Seconds since the epoch. It is signed too, so that old messages cannot be sent again.
    """
    signed = f"{at}.".encode() + body
    digests = (hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets)
    return ",".join([f"t={at}", *(f"v1={digest}" for digest in digests)])

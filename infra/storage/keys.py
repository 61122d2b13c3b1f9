"""Names of results: a document's folder, made from its source key so that any storage can hold it.

Every byte but ASCII letters, digits, `-`, `_` and `.` is percent-encoded, as in RFC 3986 except that `~` is
encoded too: a `~` in an encoded name therefore always marks a hash that stands for what was cut away, and a
lone `%` an empty segment. Different keys thus get different names. Encoded names are plain ASCII without
the characters, endings and device names that Windows refuses, so they fit every file system; only one that
ignores case may bring two keys that differ in case alone into one folder, where ids keep documents apart.
"""

from __future__ import annotations

import hashlib
import string

from infra.errors import InvalidKey

MAX_SEGMENT_BYTES = 200  # SeaweedFS and most file systems end at 255
MAX_KEY_BYTES = 1023  # Amazon S3 ends at 1,024
# What must still fit below a source's folder: a document's id (64 hexadecimal digits) and a file's name.
RESERVED_BYTES = 2 + 64 + 61

_PLAIN = frozenset(f"{string.ascii_letters}{string.digits}-_.".encode())
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
)
# Our own file beside the folders of documents: a source of that name must not take its place.
_OURS = frozenset({"latest.json"})


def encode_segment(segment: str) -> str:
    """Encode one segment of a key: at most 200 bytes of ASCII, never empty, `.` or `..`."""
    if not segment:
        return "%"
    raw = segment.encode("utf-8", "surrogatepass")
    encoded = _encode_ends("".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in raw))
    if len(encoded) <= MAX_SEGMENT_BYTES:
        return encoded
    mark = f"~{hashlib.sha256(raw).hexdigest()[:32]}"
    return _cut(encoded, MAX_SEGMENT_BYTES - len(mark)) + mark


def encode_key(key: str, *, max_bytes: int = MAX_KEY_BYTES) -> str:
    """Encode all segments of a key; one that comes out longer than `max_bytes` ends in a hash of the whole.

    Raises `InvalidKey` when `max_bytes` does not even hold the hash.
    """
    segments = [encode_segment(segment) for segment in key.split("/")]
    encoded = "/".join(segments)
    if len(encoded) <= max_bytes:
        return encoded
    mark = f"~{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
    if len(mark) > max_bytes:
        raise InvalidKey(f"{max_bytes} bytes are left for a source's name; a hash of it takes {len(mark)}")
    kept = ""
    for segment in segments:
        longer = f"{kept}{segment}/"
        if len(longer) + len(mark) > max_bytes:
            break
        kept = longer
    return kept + mark


def source_folder(
    prefix: str, source_key: str, *, tenant: str | None = None, bucket: str | None = None
) -> str:
    """Return the folder of everything made from one source: `{prefix}/{tenant}/{bucket}/{source key}`.

    Args:
        prefix: Where results live, taken as it is; may be empty.
        source_key: The source's key, of any length and content.
        tenant: None leaves the level out (there is only the default tenant).
        bucket: None leaves the level out (there is only one source).

    Raises `InvalidKey` when `prefix` and levels leave no room below 1,024 bytes.
    """
    levels = [prefix.strip("/")] if prefix.strip("/") else []
    levels += [encode_segment(level) for level in (tenant, bucket) if level is not None]
    head = "".join(f"{level}/" for level in levels)
    room = MAX_KEY_BYTES - RESERVED_BYTES - len(head.encode("utf-8", "surrogatepass"))
    return head + encode_key(source_key, max_bytes=room)


def document_folder(
    prefix: str, source_key: str, document_id: str, *, tenant: str | None = None, bucket: str | None = None
) -> str:
    """Return the folder of one document's results, below its source's folder. Raises `InvalidKey`."""
    return f"{source_folder(prefix, source_key, tenant=tenant, bucket=bucket)}/{encode_segment(document_id)}"


def result_key(folder: str, *names: str) -> str:
    """Join a folder of results and names below it, encoded. Raises `InvalidKey` at 1,024 bytes and above."""
    key = "/".join((folder, *(encode_segment(name) for name in names)))
    size = len(key.encode("utf-8", "surrogatepass"))
    if size > MAX_KEY_BYTES:
        raise InvalidKey(f"a result's key has {size} bytes, {MAX_KEY_BYTES} are allowed: {key[:80]}…")
    return key


def _encode_ends(encoded: str) -> str:
    """Escape what is special as a whole name: dots alone or at the end, devices, our own files."""
    stem = encoded.rstrip(".")
    encoded = stem + "%2E" * (len(encoded) - len(stem))
    lowered = encoded.lower()
    if lowered in _OURS or lowered.partition(".")[0] in _DEVICES:
        return f"%{ord(encoded[0]):02X}{encoded[1:]}"
    return encoded


def _cut(encoded: str, size: int) -> str:
    """Cut to at most `size` characters, never within a percent escape."""
    escape = encoded.rfind("%", size - 2, size)
    return encoded[: escape if escape >= 0 else size]

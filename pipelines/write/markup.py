"""Text inside XML and HTML."""

from __future__ import annotations

import re

# What XML 1.0 has no place for, not even as a reference.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PLAIN = re.compile(r"[\w .,:;()/'-]*", re.ASCII)  # most words, told quickly
_ESCAPES = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;"}
_ESCAPES |= {ord("\t"): " ", ord("\n"): " ", ord("\r"): " "}  # as a reader of an attribute would take them


def escaped(text: str) -> str:
    """A text as it may stand in an element or a quoted attribute; what XML forbids is U+FFFD."""
    if text.isalnum() or _PLAIN.fullmatch(text):
        return text
    return _FORBIDDEN.sub("\ufffd", text).translate(_ESCAPES)

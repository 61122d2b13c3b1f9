"""The page's own files, read once: each with its name, its kind and a compressed form of itself.

Their addresses hold a digest of all of them, so browsers may keep them for ever; modules name each other by
relative paths, which stay below it.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from pipelines.write.registry import WRITERS

INDEX: Final = "index.html"
_FOLDER = Path(__file__).parent / "static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_DIGITS = 16
_IMPORT = re.compile(r"""^import .* from "\./([\w.]+)";$""", re.MULTILINE)
_ENTRY = "app.js"


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file; `packed` is its content in gzip's format."""

    media_type: str
    content: bytes
    packed: bytes


@dataclass(frozen=True, slots=True)
class PageFiles:
    """All files by name, and the digest that stands for them."""

    version: str
    files: Mapping[str, PageFile]


@cache
def page_files() -> PageFiles:
    """Return the files that ship with the package."""
    contents = {path.name: path.read_bytes() for path in sorted(_FOLDER.iterdir()) if path.suffix in _TYPES}
    digest = hashlib.sha256(b"".join(name.encode() + data for name, data in contents.items()))
    version = digest.hexdigest()[:_DIGITS]
    contents[INDEX] = _addressed(contents[INDEX], version, modules(contents))
    return PageFiles(version, {name: _file(name, data) for name, data in contents.items()})


def modules(contents: Mapping[str, bytes]) -> list[str]:
    """Return the names of all modules that the first one leads to, itself first."""
    found = [_ENTRY]
    for name in found:  # it grows meanwhile
        found += [other for other in _IMPORT.findall(contents[name].decode()) if other not in found]
    return found


def _addressed(index: bytes, version: str, preloaded: list[str]) -> bytes:
    """Have the first page name the files by their lasting addresses, and its modules all at once.

    It also says which outputs documents can be asked for.
    """
    more = [f'<link rel="modulepreload" href="/assets/{name}">' for name in preloaded]
    more.append(f'<meta name="outputs" content="{" ".join(WRITERS)}">')
    text = index.decode().replace("\n  </head>", "".join(f"\n    {tag}" for tag in more) + "\n  </head>")
    return text.replace("/assets/", f"/assets/{version}/").encode()


def _file(name: str, content: bytes) -> PageFile:
    return PageFile(_TYPES[Path(name).suffix], content, gzip.compress(content, 9, mtime=0))

"""What becomes of a source once its document has ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, Self

from infra.storage.location import Location

_MOVE = "move:"
_PLAIN: Final[Mapping[str, Literal["keep", "delete", "tag"]]] = {
    "keep": "keep",
    "delete": "delete",
    "tag": "tag",
}
_MAX_PREFIX = 400  # characters: a source's own key must still fit behind it


@dataclass(frozen=True, slots=True)
class Disposal:
    """What becomes of a source.

    Attributes:
        act: Left alone, deleted, tagged with what became of the document, or moved.
        prefix: Where to, when it is moved: what keys begin with in the same bucket, or for files a folder.
    """

    act: Literal["keep", "delete", "tag", "move"]
    prefix: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `keep`, `delete`, `tag` or `move:PREFIX`. Raises `ValueError`."""
        if text in _PLAIN:
            return cls(_PLAIN[text])
        prefix = text.removeprefix(_MOVE).rstrip("/")
        if not text.startswith(_MOVE) or not prefix or len(prefix) > _MAX_PREFIX or "\0" in prefix:
            raise ValueError("it must be keep, delete, tag, or move:PREFIX with a prefix of their new keys")
        return cls("move", prefix)

    def destination(self, root: Location, closed: Iterable[Location]) -> Location | None:
        """Return where sources of `root` are moved to; None where they are not moved.

        Args:
            root: The place that documents are announced from.
            closed: Other places that nothing may be moved into: sources and results.

        Raises `ValueError` where that cannot be done, or would feed the program its own sources again.
        """
        if self.act == "tag" and root.scheme == "file":
            raise ValueError("files have no tags")
        if self.act != "move":
            return None
        if root.scheme == "file":
            if not self.prefix.startswith("/"):
                raise ValueError("files are moved to a folder, which is given by its whole path")
            place = Location.parse(self.prefix)
        else:
            place = Location("s3", root.bucket, self.prefix.lstrip("/"))
        for other in (root, *closed):
            if other.contains(place) or place.contains(other):
                raise ValueError("documents and results must not be moved into one another's places")
        return place

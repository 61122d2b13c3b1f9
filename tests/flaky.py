"""A storage that plays up as tests tell it to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infra.storage.directory import DirectoryStorage


class Flaky(DirectoryStorage):
    """A directory that refuses some calls: `refuse` maps a method and a part of the key to an error."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.refuse: dict[tuple[str, str], Exception] = {}

    def _check(self, method: str, key: str) -> None:
        for (refused, part), error in self.refuse.items():
            if refused == method and part in key:
                raise error

    def create(self, key: str, *args: Any, **kwargs: Any) -> Any:
        self._check("create", key)
        return super().create(key, *args, **kwargs)

    def fetch(self, key: str, *args: Any, **kwargs: Any) -> Any:
        self._check("fetch", key)
        return super().fetch(key, *args, **kwargs)

    def read(self, key: str, *args: Any, **kwargs: Any) -> Any:
        self._check("read", key)
        return super().read(key, *args, **kwargs)

    def head(self, key: str, *args: Any, **kwargs: Any) -> Any:
        self._check("head", key)
        return super().head(key, *args, **kwargs)

    def list(self, prefix: str, **kwargs: Any) -> Any:
        self._check("list", prefix)
        return super().list(prefix, **kwargs)

    def delete(self, key: str, **kwargs: Any) -> None:
        self._check("delete", key)
        super().delete(key, **kwargs)

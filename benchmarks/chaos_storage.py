"""A storage whose calls fail: before anything is done, or after it was done, as when an answer is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any


class FailingStorage:
    """Wraps a storage; `refuse`, told the method, is called before and after each call and may raise."""

    def __init__(self, storage: Any, refuse: Callable[[str], None]) -> None:
        self._storage = storage
        self._refuse = refuse

    def __getattr__(self, name: str) -> Any:
        """Return a method of the storage, made unreliable."""
        method = getattr(self._storage, name)
        return self._listed(name, method) if name == "list" else self._failing(name, method)

    def _failing(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def call(*arguments: Any, **options: Any) -> Any:
            self._refuse(name)
            found = method(*arguments, **options)
            self._refuse(name)
            return found

        return call

    def _listed(self, name: str, method: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        @wraps(method)
        def call(*arguments: Any, **options: Any) -> Iterator[Any]:
            self._refuse(name)
            yield from method(*arguments, **options)
            self._refuse(name)

        return call

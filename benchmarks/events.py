"""Uploads into real S3 servers while their events repeat, come out of order, and their bridge is killed.

    python benchmarks/events.py [--puts 2000] [--kill 3 | --kills 2] [--via sqs redis seaweedfs] [--json]
    python benchmarks/events.py --speed 5000
    python benchmarks/events.py --latency 50

`sqs`: PUTs into moto, told of by its SQS. `redis`: PUTs into SeaweedFS, whose log of changes is passed on
through a list in Valkey as MinIO would. In both, one event in ten comes twice and one in ten late.
`seaweedfs`: PUTs into SeaweedFS, one in ten made twice, and its log followed by the bridge itself. Each must
end with as many documents as there were PUTs, no source twice. `--kill`: the bridge gets a SIGKILL every so
many seconds meanwhile, or with `--kills` so many, evenly over what it announces. `--speed`: events a second
of processor time from a queue that is full. `--latency`: from a PUT until the document is known, its first
page begun and read, by an idle fleet with the fake engine. Ends with 0 only if every document is there once.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from events_stage import (
    BUCKET,
    LIST_KEY,
    Bridge,
    Stage,
    changes_of,
    cpu_seconds,
    messages_of,
    sqs_queues,
    stage,
    tell_badly,
    wait,
)

from worker.bridge.outcome import Outcome

_SELDOM = 0.3  # seconds between two looks that cost the servers something
_VIA = ("sqs", "redis", "seaweedfs")


def main() -> int:
    """Run what was asked for."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="pageline-events-") as folder:
        if options.speed:
            made = iter([_speed(Path(folder), options.speed)])
        elif options.latency:
            made = iter([_latency(Path(folder), options.latency)])
        else:
            made = (_uploads(Path(folder) / via, via, options) for via in options.via)
        reports = []
        for report in made:
            reports.append(report)
            if not options.json:
                print(", ".join(f"{name} {value}" for name, value in report.items()), flush=True)
    if options.json:
        sys.stdout.write(json.dumps(reports))
    return int(any(report.get("wrong") for report in reports))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--puts", type=int, default=2000)
    parser.add_argument("--kill", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--via", nargs="+", choices=_VIA, default=list(_VIA))
    parser.add_argument("--speed", type=int, default=0, metavar="EVENTS")
    parser.add_argument("--latency", type=int, default=0, metavar="PUTS")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _uploads(folder: Path, via: str, options: argparse.Namespace) -> dict[str, Any]:
    folder.mkdir()
    puts: int = options.puts
    with (
        stage(folder, "moto" if via == "sqs" else "seaweedfs") as made,
        _events(made, via, puts) as source,
        Bridge(made, source, options.kill) as bridge,
    ):
        started = time.monotonic()
        how = {"most_ahead": 200} if via == "sqs" else {"twice": 0.1 if via == "seaweedfs" else 0.0}
        uploads = Thread(target=made.put, args=[puts], kwargs=how, daemon=True)
        uploads.start()
        for number in range(options.kills):
            share = puts * (number + 1) // (options.kills + 1)
            wait(lambda share=share: made.announced() >= share)
            bridge.kill()
        uploads.join()
        put = time.monotonic() - started
        wait(lambda: len(made.store.listing.recent(2 * puts)) >= puts, pause=_SELDOM)
        took = time.monotonic() - started
        bridge.calm()
        wait(lambda: _told(made, via), pause=_SELDOM)
        counts = bridge.stop()
        wait(lambda: made.store.fleet.waiting() == 0)
        sources = Counter(document.source for document in made.store.listing.recent(3 * puts))
        requests = sum(1 for _ in (folder / "out").rglob("request.json"))
    once = len(sources) == requests == puts and set(sources.values()) == {1}
    return {
        "via": via,
        "puts": puts,
        "documents": sum(sources.values()),
        "sources": len(sources),
        "requests": requests,
        "put seconds": round(put, 1),
        "seconds until all were known": round(took, 1),
        "bridge killed": bridge.kills,
        "last bridge": counts,
        "wrong": not once,
    }


@contextmanager
def _events(made: Stage, via: str, puts: int) -> Iterator[str]:
    """Have what the server tells passed on badly; yields what the bridge is to listen to."""
    with ExitStack() as exits:
        if via == "seaweedfs":
            assert made.seaweed is not None
            ports = f"{made.seaweed.ports['filer.port']}.{made.seaweed.ports['filer.port.grpc']}"
            yield f"seaweedfs://127.0.0.1:{ports}/{BUCKET}/in"
            return
        if via == "sqs":
            raw, url = sqs_queues(made)
            bodies, sqs = messages_of(made, raw), made.client("sqs")
            next(bodies)  # S3's test event
            tell: Any = lambda body: sqs.send_message(QueueUrl=url, MessageBody=body)  # noqa: E731 - used once
            source = f"sqs://{url}"
        else:
            bodies = exits.enter_context(changes_of(made))
            tell = lambda body: made.store.client.rpush(LIST_KEY, body)  # noqa: E731 - used once
            join = "&" if "?" in made.settings.broker_url else "?"
            source = f"{made.settings.broker_url}{join}key={LIST_KEY}"
        thread = Thread(target=tell_badly, args=[bodies, tell, puts], daemon=True)
        thread.start()
        yield source
        thread.join(60)


def _told(made: Stage, via: str) -> bool:
    """Whether the bridge has taken everything."""
    if via == "sqs":
        sqs = made.client("sqs")
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        url = sqs.get_queue_url(QueueName="told")["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return all(found[name] == "0" for name in names)
    return not made.store.client.exists(LIST_KEY)


def _speed(folder: Path, events: int) -> dict[str, Any]:
    """Fill a list in Valkey and an SQS queue, and let the bridge empty them."""
    rates = {}
    with stage(folder, "moto") as made:
        sqs = made.client("sqs")
        url = sqs.create_queue(QueueName="full")["QueueUrl"]
        join = "&" if "?" in made.settings.broker_url else "?"
        for name, source in {
            "redis": f"{made.settings.broker_url}{join}key={LIST_KEY}",
            "sqs": f"sqs://{url}",
        }.items():
            bodies = [_body(f"in/{name}-{number}.pdf") for number in range(events)]
            if name == "redis":
                made.store.client.rpush(LIST_KEY, *bodies)
            for first in range(0, events if name == "sqs" else 0, 10):
                entries = [
                    {"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies[first : first + 10])
                ]
                sqs.send_message_batch(QueueUrl=url, Entries=entries)
            rates[name] = _drain(made, source, events, lambda name=name, url=url: _left(made, name, url))
    return rates


def _left(made: Stage, name: str, url: str) -> int:
    if name == "redis":
        return int(made.store.client.llen(LIST_KEY))
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = made.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def _drain(made: Stage, source: str, events: int, left: Any) -> str:
    with Bridge(made, source, 0) as bridge:
        wait(lambda: left() < events, pause=_SELDOM)
        first, started, cpu = left(), time.monotonic(), cpu_seconds(bridge.pid)
        wait(lambda: left() == 0, pause=_SELDOM)
        seconds, used = time.monotonic() - started, cpu_seconds(bridge.pid) - cpu
        counts = bridge.stop()
    assert counts == {Outcome.ANNOUNCED.value: events}, counts
    return f"{first / used:.0f} events per second of processor time, {first / seconds:.0f} by the clock"


def _body(key: str) -> str:
    found = {"bucket": {"name": BUCKET}, "object": {"key": key, "eTag": "e", "size": 1, "sequencer": "0A"}}
    event = {"eventVersion": "2.1", "eventName": "ObjectCreated:Put", "eventTime": "2026-01-01T00:00:00.000Z"}
    return json.dumps({"Records": [{**event, "s3": found}]})


def _latency(folder: Path, puts: int) -> dict[str, Any]:
    """PUT one document after the other, and look until its only page is begun, and read."""
    picture = (Path(__file__).parents[1] / "examples" / "notice-zh.png").read_bytes()
    seconds: dict[str, list[float]] = {"known": [], "begun": [], "read": []}
    with (
        stage(folder, "seaweedfs", engine="fake") as made,
        _events(made, "seaweedfs", puts) as source,
        Bridge(made, source, 0) as bridge,
    ):
        client = made.client("s3")
        client.put_object(Bucket=BUCKET, Key="in/first.png", Body=picture)
        wait(lambda: any(document.terminal for document in made.store.listing.recent(1)))
        before = _used(made, bridge)
        for number in range(puts):
            client.put_object(Bucket=BUCKET, Key=f"in/{number}.png", Body=picture + b"%d" % number)
            name, put = f"s3://{BUCKET}/in/{number}.png", time.monotonic()
            for what, found in seconds.items():
                wait(lambda name=name, what=what: _reached(made, name, what), pause=0.004)
                found.append(time.monotonic() - put)
            wait(lambda: all(document.terminal for document in made.store.listing.recent(1)))
        used = {name: seconds - before[name] for name, seconds in _used(made, bridge).items()}
    times = {
        f"milliseconds until {reached}, median": round(1000 * statistics.median(found))
        for reached, found in seconds.items()
    }
    processor = {f"of processor time, {name}": round(1000 * each / puts) for name, each in used.items()}
    return {"PUTs": puts, **times, "worst until begun": round(1000 * max(seconds["begun"])), **processor}


def _used(made: Stage, bridge: Bridge) -> dict[str, float]:
    """Processor time so far, in seconds, of the bridge and of each worker with its child."""
    used = {"bridge": cpu_seconds(bridge.pid)}
    for beat in made.store.fleet.workers():
        used[beat.kind] = cpu_seconds(beat.pid) + cpu_seconds(made.workers[beat.kind].pid)
    return used


def _reached(made: Stage, source: str, what: str) -> bool:
    """Whether the newest document is this one, and its only page begun, or read."""
    for one in made.store.listing.recent(1):
        if one.source == source:
            states = made.store.listing.page_states([one.id])[0]
            return what == "known" or states in ({"r", "d"} if what == "begun" else {"d"})
    return False


if __name__ == "__main__":
    raise SystemExit(main())

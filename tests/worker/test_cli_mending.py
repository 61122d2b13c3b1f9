"""`pageline retry`, `cancel`, `rebuild` and `audit`, against a queue whose work is done in this process."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from crew import wait_for
from desk import Desk, desk_at

from infra.status.states import DocumentState
from infra.status.work import Announcement
from tasks.pagefiles import PageFiles
from tasks.queues import CONTROL, FINALIZE, PAGES, SPLIT
from worker.stack.address import published
from worker.stack.valkey import ValkeyHandle


@pytest.fixture
def desk(tmp_path: Path, valkey: ValkeyHandle) -> Iterator[Desk]:
    (tmp_path / ".pageline").mkdir()
    with desk_at(tmp_path, valkey.broker_url) as made, published(tmp_path / ".pageline", made.settings):
        yield made


def words(desk: Desk, *arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "worker.cli", *arguments]


def pageline(desk: Desk, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words(desk, *arguments), capture_output=True, text=True, check=False, cwd=desk.inbox.parent
    )


def work(desk: Desk) -> None:
    """Do what the command has sent to the control workers, and all that follows."""
    key = f"{desk.settings.key_prefix}{CONTROL}"
    while (message := desk.store.client.lpop(key)) is not None:
        envelope = json.loads(str(message))
        arguments = json.loads(base64.b64decode(envelope["body"]))[0]
        desk.messages.append((envelope["headers"]["task"], arguments, CONTROL))
    desk.work()


def partial(desk: Desk) -> str:
    """A document of four pages, of which the third failed."""
    desk.pdf(pages=4)
    document = desk.ingest()
    desk.work(until=PAGES)
    PageFiles(desk.context.results, desk.folder(document)).write_failure(3, "torn", cause="processing")
    desk.work()
    return document


def test_a_retry_reads_only_what_failed(desk: Desk) -> None:
    document = partial(desk)
    told = pageline(desk, "retry", document, "--dir", ".")
    assert told.returncode == 0, told.stderr
    assert told.stdout == f"{document}: 1 page to be read again (generation 2)\n"
    again = pageline(desk, "retry", document, "--dir", ".")
    assert (again.returncode, "has not ended" in again.stderr) == (1, True)
    work(desk)
    assert desk.document(document).state is DocumentState.SUCCEEDED
    assert desk.pipeline.reads == Counter(dict.fromkeys(range(1, 5), 1))


def test_a_retry_finds_what_redis_has_forgotten(desk: Desk) -> None:
    document = partial(desk)
    desk.lose()
    told = pageline(desk, "retry", document, "--json", "--dir", ".")
    assert json.loads(told.stdout) == {"id": document, "generation": 2, "pages": [3]}
    nobody = pageline(desk, "retry", "0" * 32, "--dir", ".")
    assert (nobody.returncode, "is known here" in nobody.stderr) == (1, True)


def test_a_cancelled_document_says_what_had_been_read(desk: Desk) -> None:
    desk.pdf(pages=7)
    document = desk.ingest()
    desk.work(until=PAGES)
    desk.step()
    command = subprocess.Popen(
        words(desk, "cancel", document, "--dir", "."),
        stdout=subprocess.PIPE,
        text=True,
        cwd=desk.inbox.parent,
    )
    wait_for(lambda: desk.document(document).state is DocumentState.FINALIZING)
    wait_for(lambda: desk.store.client.llen(f"{desk.settings.key_prefix}{CONTROL}"))
    work(desk)
    said, _ = command.communicate(timeout=60)
    assert command.returncode == 0
    assert said == f"{document}: cancelled; Cancelled; 3 of 7 pages had been read.\n"
    repeated = pageline(desk, "cancel", document, "--json", "--dir", ".")
    assert (repeated.returncode, json.loads(repeated.stdout)["state"]) == (0, "cancelled")


def test_what_has_ended_is_not_cancelled(desk: Desk) -> None:
    document = partial(desk)
    told = pageline(desk, "cancel", document, "--dir", ".")
    assert told.returncode == 3
    assert told.stdout == f"{document}: it had ended: partial; 1 page of 4 could not be read.\n"
    assert pageline(desk, "cancel", "0" * 32, "--dir", ".").returncode == 1


def test_a_rebuild_takes_up_what_redis_has_lost(desk: Desk) -> None:
    ended = partial(desk)
    desk.pdf("b.pdf", pages=2)
    lost = desk.ingest("b.pdf")
    desk.lose()
    results = str(desk.inbox.parent / "out")
    elsewhere = pageline(desk, "rebuild", str(desk.inbox), "--dir", ".")
    assert (elsewhere.returncode, "not in the results" in elsewhere.stderr) == (2, True)
    part = pageline(desk, "rebuild", f"{results}/a.pdf", "--dir", ".", "--json")
    assert json.loads(part.stdout) == {"documents": 1, "taken_up": [], "refused": [], "announced": []}
    whole = pageline(desk, "rebuild", results, "--dir", ".")
    assert whole.returncode == 0, whole.stderr
    assert whole.stdout == f"{lost}  in/b.pdf\n2 documents, 1 of them taken up again\n"
    work(desk)
    assert desk.document(lost).state is DocumentState.SUCCEEDED
    assert desk.store.listing.document(ended) is None


def test_a_rebuild_says_which_document_it_cannot_look_at(desk: Desk) -> None:
    for name in ("a.pdf", "b.pdf"):
        desk.pdf(name, pages=1)
        desk.ingest(name)
    folders = {found.source.rpartition("/")[2]: desk.folder(found.id) for found in desk.documents()}
    desk.path(folders["a.pdf"].request).write_text("{")
    desk.lose()
    told = pageline(desk, "rebuild", str(desk.inbox.parent / "out"), "--dir", ".")
    assert told.returncode == 3, told.stderr
    assert told.stdout.splitlines() == [
        f"{folders['a.pdf'].key}  could not be looked at: {folders['a.pdf'].request} is gone or damaged",
        f"{folders['b.pdf'].document}  in/b.pdf",
        "2 documents, 1 of them taken up again, 1 that could not be looked at",
    ]
    again = pageline(desk, "rebuild", str(desk.inbox.parent / "out"), "--dir", ".", "--json")
    assert again.returncode == 3
    assert [each["folder"] for each in json.loads(again.stdout)["refused"]] == [folders["a.pdf"].key]


def test_a_rebuild_makes_announcements_again_that_were_given_up(desk: Desk) -> None:
    desk.pdf("b.pdf", pages=2)
    desk.store.fleet.drop(Announcement.of(desk.ref("b.pdf").content()).member)
    for said in ("b.pdf  announced again\n", ""):
        told = pageline(desk, "rebuild", str(desk.inbox.parent / "out"), "--dir", ".")
        assert told.stdout == f"{said}0 documents, 0 of them taken up again\n", told.stderr
    work(desk)
    assert [found.state for found in desk.documents()] == [DocumentState.SUCCEEDED]


def test_an_audit_needs_no_queue_and_says_what_is_missing(desk: Desk, valkey: ValkeyHandle) -> None:
    document = partial(desk)
    environment = {"PAGELINE_BROKER_URL": "redis://127.0.0.1:1/0"}
    sound = audit(desk, "--source", str(desk.inbox), **environment)
    assert sound.returncode == 0, sound.stdout
    assert sound.stdout == "1 document (1 partial), 4 pages, 1 of them failed: complete\n"
    folder = desk.folder(document)
    desk.path(folder.page(2)).unlink()
    desk.pdf("unread.pdf")
    wanting = audit(desk, "--source", str(desk.inbox), **environment)
    assert wanting.returncode == 3
    assert wanting.stdout.splitlines() == [
        f"{document} (in/a.pdf), page 2: {folder.page(2)} is missing",
        "in/unread.pdf: it was never announced; pageline submit does that",
        "1 document (1 partial), 4 pages, 1 of them failed: 2 problems",
    ]


def test_a_source_that_was_replaced_since_is_told_from_one_never_seen(desk: Desk) -> None:
    partial(desk)
    desk.pdf(pages=2)
    found = json.loads(audit(desk, "--json", "--dir", ".").stdout)
    assert found["complete"] is False
    assert [problem["kind"] for problem in found["problems"]] == ["unread"]
    assert "present version" in found["problems"][0]["problem"]


def test_a_place_with_nothing_in_it_is_not_complete(desk: Desk) -> None:
    partial(desk)
    typo = audit(desk, place="ouT")
    said = "0 documents, 0 pages: nothing was found; no sources were compared\n"
    assert (typo.returncode, typo.stdout) == (3, said)
    told = json.loads(audit(desk, "--json", place="ouT").stdout)
    assert (told["complete"], told["sources_compared"]) == (False, False)
    (desk.inbox / "a.pdf").unlink()
    empty = audit(desk, "--source", str(desk.inbox), place="new")
    assert (empty.returncode, empty.stdout) == (0, "0 documents, 0 pages: complete\n")


def test_an_audit_says_when_it_has_compared_no_sources(desk: Desk) -> None:
    partial(desk)
    found = audit(desk)
    assert found.returncode == 0, found.stderr
    assert found.stdout.endswith("1 of them failed: complete; no sources were compared\n")


def test_a_part_of_the_results_is_not_compared_with_all_sources(desk: Desk) -> None:
    partial(desk)
    desk.pdf("more/b.pdf", pages=1)
    desk.ingest("more/b.pdf")
    desk.work()
    fleet = {"PAGELINE_RESULTS": str(desk.inbox.parent / "out"), "PAGELINE_SOURCES": str(desk.inbox)}
    ends = "complete; no sources were compared, as this is a part of the results\n"
    for given in (["--dir", "."], ["--repair", "--dir", "."]):
        part = audit(desk, *given, place="out/more")
        assert part.returncode == 0, part.stdout
        assert part.stdout == f"1 document (1 succeeded), 1 page: {ends}"
    assert audit(desk, place="out/more", **fleet).stdout.endswith(ends)
    assert audit(desk, "--dir", ".").stdout.endswith("5 pages, 1 of them failed: complete\n")
    assert audit(desk, **fleet).stdout.endswith("5 pages, 1 of them failed: complete\n")
    own = audit(desk, "--dir", ".", "--source", str(desk.inbox / "more"), place="out/more")
    assert own.stdout == "1 document (1 succeeded), 1 page: complete\n"


def audit(
    desk: Desk, *arguments: str, place: str = "out", **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words(desk, "audit", str(desk.inbox.parent / place), *arguments),
        capture_output=True,
        text=True,
        check=False,
        cwd=desk.inbox.parent,
        env={**os.environ, **environment},
    )


def test_a_repair_makes_up_for_every_gap(desk: Desk) -> None:
    document = partial(desk)
    desk.pdf("open.pdf", pages=2)
    lost = desk.ingest("open.pdf", options={"visualize": True})
    desk.work(until=FINALIZE)
    desk.lose()
    desk.ingest()  # Redis knows of one of them again
    folder = desk.folder(document)
    desk.path(folder.page(1)).write_text("{")
    desk.path(folder.page(4)).unlink()
    desk.path(folder.text).unlink()
    desk.pipeline.reads.clear()
    repaired = audit(desk, "--repair", "--json", "--dir", ".")
    assert repaired.returncode == 3, repaired.stderr
    assert sorted(json.loads(repaired.stdout)["repaired"]) == sorted([document, lost])
    work(desk)
    assert desk.pipeline.reads == Counter({1: 1, 4: 1})
    assert desk.document(document).state is DocumentState.PARTIAL
    again = audit(desk, "--repair", "--dir", ".")
    assert again.returncode == 0, again.stdout
    assert again.stdout.endswith(
        "2 documents (1 partial, 1 succeeded), 6 pages, 1 of them failed: complete\n"
    )


def test_a_wrong_picture_is_drawn_again(desk: Desk) -> None:
    desk.pdf(pages=2)
    document = desk.ingest(options={"visualize": True})
    desk.work()
    picture = desk.path(desk.folder(document).picture(2, "ocr_res_img"))
    drawn = picture.read_bytes()
    picture.write_bytes(b"not a picture")
    assert audit(desk, "--repair", "--dir", ".").returncode == 3
    work(desk)
    assert audit(desk, "--dir", ".").returncode == 0
    assert picture.read_bytes() == drawn


def test_the_first_message_of_a_lost_document_is_a_split(desk: Desk) -> None:
    desk.pdf()
    desk.ingest()
    desk.lose()
    pageline(desk, "rebuild", str(desk.inbox.parent / "out"), "--dir", ".")
    (message,) = desk.store.client.lrange(f"{desk.settings.key_prefix}{CONTROL}", 0, -1)
    assert json.loads(str(message))["headers"]["task"] == SPLIT

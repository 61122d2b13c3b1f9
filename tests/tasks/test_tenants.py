"""What tenants see of each other: no sources, options or results, and little of each other's load."""

from __future__ import annotations

import json
from base64 import b64decode
from collections import Counter
from typing import Any

import pytest
from desk import Desk
from flaky import Flaky

from infra.errors import AccessDenied
from infra.settings import SettingsError, load_settings
from infra.status.states import DocumentState
from infra.status.work import Announcement
from tasks import entry
from tasks.produce import Producer
from tasks.queues import CONTROL, INGEST, SPLIT
from tasks.reconcile import reconcile
from tasks.sweep import sweep

_MANY = 30


@pytest.fixture
def values() -> dict[str, Any]:
    return {"tenants": ["a", "b"]}


def announce(desk: Desk, tenant: str, *keys: str) -> None:
    with Producer(desk.settings.broker_url, key_prefix=desk.settings.key_prefix) as producer:
        for key in keys:
            producer.announce(desk.ref(key, tenant=tenant))


def announced(desk: Desk) -> list[dict[str, Any]]:
    """What is announced in messages that wait in Redis, and those taken out of there."""
    key = f"{desk.settings.key_prefix}{CONTROL}"
    texts = [str(text) for text in desk.store.client.lrange(key, 0, -1)]
    desk.store.client.delete(key)
    bodies = [json.loads(b64decode(json.loads(text)["body"])) for text in texts]
    return [body[0][0] for body in reversed(bodies)]


def test_announcements_of_one_tenant_stand_before_nobody_elses(desk: Desk) -> None:
    for number in range(_MANY):
        desk.pdf(f"{number:02d}.pdf", pages=1)
    announce(desk, "a", *(f"{number:02d}.pdf" for number in range(_MANY)))
    announce(desk, "b", "00.pdf")
    first, second = announced(desk)
    assert (first["tenant"], second["tenant"]) == ("a", "b")
    assert desk.store.fleet.waiting() == _MANY - 1
    for ref in (first, second):
        entry.ingest(ref)
    desk.work()
    states = Counter((one.tenant, one.state) for one in desk.documents())
    assert states == {("a", DocumentState.SUCCEEDED): _MANY, ("b", DocumentState.SUCCEEDED): 1}
    assert desk.store.fleet.waiting() == 0


def test_the_same_announcement_is_in_line_once(desk: Desk) -> None:
    desk.pdf()
    announce(desk, "a", *["a.pdf"] * 5)
    assert len(announced(desk)) == 1
    assert desk.store.fleet.waiting() == 1  # the one that is out may have been looked at already


def test_an_announcement_whose_message_is_lost_is_sent_again(desk: Desk) -> None:
    desk.pdf()
    announce(desk, "a", "a.pdf")
    announced(desk)
    assert reconcile(desk.tools) == 0  # too early
    lane = Announcement.of({"tenant": "a"}).lane
    key = desk.store.keys("released", lane)
    for member in map(str, desk.store.client.zrange(key, 0, -1)):
        desk.store.client.zadd(key, {member: 1})
    assert reconcile(desk.tools) == 1
    desk.work()
    assert [one.state for one in desk.documents()] == [DocumentState.SUCCEEDED]
    assert desk.store.client.zcard(key) == 0


@pytest.mark.parametrize("ref", [{"tenant": "a", "key": ""}, {"tenant": "a", "source": "what", "key": "k"}])
def test_an_announcement_that_makes_no_sense_leaves_its_line(desk: Desk, ref: dict[str, Any]) -> None:
    told = Announcement.of(ref)
    desk.store.client.zadd(desk.store.keys("waiting", told.lane), {told.member: 1})
    desk.store.client.zadd(desk.store.keys("turns"), {told.lane: 0})
    sweep(desk.tools)
    desk.work()
    assert desk.store.client.zcard(desk.store.keys("released", told.lane)) == 0


def test_documents_of_one_tenant_that_wait_to_be_split_stand_before_nobody_elses(desk: Desk) -> None:
    for number in range(_MANY):
        desk.pdf(f"{number:02d}.pdf", pages=1)
        desk.ingest(f"{number:02d}.pdf", tenant="a")
    document = desk.ingest("00.pdf", tenant="b")
    tasks = [(task, arguments[0]) for task, arguments, _ in desk.messages]
    assert [task for task, _ in tasks] == [SPLIT] * 3
    assert tasks[2] == (SPLIT, document)
    desk.work(limit=1000)
    assert {one.state for one in desk.documents()} == {DocumentState.SUCCEEDED}


def test_a_tenant_nobody_knows_is_rejected(desk: Desk) -> None:
    desk.pdf()
    document = desk.ingest(tenant="c")
    desk.work()
    found = desk.document(document)
    assert (found.state, found.reason) == (DocumentState.REJECTED, "There is no tenant 'c'.")


def test_the_same_upload_of_two_tenants_is_two_documents_with_nothing_in_common(desk: Desk) -> None:
    desk.pdf(pages=1)
    mine = desk.ingest(tenant="a", options={"dpi": 72})
    desk.work()
    theirs = desk.ingest(tenant="b", options={"dpi": 72})
    desk.work()
    assert mine != theirs
    assert desk.pipeline.reads == {1: 2}  # one tenant's result is no answer to another
    folders = [desk.folder(document).key for document in (mine, theirs)]
    assert [folder.split("/")[0] for folder in folders] == ["a", "b"]
    fetched = desk.settings.work_dir / "sources"
    assert len(list(fetched.iterdir())) == 2
    assert [desk.manifest(document)["tenant"] for document in (mine, theirs)] == ["a", "b"]


def test_options_of_one_tenant_are_not_anothers(desk: Desk) -> None:
    desk.pdf(pages=1)
    mine = desk.ingest(tenant="a", options={"dpi": 72})
    theirs = desk.ingest(tenant="b")
    desk.work()
    usual = desk.manifest(theirs)["options"]["dpi"]
    assert (desk.manifest(mine)["options"]["dpi"], usual) == (72, 144)


def test_a_source_that_one_tenant_may_not_read_does_not_come_from_anothers_cache(
    desk: Desk, flaky: Flaky
) -> None:
    desk.pdf(pages=1)
    desk.ingest(tenant="a")
    desk.work()
    flaky.refuse["fetch", "a.pdf"] = AccessDenied("credentials of bucket x")
    theirs = desk.ingest(tenant="b")
    desk.work()
    found = desk.document(theirs)
    assert (found.state, found.reason) == (DocumentState.FAILED, AccessDenied.public)


class TestQuotas:
    @pytest.fixture
    def values(self) -> dict[str, Any]:
        return {"tenants": ["a", "b"], "quotas": {"a": {"documents": 1}}}

    def test_documents_above_the_quota_go_on_by_themselves(self, desk: Desk) -> None:
        for number in range(4):
            desk.pdf(f"{number}.pdf", pages=4)
        documents = [desk.ingest(f"{number}.pdf", tenant="a") for number in range(4)]
        other = desk.ingest("0.pdf", tenant="b")
        assert desk.document(documents[0]).reason is None
        assert desk.document(documents[1]).reason == "It waits for the tenant's quota of 1 document in work."
        assert desk.document(other).reason is None
        most = 0
        while desk.messages:
            desk.step()
            most = max(most, len(desk.store.client.hkeys(desk.store.keys("inflight", "a"))))
        assert most == 1
        assert {one.state for one in desk.documents()} == {DocumentState.SUCCEEDED}
        assert {one.reason for one in desk.documents()} == {None}

    def test_a_document_that_waits_for_the_quota_can_be_cancelled(self, desk: Desk) -> None:
        desk.pdf(pages=1)
        desk.pdf("b.pdf", pages=1)
        desk.ingest(tenant="a")
        second = desk.ingest("b.pdf", tenant="a")
        desk.store.status.cancel(second)
        sweep(desk.tools)
        desk.work()
        assert desk.store.fleet.waiting() == 0
        desk.recover()
        assert desk.document(second).state is DocumentState.CANCELLED


def test_a_quota_for_a_tenant_nobody_knows_is_refused() -> None:
    with pytest.raises(SettingsError, match="quotas names c, which `tenants` does not"):
        load_settings({"results": "/out", "tenants": ["a"], "quotas": {"c": {"pages": 1}, "*": {}}})


def test_only_the_first_of_a_line_is_a_message(desk: Desk) -> None:
    desk.pdf()
    announce(desk, "a", "a.pdf", "b.pdf", "c.pdf")
    assert desk.store.fleet.depths([CONTROL]) == {CONTROL: 1}
    assert sweep(desk.tools) == 1  # the window of a control worker
    assert [task for task, _, _ in desk.messages] == [INGEST]

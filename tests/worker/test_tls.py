"""Servers that demand TLS, certificates, users and passwords; and what is said when one of them is wrong."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
import redis
from crew import site, write_pdf
from services import require
from tls import Authority, Certificate, tls_in_front

from infra.errors import BrokerUnavailable, BrokerUnsuitable, StorageUnavailable
from infra.settings import load_settings
from infra.status import Store, open_store
from infra.status.states import DocumentState
from infra.storage import Location, open_storage
from tasks.produce import Producer
from tasks.records import DocumentRef
from worker.stack.seaweed import SeaweedHandle
from worker.stack.valkey import start_valkey, valkey_binary

USER, PASSWORD = "pageline", "p@ss/w:rd"
# What the program needs of Redis: its own keys, and no administration but INFO.
RULES = ("on", f">{PASSWORD}", "~tls:*", "+@all", "-@admin", "-@dangerous", "+info")


@dataclass(frozen=True)
class Guarded:
    """A server behind TLS, that demands a user and a certificate."""

    ca: Path
    client: Certificate
    port: int
    open_port: int  # the same server without a demand for certificates
    wrong_ca: Path

    def url(self, *, user: str = USER, password: str = PASSWORD, port: int = 0, **tls: object) -> str:
        """A broker's URL; `tls` holds its parameters."""
        query = urlencode({name: str(value) for name, value in tls.items()})
        place = f"{quote(user, safe='')}:{quote(password, safe='')}@127.0.0.1:{port or self.port}"
        return f"rediss://{place}/0" + (f"?{query}" if query else "")

    @property
    def good(self) -> dict[str, object]:
        """The right parameters."""
        return {
            "ssl_ca_certs": self.ca,
            "ssl_certfile": self.client.path,
            "ssl_keyfile": self.client.key,
        }


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "ours")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Guarded]:
    require(valkey_binary)
    folder = tmp_path_factory.mktemp("guarded")
    other = Authority(folder, "theirs")
    certificate, client = authority.sign("server"), authority.sign("client")
    with start_valkey(folder / "valkey") as server:
        with redis.Redis(unix_socket_path=str(server.socket)) as admin:
            admin.execute_command("ACL", "SETUSER", USER, *RULES)
            admin.execute_command("ACL", "SETUSER", "default", "off")

        def connect() -> socket.socket:
            made = socket.socket(socket.AF_UNIX)
            made.connect(str(server.socket))
            return made

        with (
            tls_in_front(connect, certificate, authority.ca) as port,
            tls_in_front(connect, certificate) as open_port,
        ):
            yield Guarded(authority.ca, client, port, open_port, other.ca)


def store_at(url: str) -> Store:
    return open_store(load_settings({"broker_url": url, "results": "/nowhere", "key_prefix": "tls:"}))


def test_a_document_is_read_with_everything_guarded(
    tmp_path: Path, guarded: Guarded, authority: Authority, s3_server: SeaweedHandle
) -> None:
    s3_server.create_bucket("tls-out")
    connect = lambda: socket.create_connection(("127.0.0.1", s3_server.ports["s3.port"]))  # noqa: E731
    with tls_in_front(connect, authority.sign("s3")) as port:
        options = replace(s3_server.options, endpoint=f"https://127.0.0.1:{port}", ca=str(authority.ca))
        values = {"results": "s3://tls-out/results", "s3": options}
        with site(tmp_path, guarded.url(**guarded.good), "tls:", **values) as made:
            made.start("control")
            made.start("cpu")
            made.ready(control=1, cpu=1)
            write_pdf(made.inbox / "a.pdf", 4)
            made.announce("a.pdf")
            (document,) = made.ended()
            assert (document.state, document.done) == (DocumentState.SUCCEEDED, 4)
            made.stop()
            assert "NOPERM" not in made.logs()
            assert "insecure" not in made.logs()
        storage = open_storage(Location("s3", "tls-out"), s3_server.options)
        assert json.loads(storage.read(f"{document.folder}/document.json"))["state"] == "succeeded"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"ssl_ca_certs": "wrong"}, "certificate verify failed"),
        ({"password": "wrong"}, "user or password"),
        ({"user": "nobody"}, "user or password"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    guarded: Guarded, change: dict[str, object], sentence: str
) -> None:
    wrong = {"ssl_ca_certs": guarded.wrong_ca} if "ssl_ca_certs" in change else change
    given = {name: value for name, value in {**guarded.good, **wrong}.items() if value is not None}
    with pytest.raises(BrokerUnsuitable) as caught:
        store_at(guarded.url(**given)).check()  # type: ignore[arg-type]  # among them user and password
    assert sentence in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_a_certificate_nobody_is_let_in(guarded: Guarded) -> None:
    """A server may close before its reason has arrived, so that it looks like one that is away."""
    with pytest.raises((BrokerUnsuitable, BrokerUnavailable)):
        store_at(guarded.url(ssl_ca_certs=guarded.ca)).check()


def test_a_user_who_may_not_do_it_is_named(guarded: Guarded) -> None:
    with store_at(guarded.url(**guarded.good)).client as client, pytest.raises(redis.ResponseError):
        client.get("not-ours")
    settings = load_settings({"broker_url": guarded.url(**guarded.good), "results": "/nowhere"})
    with pytest.raises(BrokerUnsuitable, match="may not"):
        open_store(settings).check()


@pytest.mark.parametrize("ca", [None, "wrong"])
def test_whoever_announces_trusts_no_stranger(guarded: Guarded, ca: str | None) -> None:
    """Celery's transport alone would verify nothing where the URL says nothing."""
    tls = {} if ca is None else {"ssl_ca_certs": guarded.wrong_ca}
    with (
        Producer(guarded.url(port=guarded.open_port, **tls), key_prefix="tls:") as producer,
        pytest.raises(BrokerUnavailable, match="certificate verify failed"),
    ):
        producer.announce(DocumentRef(source="file:///in", key="a.pdf"))


def test_whoever_announces_is_let_in(guarded: Guarded) -> None:
    with Producer(guarded.url(**guarded.good), key_prefix="tls:announced:") as producer:
        producer.announce(DocumentRef(source="file:///in", key="a.pdf"))
    store = store_at(guarded.url(**guarded.good))
    assert store.client.llen("tls:announced:control") == 1
    store.close()


def test_a_storage_of_strangers_is_not_trusted(
    tmp_path: Path, authority: Authority, s3_server: SeaweedHandle
) -> None:
    other = Authority(tmp_path, "others")
    connect = lambda: socket.create_connection(("127.0.0.1", s3_server.ports["s3.port"]))  # noqa: E731
    with tls_in_front(connect, authority.sign("s3-2")) as port:
        endpoint = f"https://127.0.0.1:{port}"
        options = replace(s3_server.options, endpoint=endpoint, attempts=1, ca=str(other.ca))
        with pytest.raises(StorageUnavailable, match="certificate verify failed"):
            open_storage(Location("s3", "tls-out"), options).head("a")

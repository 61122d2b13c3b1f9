"""Webhooks: what counts as taken, how long one may take, and where none may go."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from receiver import receiver

from infra.errors import NotifyError, TargetFailed, TargetRefused, TargetUnreachable
from infra.notify import Message, Target
from infra.notify.connecting import Address
from infra.notify.webhook import post
from pipelines.read.url import is_public

MESSAGE = Message(id="d:1", group="d", body=b'{"a": 1}')


def send(
    url: str,
    *,
    permitted: Callable[[Address], bool] = lambda _: True,
    seconds: float = 30,
    secrets: tuple[str, ...] = (),
) -> None:
    post(Target.parse(url), MESSAGE, secrets, permitted=permitted, timeout_seconds=seconds)


def read_request(link: socket.socket) -> None:
    """The whole of it: closing a connection with bytes unread resets it, and the answer is lost with it."""
    with link.makefile("rb") as stream:
        length = 0
        while (line := stream.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        stream.read(length)


@contextmanager
def answering(*pieces: bytes, forever: bytes = b"", tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server that sends just these bytes to whoever connects, then one piece over and over."""
    stop = threading.Event()

    def serve(listener: socket.socket) -> None:
        while not stop.is_set():
            try:
                link, _ = listener.accept()
                if tls is not None:
                    link = tls.wrap_socket(link, server_side=True)
                with link:
                    read_request(link)
                    for piece in pieces:
                        link.sendall(piece)
                    while forever and not stop.wait(0.02):
                        link.sendall(forever)
            except OSError:
                continue

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_an_event_arrives_as_it_is() -> None:
    with receiver() as hook:
        send(f"http://user:pass%20word@127.0.0.1:{hook.port}/a%20b?x=ä", secrets=("one", "two"))
    (request,) = hook.requests
    assert request.body == MESSAGE.body
    assert request.path == "/a%20b?x=%C3%A4"
    assert request.headers["Content-Type"].startswith("application/cloudevents+json")
    assert request.headers["Authorization"] == "Basic dXNlcjpwYXNzIHdvcmQ="
    assert request.headers["Pageline-Signature"].count("v1=") == 2


def test_without_secrets_nothing_pretends_to_be_signed() -> None:
    with receiver() as hook:
        send(hook.url)
    assert "Pageline-Signature" not in hook.requests[0].headers


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_a_no_is_to_be_tried_again(status: int) -> None:
    with receiver(lambda _: status) as hook, pytest.raises(TargetFailed, match=f"answers {status}"):
        send(hook.url)


def test_gone_is_for_good() -> None:
    with receiver(lambda _: 410) as hook, pytest.raises(TargetRefused, match="answers 410"):
        send(hook.url)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    with receiver() as elsewhere, receiver(lambda _: status) as hook:
        hook.headers = {"Location": elsewhere.url}
        with pytest.raises(TargetFailed, match=f"answers {status}"):
            send(hook.url)
    assert elsewhere.requests == []


def test_nobody_there_is_unreachable_and_no_key_is_told() -> None:
    with receiver() as hook:
        pass
    with pytest.raises(TargetUnreachable, match="cannot be reached") as raised:
        send(f"http://me:hidden@127.0.0.1:{hook.port}/?token=hidden")
    assert "hidden" not in str(raised.value)


def test_a_name_that_does_not_exist_is_unreachable() -> None:
    with pytest.raises(TargetUnreachable, match="cannot be reached"):
        send("http://nobody.invalid/")


@pytest.mark.parametrize(
    ("start", "forever"),
    [(b"", b""), (b"HTTP/1.1 200 OK\r\nX: ", b"a"), (b"", b"HTTP/1.1 100 Continue\r\n\r\n")],
    ids=["silence", "an endless header", "endless continues"],
)
def test_who_never_comes_to_an_end_is_cut_off(start: bytes, forever: bytes) -> None:
    with answering(start, forever=forever or b" ") as port, pytest.raises(NotifyError) as raised:
        send(f"http://127.0.0.1:{port}/", seconds=0.3)
    assert raised.value.retryable


def test_of_a_long_no_only_the_start_is_read() -> None:
    start = b"HTTP/1.1 500 Oops\r\n\r\n\x00\x1b[31mred\r\n"
    with answering(start, forever=b"x" * 100_000) as port, pytest.raises(TargetFailed) as raised:
        send(f"http://127.0.0.1:{port}/")
    assert str(raised.value).startswith(f"http://127.0.0.1:{port}/ answers 500 Oops [31mred xxx")
    assert len(str(raised.value)) < 400
    assert str(raised.value).isprintable()


def test_of_an_endless_yes_nothing_is_read() -> None:
    with answering(b"HTTP/1.1 200 OK\r\n\r\n", forever=b"x" * 100_000) as port:
        send(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("answer", [b"nonsense\r\n\r\n", b"HTTP/1.1 abc OK\r\n\r\n", b"\x16\x03\x01"])
def test_nonsense_is_a_failure(answer: bytes) -> None:
    with answering(answer) as port, pytest.raises(NotifyError) as raised:
        send(f"http://127.0.0.1:{port}/")
    assert raised.value.retryable


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::a00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fec0::1]",
        "[fd00:ec2::254]",
    ],
)
def test_private_addresses_are_refused_however_they_are_written(host: str) -> None:
    with receiver() as hook:
        # Some systems have no such address: then it is unreachable, which is as well.
        with pytest.raises((TargetRefused, TargetUnreachable)) as raised:
            send(f"http://{host}:{hook.port}/", permitted=is_public)
        assert hook.requests == []
    if isinstance(raised.value, TargetRefused):
        assert "private network" in str(raised.value)
    else:
        assert "[" in host


def test_a_name_is_resolved_once_and_that_address_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: str, *arguments: object, **options: object) -> object:
        asked.append(host)
        answer = "127.0.0.1" if len(asked) == 1 else "169.254.169.254"
        return real(answer, *arguments, **options)  # type: ignore[arg-type]  # passed on as they came

    with receiver() as hook:
        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        judged: list[Address] = []
        send(
            f"http://rebinding.example:{hook.port}/",
            permitted=lambda address: not judged.append(address),  # type: ignore[func-returns-value]  # to note it
        )
    assert asked == ["rebinding.example"]
    assert judged == [ipaddress.ip_address("127.0.0.1")]
    assert hook.requests[0].headers["Host"] == f"rebinding.example:{hook.port}"


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("1.1.1.1", "10.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(TargetRefused, match="private network"):
        send("http://both.example/", permitted=is_public)


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as proxy, receiver() as hook:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        send(hook.url)
        assert (len(hook.requests), proxy.requests) == (1, [])


def certificate(folder: Path, name: str) -> Path:
    """A certificate for a name that signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def test_over_tls_the_certificate_must_be_known_and_for_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = certificate(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with answering(b"HTTP/1.1 204 Fine\r\n\r\n", tls=context) as port:
        with pytest.raises(TargetUnreachable, match="self-signed certificate"):
            send(f"https://localhost:{port}/")
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        send(f"https://localhost:{port}/")
        with pytest.raises(TargetUnreachable, match="not valid for"):
            send(f"https://127.0.0.1:{port}/")

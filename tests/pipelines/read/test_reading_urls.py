"""URLs: what is fetched, what is refused, and that keys in an address go nowhere."""

from __future__ import annotations

import datetime as dt
import http.server
import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image

from pipelines.errors import DamagedInput, LimitExceeded, UnsupportedInput
from pipelines.read import PageImage, ReadLimits, UrlRules, iter_inputs
from pipelines.read.url import UrlError, is_public

LOCAL = UrlRules(allow_private=True)


@dataclass
class Site:
    """A loopback web site: path -> (status, headers, body)."""

    url: str = ""
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    dripping: bool = False
    pace: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)


def serve(context: ssl.SSLContext | None = None) -> Iterator[Site]:
    site = Site()
    site.gate.set()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            site.keys.append(self.headers["Authorization"])
            site.gate.wait(30)
            status, headers, body = site.answers[self.path]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            while site.dripping and not site.pace.wait(0.02):
                self.wfile.write(b"X")  # of a header that never ends
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Quiet."""

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *args: object) -> None:
            """A client that hangs up is what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    site.url = f"http{'s' if context else ''}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield site
    site.gate.set()
    site.pace.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    yield from serve()


@pytest.fixture
def picture(pattern: np.ndarray[Any, Any], encode: Callable[..., bytes]) -> bytes:
    return encode(Image.fromarray(pattern), "PNG")


def fetch(url: str, rules: UrlRules = LOCAL, **options: Any) -> list[PageImage]:
    return list(iter_inputs(url, url_rules=rules, **options))


def test_a_picture_is_fetched_and_its_key_forgotten(site: Site, picture: bytes) -> None:
    site.answers["/scan.png?token=secret"] = (200, {"Content-Length": str(len(picture))}, picture)
    (page,) = fetch(site.url.replace("//", "//user:secret@") + "/scan.png?token=secret#top")
    assert page.image.shape == (40, 60, 3)
    assert page.input_path == f"{site.url}/scan.png"
    assert site.asked == ["/scan.png?token=secret"]
    assert site.keys == ["Basic dXNlcjpzZWNyZXQ="]


def test_a_password_does_not_follow_to_another_host(site: Site, picture: bytes) -> None:
    port = site.url.rpartition(":")[2]
    site.answers["/a"] = (302, {"Location": "/b"}, b"")
    site.answers["/b"] = (302, {"Location": f"http://localhost:{port}/c"}, b"")
    site.answers["/c"] = (200, {}, picture)
    fetch(f"http://user:s%40cret@127.0.0.1:{port}/a")
    assert site.keys == ["Basic dXNlcjpzQGNyZXQ="] * 2 + [None]


def test_pages_of_a_pdf_from_the_web_know_its_address(site: Site, make_pdf: Callable[..., bytes]) -> None:
    site.answers["/two"] = (200, {}, make_pdf((9, 9, 0), (9, 9, 0)))
    assert [(page.input_path, page.number) for page in fetch(site.url + "/two")] == [
        (f"{site.url}/two", 1),
        (f"{site.url}/two", 2),
    ]


def test_redirects_are_followed_and_counted(site: Site, picture: bytes) -> None:
    site.answers["/a"] = (302, {"Location": "/b"}, b"")
    site.answers["/b"] = (308, {"Location": f"{site.url}/c"}, b"")
    site.answers["/c"] = (200, {}, picture)
    assert len(fetch(site.url + "/a")) == 1
    site.answers["/loop"] = (302, {"Location": "/loop"}, b"")
    with pytest.raises(UrlError, match="more than 5 redirects"):
        fetch(site.url + "/loop")


def test_an_address_may_be_written_with_spaces_and_any_letters(site: Site, picture: bytes) -> None:
    site.answers["/%E6%96%87%20a%2Fb.png?q=%C3%A9"] = (200, {}, picture)
    (page,) = fetch(site.url + "/文 a%2Fb.png?q=é")
    assert page.input_path == f"{site.url}/文 a%2Fb.png"


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://example.org/x", "gopher:x", "//", "", "http://[x"]
)
def test_a_redirect_to_something_else_is_not_followed(site: Site, location: str) -> None:
    site.answers["/a"] = (302, {"Location": location}, b"")
    with pytest.raises((UnsupportedInput, UrlError)):
        fetch(site.url + "/a")


class TestPrivateAddresses:
    """Not read unless allowed, by whatever name they go."""

    def test_this_machine_is_never_asked(self, site: Site) -> None:
        port = site.url.rpartition(":")[2]
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"):
            with pytest.raises((UnsupportedInput, UrlError)):
                fetch(f"http://{host}:{port}/x", UrlRules())
        assert site.asked == []

    def test_the_sentence_says_private(self, site: Site) -> None:
        with pytest.raises(UnsupportedInput, match="address of a private network"):
            fetch(f"{site.url}/x", UrlRules())

    @pytest.mark.parametrize(
        ("address", "public"),
        [
            ("8.8.8.8", True),
            ("2606:4700::1111", True),
            ("127.0.0.1", False),
            ("10.0.0.1", False),
            ("172.16.0.1", False),
            ("192.168.1.1", False),
            ("169.254.169.254", False),
            ("100.64.0.1", False),
            ("0.0.0.0", False),
            ("224.0.0.1", False),
            ("255.255.255.255", False),
            ("::1", False),
            ("fe80::1", False),
            ("fd00::1", False),
            ("ff02::1", False),
            ("::ffff:10.0.0.1", False),
            ("::ffff:8.8.8.8", True),
            ("64:ff9b::a00:1", False),
            ("64:ff9b::808:808", True),
            ("2002:a00:1::", False),
        ],
    )
    def test_which_addresses_are_public(self, address: str, public: bool) -> None:
        assert is_public(ipaddress.ip_address(address)) is public


class TestBounds:
    """Size and time."""

    def test_a_stated_length_too_long_is_refused_unread(self, site: Site) -> None:
        site.answers["/big"] = (200, {"Content-Length": "5000000000"}, b"")
        with pytest.raises(LimitExceeded, match="max_bytes"):
            fetch(site.url + "/big")

    def test_an_unstated_length_is_cut_off(self, site: Site) -> None:
        site.answers["/big"] = (200, {}, b"x" * 300_000)
        with pytest.raises(LimitExceeded, match="max_bytes"):
            fetch(site.url + "/big", limits=ReadLimits(max_bytes=100_000))

    def test_a_transfer_that_breaks_off_is_told(self, site: Site, picture: bytes) -> None:
        site.answers["/x"] = (200, {"Content-Length": str(len(picture) + 9)}, picture)
        with pytest.raises((DamagedInput, UrlError), match="broke off"):
            fetch(site.url + "/x")

    def test_a_host_that_does_not_answer_is_given_up(self, site: Site, picture: bytes) -> None:
        site.answers["/x"] = (200, {}, picture)
        site.gate.clear()
        with pytest.raises(UrlError, match="timed out") as caught:
            fetch(site.url + "/x", UrlRules(allow_private=True, timeout_s=0.2))
        assert caught.value.retryable

    def test_the_whole_transfer_has_a_bound_too(self, site: Site, picture: bytes) -> None:
        site.answers["/x"] = (200, {}, picture)
        with pytest.raises(UrlError, match="takes too long"):
            fetch(site.url + "/x", UrlRules(allow_private=True, total_s=0))

    def test_headers_that_drip_without_end_are_bounded(self, site: Site, picture: bytes) -> None:
        site.answers["/x"] = (200, {}, picture)
        site.dripping = True
        with pytest.raises(UrlError, match=r"takes too long|timed out"):
            fetch(site.url + "/x", UrlRules(allow_private=True, timeout_s=100, total_s=0.3))

    @pytest.mark.parametrize(
        ("status", "again"), [(404, False), (403, False), (429, True), (500, True), (204, True)]
    )
    def test_another_answer_is_told(self, site: Site, status: int, again: bool) -> None:
        site.answers["/x"] = (status, {}, b"")
        with pytest.raises(UrlError, match=f"/x: the host answers {status}") as caught:
            fetch(site.url + "/x")
        assert caught.value.retryable is again

    def test_nobody_there_is_told(self) -> None:
        with pytest.raises(UrlError, match="cannot be fetched"):
            fetch("http://127.0.0.1:9/x")

    @pytest.mark.parametrize(
        "url",
        [
            "http://",
            "http://:80/x",
            "https://host:port/x",
            "http://a b/x",
            "http://[x",
            f"http://{'a' * 70}.org/",
        ],
    )
    def test_an_address_that_is_none_is_told(self, url: str) -> None:
        with pytest.raises((UnsupportedInput, UrlError)):
            fetch(url)


def test_a_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    day = dt.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now - day, now + day
        )
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "both.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    serving = serve(context)
    site = next(serving)
    try:
        with pytest.raises(UrlError, match="certificate verify failed"):
            fetch(site.url + "/x")
        assert site.asked == []
    finally:
        for _ in serving:
            pass

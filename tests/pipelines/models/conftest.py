"""Tiny stand-ins for real weights: a small ONNX file, a small wheel, a host on loopback."""

from __future__ import annotations

import hashlib
import http.server
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from pipelines.models.registry import MODELS
from pipelines.models.spec import Member, Wheel, WheelWeights


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def block(number: int, payload: bytes) -> bytes:
    """A length-delimited protocol-buffer field."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def onnx_bytes(metadata: dict[str, str]) -> bytes:
    """An ONNX model that has a version, a graph nobody reads, and metadata."""
    entries = [block(14, block(1, k.encode()) + block(2, v.encode())) for k, v in metadata.items()]
    return b"\x08\x07" + block(7, b"graph" * 100) + b"".join(entries)


@dataclass
class OfficialHost:
    """A loopback HTTP server with the official layout: path -> body, with what was asked of it."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    broken_off: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def host() -> Iterator[OfficialHost]:
    state = OfficialHost()
    state.gate.set()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            state.gate.wait(30)
            body = state.files.get(self.path)
            status = 302 if self.path in state.redirects else 404 if body is None else 200
            self.send_response(status)
            for name, value in state.headers.get(self.path, {}).items():
                self.send_header(name, value)
            if status == 302:
                self.send_header("Location", state.redirects[self.path])
            short = self.path in state.broken_off
            self.send_header("Content-Length", str(len(body or b"") + (10 if short else 0)))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args: object) -> None:
            """Quiet: a test's output is its failures."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    state.gate.set()
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class TinyIndex:
    """A folder that pip searches, holding one wheel with the weights of two models."""

    folder: Path
    wheel: Wheel
    detection: bytes
    recognition: bytes


@pytest.fixture
def tiny_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyIndex:
    """pip sees nothing but a folder; tiny_det and tiny_rec are known names pinned to the wheel in it."""
    folder = tmp_path / "index"
    folder.mkdir()
    detection = onnx_bytes({})
    recognition = onnx_bytes({"character": "a\n \n\u3000\nno"})
    path = folder / "tinyweights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tinyweights/det.onnx", detection)
        archive.writestr("tinyweights/rec.onnx", recognition)
        info = "tinyweights-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tinyweights\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    for name, value in {
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(folder),
    }.items():
        monkeypatch.setenv(name, value)
    index = TinyIndex(folder, Wheel("tinyweights==1.0", path.stat().st_size), detection, recognition)
    for stem, like, body in (
        ("det", "PP-OCRv4_mobile_det", detection),
        ("rec", "PP-OCRv4_mobile_rec", recognition),
    ):
        member = Member(
            f"tinyweights/{stem}.onnx", "inference.onnx", len(body), hashlib.sha256(body).hexdigest()
        )
        weights = WheelWeights(index.wheel, "onnx", (member,))
        spec = replace(MODELS[like], name=f"tiny_{stem}", wheels=(weights,), official_forms=())
        monkeypatch.setitem(MODELS, spec.name, spec)
    return index

"""Weights from a host with the official layout, on loopback."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import WeightsError
from pipelines.models import ModelFiles, OfficialHosts, Progress, resolve

NAME = "PP-OCRv5_server_det"
YML = f"Global: {{model_name: {NAME}}}\nPostProcess: {{thresh: 0.3}}\n".encode()
GRAPH = b"graph of the detector"


def only(host: Any, order: tuple[str, ...]) -> OfficialHosts:
    return OfficialHosts(host.url, host.url, host.url, host.url, order)


def publish(host: Any, prefix: str, **files: bytes) -> None:
    host.files |= {f"{prefix}/{name.replace('__', '.')}": body for name, body in files.items()}


def fetch(tmp_path: Path, hosts: OfficialHosts, **more: Any) -> ModelFiles:
    return resolve(NAME, cache_dir=tmp_path / "cache", sources=("cache", "official"), hosts=hosts, **more)


@pytest.mark.parametrize(
    ("which", "prefix"),
    [
        ("hugging_face", f"/PaddlePaddle/{NAME}_onnx/resolve/main"),
        ("ai_studio", f"/api/v1/repos/PaddleX/{NAME}_onnx/media"),
        ("model_scope", f"/models/PaddlePaddle/{NAME}_onnx/resolve/master"),
    ],
)
def test_each_host_serves_from_its_own_layout(tmp_path: Path, host: Any, which: str, prefix: str) -> None:
    publish(host, prefix, inference__onnx=GRAPH, inference__yml=YML)
    news: list[Progress] = []
    files = fetch(tmp_path, only(host, (which,)), progress=news.append)
    assert files.graph.read_bytes() == GRAPH
    assert (files.source, files.sha256) == (host.url, hashlib.sha256(GRAPH).hexdigest())
    assert (news[-1].done, news[-1].total) == (len(GRAPH), len(GRAPH))
    host.asked.clear()
    assert fetch(tmp_path, only(host, (which,))).graph == files.graph
    assert host.asked == []


@pytest.mark.parametrize("graph", ["inference.json", "inference.pdmodel"])
def test_the_paddle_form_comes_with_the_new_graph_or_the_old(tmp_path: Path, host: Any, graph: str) -> None:
    prefix = f"/PaddlePaddle/{NAME}/resolve/main"
    host.files = {
        f"{prefix}/inference.yml": YML,
        f"{prefix}/{graph}": b"g",
        f"{prefix}/inference.pdiparams": b"numbers",
    }
    files = fetch(tmp_path, only(host, ("hugging_face",)), form="paddle")
    assert files.graph.name == graph
    assert files.params is not None
    assert files.params.read_bytes() == b"numbers"


def test_hosts_are_tried_in_the_order_given(tmp_path: Path, host: Any) -> None:
    publish(
        host, f"/models/PaddlePaddle/{NAME}_onnx/resolve/master", inference__onnx=GRAPH, inference__yml=YML
    )
    fetch(tmp_path, only(host, ("ai_studio", "model_scope", "hugging_face")), form="onnx")
    assert [path.split("/")[1] for path in host.asked] == ["api", "models", "models"]


def archive(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, body in files.items():
            entry = tarfile.TarInfo(name.replace("__", "."))
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return packed.getvalue()


_TAR = f"/paddlex/official_inference_model/paddle3.0.0/{NAME}_infer.tar"


def test_object_storage_serves_an_archive(tmp_path: Path, host: Any) -> None:
    host.files[_TAR] = archive(
        **{
            f"{NAME}_infer/inference__yml": YML,
            f"{NAME}_infer/inference__json": b"graph",
            "../../escape/inference__pdiparams": b"numbers",
            "/etc/motd": b"hello",
        }
    )
    files = fetch(tmp_path, only(host, ("object_storage",)), form="paddle")
    assert sorted(p.name for p in files.folder.iterdir()) == [
        "inference.json",
        "inference.pdiparams",
        "inference.yml",
        "weights.json",
    ]
    assert {p.name for p in tmp_path.iterdir()} == {"cache"}


@pytest.mark.parametrize("body", [archive(inference__yml=YML), b"not a tar", b""])
def test_a_bad_archive_is_a_sentence(tmp_path: Path, host: Any, body: bytes) -> None:
    host.files[_TAR] = body
    with pytest.raises(WeightsError, match="No weights of PP-OCRv5_server_det") as caught:
        fetch(tmp_path, only(host, ("object_storage",)), form="paddle")
    assert "\n" not in str(caught.value)


_HF = f"/PaddlePaddle/{NAME}_onnx/resolve/main"


def test_the_digest_a_redirect_states_is_held_against_the_file(tmp_path: Path, host: Any) -> None:
    publish(host, _HF, inference__yml=YML)
    host.redirects[f"{_HF}/inference.onnx"] = f"{host.url}/cdn/blob"
    host.files["/cdn/blob"] = GRAPH
    host.headers[f"{_HF}/inference.onnx"] = {"X-Linked-ETag": f'"{hashlib.sha256(GRAPH).hexdigest()}"'}
    assert fetch(tmp_path, only(host, ("hugging_face",)), form="onnx").graph.read_bytes() == GRAPH
    host.headers[f"{_HF}/inference.onnx"] = {"X-Linked-ETag": f'"{"0" * 64}"'}
    with pytest.raises(WeightsError, match="another SHA-256 than the host states"):
        fetch(tmp_path / "again", only(host, ("hugging_face",)), form="onnx")


def test_a_file_that_breaks_off_is_not_kept_and_the_next_host_serves(tmp_path: Path, host: Any) -> None:
    publish(host, _HF, inference__onnx=GRAPH, inference__yml=YML)
    host.broken_off.add(f"{_HF}/inference.onnx")
    with pytest.raises(WeightsError, match=r"broke off after 21 of 31 bytes"):
        fetch(tmp_path, only(host, ("hugging_face",)), form="onnx")
    assert not (tmp_path / "cache" / NAME).exists()
    publish(host, f"/api/v1/repos/PaddleX/{NAME}_onnx/media", inference__onnx=GRAPH, inference__yml=YML)
    assert fetch(tmp_path, only(host, ("hugging_face", "ai_studio")), form="onnx").graph.is_file()


def test_another_models_files_are_refused(tmp_path: Path, host: Any) -> None:
    publish(host, _HF, inference__onnx=GRAPH, inference__yml=b"Global: {model_name: cat_detector}\n")
    with pytest.raises(WeightsError, match="are of cat_detector, not of PP-OCRv5_server_det"):
        fetch(tmp_path, only(host, ("hugging_face",)), form="onnx")


def test_a_host_that_is_away_and_one_without_the_model_are_told_apart(tmp_path: Path, host: Any) -> None:
    hosts = OfficialHosts("http://127.0.0.1:9", host.url, host.url, host.url, ("hugging_face", "ai_studio"))
    with pytest.raises(WeightsError) as caught:
        fetch(tmp_path, hosts, form="onnx")
    assert "127.0.0.1:9: not reached (Connection refused)" in str(caught.value)
    assert f"{host.url.removeprefix('http://')}: it has no inference.yml of this model" in str(caught.value)
    assert caught.value.retryable


_RESOLVE = """
import sys
from pipelines.models import OfficialHosts, resolve
url, cache = sys.argv[1:]
tell = lambda p: print(p.action, flush=True)
hosts = OfficialHosts(url, url, url, url, ("hugging_face",))
files = resolve("PP-OCRv5_server_det", form="onnx", cache_dir=cache, hosts=hosts, progress=tell,
                sources=("cache", "official"))
print("digest", files.sha256)
"""


def test_two_processes_at_once_download_once(tmp_path: Path, host: Any) -> None:
    publish(host, _HF, inference__onnx=GRAPH, inference__yml=YML)
    host.gate.clear()  # the host answers only when the second process is seen waiting
    command = [sys.executable, "-c", _RESOLVE, host.url, str(tmp_path / "cache")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    waiting = threading.Event()
    said: list[list[str]] = [[], []]

    def listen(which: int) -> None:
        for line in both[which].stdout or ():
            said[which].append(line.strip())
            if line.startswith("waiting"):
                waiting.set()

    listeners = [threading.Thread(target=listen, args=(which,)) for which in range(2)]
    for listener in listeners:
        listener.start()
    try:
        assert waiting.wait(60)
        host.gate.set()
    finally:
        host.gate.set()
        for listener, process in zip(listeners, both, strict=True):
            process.wait(60)
            listener.join()
    assert [process.returncode for process in both] == [0, 0]
    assert [words[-1] for words in said] == [f"digest {hashlib.sha256(GRAPH).hexdigest()}"] * 2
    assert sorted(host.asked) == [f"{_HF}/inference.onnx", f"{_HF}/inference.yml"]

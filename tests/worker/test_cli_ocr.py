"""`pageline ocr` as a process."""

from __future__ import annotations

import json
import subprocess
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from command_line import document, pageline, picture


def ocr(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return pageline(cwd, "ocr", *arguments)


def test_words_are_read_and_saved_under_the_upstream_names(tmp_path: Path) -> None:
    picture(tmp_path / "sign.png")
    done = ocr(
        "--pipeline", "OCR", "--input", "sign.png", "--save_path", "out", "--device", "cpu", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "sign_res.json",
        "sign_ocr_res_img.png",
        "sign_preprocessed_img.png",
    }
    saved = json.loads((tmp_path / "out" / "sign_res.json").read_text())
    assert saved["rec_texts"] == ["Pageline 2026"]
    assert "sign.png: 1 line in " in done.stderr
    assert "1 page read in " in done.stderr


def test_without_a_folder_the_json_is_printed(tmp_path: Path) -> None:
    picture(tmp_path / "sign.png")
    done = ocr("--engine", "fake", "--input", "sign.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["res"]["input_path"] == "sign.png"


def test_an_address_of_one_s_own_network_is_read_where_that_is_said(tmp_path: Path) -> None:
    picture(tmp_path / "shown" / "sign.png")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "shown"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        flags = ("--engine", "fake", "--input", f"http://127.0.0.1:{server.server_port}/sign.png")
        refused = ocr(*flags, cwd=tmp_path)
        read = ocr(*flags, "--private_urls", "--save_path", "out", cwd=tmp_path)
        server.shutdown()
    assert refused.returncode == 3
    assert "127.0.0.1 is an address of a private network" in refused.stderr
    assert read.returncode == 0, read.stderr
    assert (tmp_path / "out" / "sign_res.json").is_file()


def test_the_flags_of_predict_arrive(tmp_path: Path) -> None:
    picture(tmp_path / "sign.png")
    done = ocr(
        *(
            "--engine",
            "fake",
            "--input",
            "sign.png",
            "--text_det_thresh",
            "0",
            "--text-det-box-thresh",
            "0.25",
        ),
        *(
            "--text_det_limit_type",
            "min",
            "--text_det_limit_side_len",
            "64",
            "--text_det_unclip_ratio",
            "1.5",
        ),
        *(
            "--text_det_max_side_limit",
            "3000",
            "--text_rec_score_thresh",
            "0.125",
            "--return_word_box",
            "True",
        ),
        *("--use_doc_unwarping", "False", "--engine_config", '{"threads": 1}'),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)["res"]
    assert read["text_det_params"] == {
        "limit_side_len": 64,
        "limit_type": "min",
        "thresh": 0.0,
        "max_side_limit": 3000,
        "box_thresh": 0.25,
        "unclip_ratio": 1.5,
    }
    assert read["text_rec_score_thresh"] == 0.125
    assert read["return_word_box"] is True


def test_bad_documents_among_many_are_named_and_the_others_are_read(tmp_path: Path) -> None:
    picture(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "empty.pdf").touch()
    (tmp_path / "in" / "notes.txt").write_text("no document, and not called one")
    document(tmp_path / "in" / "z.pdf", pages=2)
    done = ocr("--engine", "fake", "--input", "in", "--save_path", "out", cwd=tmp_path)
    assert done.returncode == 3
    assert "pageline: empty.pdf: the file is empty" in done.stderr.splitlines()
    assert {path.name for path in (tmp_path / "out").glob("*.json")} == {
        "a_res.json",
        "z_0_res.json",
        "z_1_res.json",
    }
    assert "3 pages read in " in done.stderr
    assert "1 failure" in done.stderr


def test_a_folder_without_documents_and_a_file_that_is_not_there_are_failures(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = ocr("--engine", "fake", "--input", "empty", "--input", "gone.png", cwd=tmp_path)
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 2
    assert "gone.png" in done.stderr


def test_two_documents_of_one_name_are_not_replaced_in_silence(tmp_path: Path) -> None:
    picture(tmp_path / "one" / "a.png")
    picture(tmp_path / "two" / "a.png")
    done = ocr("--engine", "fake", "--input", "one", "--input", "two", "--save_path", "out", cwd=tmp_path)
    assert "the results of two/a.png replace those of one/a.png" in done.stderr


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--engine", "nonsense"), "nonsense"),
        (("--device", "gpu:x"), "gpu:x"),
        (("--pipeline", "OCRR"), "did you mean 'OCR'"),
        (("--pipeline", "gone.yaml"), "gone.yaml"),
        (("--doc_unwarping_thresh", "2"), "doc_unwarping_thresh"),
        (("--text_det_thresh", "2"), "text_det_thresh"),
        (("--engine_config", '{"nonsense": 1}'), "nonsense"),
        (("--use_hpip",), "use_hpip: it chooses the engine"),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path: Path, flags: tuple[str, ...], words: str) -> None:
    picture(tmp_path / "a.png")
    engine = () if "--engine" in flags else ("--engine", "fake")
    done = ocr("--input", "a.png", *engine, *flags, cwd=tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert words in done.stderr


@pytest.mark.parametrize(
    "flags", [("--engine", "fake", "--input", "a.png"), ("--get_pipeline_config", "OCR")]
)
def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path, flags: tuple[str, ...]) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "taken").write_text("a file")
    done = ocr(*flags, "--save_path", "taken", cwd=tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "taken" in done.stderr
    assert "this should not have happened" not in done.stderr


def test_an_empty_input_is_not_the_folder_one_happens_to_be_in(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    done = ocr("--engine", "fake", "--input", "", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""


def test_a_pipeline_s_configuration_can_be_written_and_used(tmp_path: Path) -> None:
    written = ocr("--get_pipeline_config", "OCR", "--save_path", "mine", cwd=tmp_path)
    assert written.returncode == 0, written.stderr
    assert written.stdout == "mine/OCR.yaml\n"
    path = tmp_path / "mine" / "OCR.yaml"
    path.write_text(path.read_text().replace("box_thresh: 0.45", "box_thresh: 0.125"))
    picture(tmp_path / "a.png")
    done = ocr("--pipeline", "mine/OCR.yaml", "--engine", "fake", "--input", "a.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["res"]["text_det_params"]["box_thresh"] == 0.125


def test_a_configuration_goes_to_the_terminal_without_a_folder(tmp_path: Path) -> None:
    shown = ocr("--get_pipeline_config", "OCR-v4", cwd=tmp_path)
    assert "PP-OCRv4_mobile_det" in shown.stdout
    unknown = ocr("--get_pipeline_config", "nonsense", cwd=tmp_path)
    assert unknown.returncode == 1
    assert "nonsense" in unknown.stderr

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.settings import PrefixRule, Settings, load_settings
from infra.status.states import Priority
from tasks.identity import document_id
from tasks.layers import from_metadata, from_rules, from_sidecar
from tasks.options import DocumentOptions, Layer, RejectedOptions, Resolved, resolve

SETTINGS = load_settings(
    {"results": "/out", "secrets": ["env:PDF_", "file:/run/secrets"], "pipeline": {"others": ["OCR-v4"]}}
)
PRIVILEGED: dict[str, Any] = {
    "priority": "high",
    "device": "gpu",
    "password_secret": "env:PDF_A",
    "callback": "https://example.com/done",
    "retention": "delete",
    "results_days": 3,
}


def resolved(*said: Mapping[str, Any], settings: Settings = SETTINGS) -> Resolved:
    return resolve([Layer(f"layer {number}", one) for number, one in enumerate(said)], settings)


def options(*said: Mapping[str, Any]) -> DocumentOptions:
    return resolved(*said).checked()


def test_later_layers_win_and_zero_is_a_value() -> None:
    found = options({"dpi": 200, "text_det_thresh": 0.3}, {"text_det_thresh": 0}, {"visualize": False})
    assert found.dpi == 200
    assert found.predict == {"text_det_thresh": 0, "text_layer": "verify"}
    assert found.changing_the_result() == {
        "dpi": 200,
        "visualize": False,
        "text_det_thresh": 0,
        "text_layer": "verify",
    }


def test_each_option_knows_who_gave_it_and_who_else_tried() -> None:
    found = resolved({"dpi": 200, "visualize": False}, {}, {"dpi": 300})
    assert found.origin("dpi") == "layer 2"
    assert found.origin("visualize") == "layer 0"
    assert found.origin("pages") == "default"
    assert [(said.origin, said.value) for said in found.said["dpi"]] == [("layer 0", 200), ("layer 2", 300)]


def test_every_problem_is_told_with_who_is_to_mend_it() -> None:
    found = resolved({"dip": 1, "dpi": 144}, {"dpi": 0, "text_det_thresh": 2})
    assert [(problem.origin, problem.option) for problem in found.problems] == [
        ("layer 0", "dip"),
        ("layer 1", "dpi"),
        ("layer 1", "text_det_thresh"),
    ]
    assert found.options.dpi == 144  # the rest of them


def test_the_text_layer_is_verified_unless_somebody_says_otherwise() -> None:
    assert options().predict == {"text_layer": "verify"}
    assert options({"text_layer": "ignore"}).predict == {"text_layer": "ignore"}
    with pytest.raises(RejectedOptions, match="text_layer"):
        options({"text_layer": "believe"})


@pytest.mark.parametrize(("outputs", "wanted"), [("txt,md,jsonl", False), ("txt,hocr", True), ("alto", True)])
def test_characters_have_places_where_an_output_asks_for_them(outputs: str, wanted: bool) -> None:
    assert options({"outputs": outputs}).predict.get("return_word_box", False) is wanted
    said = options({"outputs": outputs, "return_word_box": False})
    assert said.predict["return_word_box"] is False


def test_outputs_are_the_same_in_any_order() -> None:
    assert options({"outputs": "md, txt,json"}) == options({"outputs": ["txt", "md"]})
    with pytest.raises(RejectedOptions, match="did you mean hocr"):
        options({"outputs": "hcor"})


def test_what_does_not_change_the_result_makes_no_other_document() -> None:
    found = options({**PRIVILEGED, "languages": "de,en"})
    assert (found.priority, found.device, found.languages) == (Priority.HIGH, "gpu", ("de", "en"))
    assert found.callback == ("https://example.com/done",)
    assert found.changing_the_result() == options().changing_the_result()


@pytest.mark.parametrize(
    "default",
    [
        {"pages": None},
        {"outputs": ["txt"]},
        {"outputs": "json,txt"},
        {"visualize_format": "jpg"},
        {"visualize_scale": 1},
        {"pipeline": "OCR"},
    ],
)
def test_options_at_their_defaults_leave_ids_as_they_were(default: dict[str, Any]) -> None:
    assert options(default).changing_the_result() == {"dpi": 144, "visualize": True, "text_layer": "verify"}


def test_what_changes_the_result_makes_another_document() -> None:
    asked = {"pages": "1-3, 7", "outputs": ["json"], "visualize_format": "webp", "visualize_scale": 0.5}
    changed = options(asked).changing_the_result()
    assert changed == {"dpi": 144, "visualize": True, "text_layer": "verify", **asked}


@pytest.mark.parametrize(("said", "pages"), [(7, "7"), ("7", "7"), ("2-", "2-"), ("1-3,7", "1-3,7")])
def test_pages_are_a_range_or_one_number(said: object, pages: str) -> None:
    assert options({"pages": said}).pages == pages


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        ({"dip": 1}, "There is no option 'dip'; did you mean dpi?"),
        ({"zzz": 1}, "There is no option 'zzz'"),
        ({"dpi": 1}, "The option dpi is wrong: "),
        ({"dpi": "many"}, "The option dpi is wrong: "),
        ({"priority": "urgent"}, "The option priority is wrong: "),
        ({"device": "toaster"}, "The option device is wrong: it must be one of cpu, gpu"),
        ({"text_det_thresh": 2}, "An option is wrong: text_det_thresh"),
        ({"use_doc_unwarping": "perhaps"}, "An option is wrong: use_doc_unwarping"),
        ({"predict": {}}, "There is no option 'predict'"),
        ({"model_dir": "/tmp"}, "There is no option 'model_dir'"),
        ({"pages": "3-1"}, "The option pages is wrong: '3-1' ends before it begins"),
        ({"pages": "x"}, "The option pages is wrong: 'x' is no page range"),
        ({"pages": True}, "The option pages is wrong: "),
        (
            {"outputs": "txtt"},
            "The option outputs is wrong: there is no output 'txtt'; there are txt, md, csv, jsonl, ",
        ),
        ({"visualize_format": "gif"}, "The option visualize_format is wrong: "),
        ({"visualize_scale": 0}, "The option visualize_scale is wrong: "),
        (
            {"pipeline": "OCR-v5"},
            "The option pipeline is wrong: nothing is read with 'OCR-v5' here",
        ),
        ({"languages": "de,ru"}, "The option languages is wrong: the pipeline OCR does not read 'ru', only "),
        ({"callback": "nowhere"}, "The option callback is wrong: nowhere is no target"),
        ({"callback": ["https://a/b"] * 17}, "The option callback is wrong: "),
        (
            {"retention": "burn"},
            "The option retention is wrong: it must be keep, delete, tag, or",
        ),
        ({"results_days": 0}, "The option results_days is wrong: "),
    ],
)
def test_a_wrong_option_is_named(layer: dict[str, object], sentence: str) -> None:
    with pytest.raises(RejectedOptions) as caught:
        options(layer)
    assert str(caught.value).startswith(sentence)


def test_only_the_pipelines_that_the_fleet_names_may_be_asked_for() -> None:
    assert options({"pipeline": "OCR-v4"}).pipeline == "OCR-v4"
    alone = load_settings({"results": "/out"})
    with pytest.raises(RejectedOptions, match="nothing is read with 'OCR-v4' here, only with OCR"):
        resolved({"pipeline": "OCR-v4"}, settings=alone).checked()


def test_languages_are_those_of_the_pipeline_that_is_asked_for() -> None:
    with pytest.raises(RejectedOptions, match="the pipeline OCR-v4 does not read 'de', only en zh"):
        options({"languages": "de", "pipeline": "OCR-v4"})
    read = {"pipeline_name": "OCR", "languages": ["ru"]}
    config = {**read, "SubModules": {"TextRecognition": {"model_name": "PP-OCRv6_small_rec"}}}
    fleet = load_settings({"results": "/out", "pipeline": {"config": config}})
    assert resolved({"languages": ["de", "ru"]}, settings=fleet).checked().languages == ("de", "ru")


@pytest.mark.parametrize(
    "reference", ["hunter2", "env:HOME", "file:/etc/passwd", "file:/run/secrets/../x", "file:/run/secrets2/x"]
)
def test_a_secret_that_is_not_allowed_is_refused_and_not_repeated(reference: str) -> None:
    (problem,) = resolved({"password_secret": reference}).problems
    assert problem.sentence.startswith("The option password_secret is wrong: ")
    assert reference not in problem.sentence


def test_a_link_out_of_the_folder_of_secrets_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "other").write_text("x")
    (tmp_path / "secrets" / "a").symlink_to(tmp_path / "other")
    (tmp_path / "secrets" / "b").write_text("x")
    allowed = load_settings({"results": "/out", "secrets": f"file:{tmp_path}/secrets"})
    assert resolved({"password_secret": f"file:{tmp_path}/secrets/a"}, settings=allowed).problems
    assert not resolved({"password_secret": f"file:{tmp_path}/secrets/b"}, settings=allowed).problems


def test_without_a_setting_no_secret_is_allowed() -> None:
    none = load_settings({"results": "/out"})
    assert resolved({"password_secret": "env:PDF_A"}, settings=none).problems


def test_of_several_rules_the_longest_prefix_wins() -> None:
    rules = [
        PrefixRule(prefix="a/b/", options={"dpi": 300}),
        PrefixRule(prefix="a/", options={"dpi": 200, "visualize": False}),
        PrefixRule(prefix="c/", options={"dpi": 100}),
    ]
    found = resolve(from_rules(rules, "a/b/x.pdf"), SETTINGS)
    assert (found.options.dpi, found.options.visualize) == (300, False)
    assert (found.origin("dpi"), found.origin("visualize")) == ("rule 'a/b/'", "rule 'a/'")


def test_metadata_gives_numbers_words_and_truth() -> None:
    metadata = {
        "pageline-dpi": "200",
        "pageline-text-det-limit-type": "max",
        "pageline-visualize": "false",
        "pageline-pages": "1-3",
        "x": "1",
    }
    assert from_metadata(metadata, privileged=False).options == {
        "dpi": 200,
        "text_det_limit_type": "max",
        "visualize": False,
        "pages": "1-3",
    }


@pytest.mark.parametrize(("name", "value"), PRIVILEGED.items())
def test_who_may_only_upload_may_not_give_what_others_pay_for(name: str, value: object) -> None:
    metadata = {f"pageline-{name.replace('_', '-')}": str(value)}
    refused = from_metadata(metadata, privileged=False)
    assert refused.options == {}
    assert refused.problems[0].sentence == f"The option {name} may not be given in the object's metadata"
    assert options(from_metadata(metadata, privileged=True).options) == options({name: value})


def test_a_sidecar_gives_what_its_author_may_give() -> None:
    refused = from_sidecar(b'{"device": "gpu", "dpi": 100}', privileged=False)
    assert refused.options == {"dpi": 100}
    assert refused.problems[0].sentence == "The option device may not be given in a sidecar file"
    assert from_sidecar(b'{"device": "gpu"}', privileged=True) == Layer("sidecar", {"device": "gpu"})


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff\xfe", b'"dpi"', b"[" * 60_000])
def test_a_sidecar_that_is_no_object_is_rejected(data: bytes) -> None:
    (problem,) = from_sidecar(data, privileged=True).problems
    assert "sidecar file" in problem.sentence


@pytest.mark.parametrize(
    ("said", "identity"),
    [
        ({}, "1f3799a13b63cd8f3a48e1f453453c75"),
        (
            {"dpi": 200, "visualize": False, "text_det_thresh": 0.25},
            "16200c210db447fd4e7d90f7351cc7e2",
        ),
    ],
)
def test_documents_of_earlier_programs_keep_their_ids(said: dict[str, Any], identity: str) -> None:
    found = document_id(
        tenant="default",
        place="bucket",
        key="a.pdf",
        version=None,
        etag="e",
        pipeline="OCR",
        options=options(said).changing_the_result(),
    )
    assert found == identity

from __future__ import annotations

import pytest

from infra.settings import PrefixRule
from infra.status.states import Priority
from tasks.options import RejectedOptions, from_metadata, from_rules, from_sidecar, resolve


def test_later_layers_win_and_zero_is_a_value() -> None:
    options = resolve([{"dpi": 200, "text_det_thresh": 0.3}, {"text_det_thresh": 0}, {"visualize": False}])
    assert options.dpi == 200
    assert options.predict == {"text_det_thresh": 0}
    assert options.changing_the_result() == {"dpi": 200, "visualize": False, "text_det_thresh": 0}


def test_priority_and_device_do_not_change_the_result() -> None:
    options = resolve([{"priority": "high", "device": "gpu"}])
    assert (options.priority, options.device) == (Priority.HIGH, "gpu")
    assert options.changing_the_result() == resolve([]).changing_the_result()


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
        ({"use_doc_unwarping": True}, "An option is wrong: use_doc_unwarping"),
        ({"predict": {}}, "There is no option 'predict'"),
    ],
)
def test_a_wrong_option_is_named(layer: dict[str, object], sentence: str) -> None:
    with pytest.raises(RejectedOptions) as caught:
        resolve([layer])
    assert str(caught.value).startswith(sentence)


def test_of_several_rules_the_longest_prefix_wins() -> None:
    rules = [
        PrefixRule(prefix="a/b/", options={"dpi": 300}),
        PrefixRule(prefix="a/", options={"dpi": 200, "visualize": False}),
        PrefixRule(prefix="c/", options={"dpi": 100}),
    ]
    options = resolve(from_rules(rules, "a/b/x.pdf"))
    assert (options.dpi, options.visualize) == (300, False)


def test_metadata_gives_numbers_words_and_truth() -> None:
    metadata = {
        "pageline-dpi": "200",
        "pageline-text-det-limit-type": "max",
        "pageline-visualize": "false",
        "x": "1",
    }
    assert from_metadata(metadata, privileged=False) == {
        "dpi": 200,
        "text_det_limit_type": "max",
        "visualize": False,
    }


def test_who_may_only_upload_may_not_set_priority_or_device() -> None:
    with pytest.raises(RejectedOptions, match="priority may not be given in the object's metadata"):
        from_metadata({"pageline-priority": "high"}, privileged=False)
    with pytest.raises(RejectedOptions, match="device may not be given in a sidecar"):
        from_sidecar(b'{"device": "gpu"}', privileged=False)
    assert from_sidecar(b'{"device": "gpu"}', privileged=True) == {"device": "gpu"}


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff\xfe", b'"dpi"'])
def test_a_sidecar_that_is_no_object_is_rejected(data: bytes) -> None:
    with pytest.raises(RejectedOptions, match="sidecar file"):
        from_sidecar(data, privileged=True)

"""Whatever a sidecar, metadata or a caller says: options that records can hold, or sentences."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.settings import Settings, load_settings
from pipelines.config.options import OPTIONS
from tasks.identity import document_id
from tasks.layers import MAX_SIDECAR_BYTES, METADATA_PREFIX, from_metadata, from_sidecar
from tasks.options import OWN, Layer, Resolved, resolve
from tasks.records import Verdict

SETTINGS: Settings = load_settings({"results": "/out", "secrets": ["env:PDF_", "file:/run/secrets"]})
_LONGEST = 400
_WORDS = (
    *("env:PDF_\ud800", "move:done", "move:\ud800", "keep", "https://example.com/x", "1-3,7,10-", "txt,pdf"),
    *("high", "cpu", "en", "OCR", "jpg", "verify", "max", "NaN", "true", "0.5", "1e999", "sqs://queue"),
)
_NAMES = st.one_of(st.sampled_from(sorted(OWN | OPTIONS.keys())), st.text(max_size=20))
_ATOMS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from(_WORDS))
_VALUES = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
)
SAID = st.dictionaries(_NAMES, _VALUES, max_size=6)


def metadata_of(said: Mapping[str, str]) -> dict[str, str]:
    """An object's metadata that says this."""
    return {f"{METADATA_PREFIX}{name}": text for name, text in said.items()}


def checked(sidecar: bytes, metadata: Mapping[str, str], call: Mapping[str, Any]) -> Resolved:
    """Resolve, and check what everything behind that relies on."""
    layers = [
        from_metadata(metadata, privileged=True),
        from_sidecar(sidecar, privileged=True),
        Layer("call", call),
    ]
    found = resolve(layers, SETTINGS)
    for problem in found.problems:
        assert 0 < len(problem.sentence) <= _LONGEST
        Verdict(state="rejected", reason=problem.sentence).model_dump_json()
    options = found.options
    told = options.changing_the_result()
    json.dumps(told, allow_nan=False)
    assert document_id(tenant="t", place="p", key="k", version="v", etag=None, pipeline="OCR", options=told)
    assert type(options).model_validate_json(options.model_dump_json()) == options
    return found


@given(SAID)
def test_any_options_are_taken_or_refused(said: dict[str, Any]) -> None:
    metadata = metadata_of({name: json.dumps(value) for name, value in said.items()})
    for given_so in (
        checked(json.dumps(said).encode(), {}, {}),
        checked(b"{}", metadata, {}),
        checked(b"{}", {}, said),
    ):
        assert given_so.options is not None


@given(st.binary(), st.dictionaries(st.text(), st.text()))
def test_any_bytes_are_options_or_refused(sidecar: bytes, metadata: dict[str, str]) -> None:
    checked(sidecar, metadata_of(metadata), {})


@pytest.mark.parametrize(
    ("sidecar", "sentence"),
    [
        (b" " * (MAX_SIDECAR_BYTES + 1), "The sidecar file is larger than 65536 bytes"),
        (b"[" * 60_000, "The sidecar file is nested too deeply: options have a few levels at most"),
        (
            b'{"callback": %s"x"%s}' % (b"[" * 20, b"]" * 20),
            "The option callback is wrong: it is nested more than 8 levels deep",
        ),
        (b'{"retention": "move:\\ud800"}', "The option retention is wrong: it holds half a character"),
        (b'{"results_days": Infinity}', "The option results_days is wrong: inf is no number"),
        (b'{"%s": 1}' % (b"x" * 60_000), "There is no option 'xxx"),
    ],
)
def test_what_no_record_can_hold_is_refused_in_a_short_sentence(sidecar: bytes, sentence: str) -> None:
    (problem,) = checked(sidecar, {}, {}).problems
    assert problem.sentence.startswith(sentence)


def test_pages_that_are_asked_for_again_and_again_are_counted_once() -> None:
    found = checked(json.dumps({"pages": ",".join(["1-"] * 20_000)}).encode(), {}, {})
    assert not found.problems

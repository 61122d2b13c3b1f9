"""Signatures, and the example of docs/events.md that checks them."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from infra.notify.signature import signature

PAGE = Path(__file__).resolve().parents[3] / "docs" / "events.md"
BODY = '{"id": "ä:1"}'.encode()


@pytest.fixture(scope="module")
def is_genuine() -> Any:
    """The function of the page, as its readers would run it."""
    (example,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(example, PAGE.name, "exec"), names)
    return names["is_genuine"]


def test_a_signature_is_a_known_one() -> None:
    # printf '1700000000.{}' | openssl dgst -sha256 -hmac secret
    known = "b8569b78799ff9e3cbff0fc2d63a33a2b57f3282abd07c37ae5e8e7d79a5f163"
    assert signature(b"{}", ["secret"], 1_700_000_000) == f"t=1700000000,v1={known}"


def test_what_was_signed_is_genuine(is_genuine: Any) -> None:
    header = signature(BODY, ["one"], int(time.time()))
    assert is_genuine(header, BODY, "one")
    assert not is_genuine(header, BODY + b" ", "one")
    assert not is_genuine(header, BODY, "two")


def test_while_secrets_are_exchanged_both_fit(is_genuine: Any) -> None:
    header = signature(BODY, ["new", "old"], int(time.time()))
    assert header.count("v1=") == 2
    assert is_genuine(header, BODY, "new")
    assert is_genuine(header, BODY, "old")


def test_old_messages_and_changed_times_are_not_genuine(is_genuine: Any) -> None:
    now = int(time.time())
    old = signature(BODY, ["one"], now - 3600)
    assert not is_genuine(old, BODY, "one")
    assert not is_genuine(old.replace(f"t={now - 3600}", f"t={now}"), BODY, "one")


@pytest.mark.parametrize("header", ["", "t=,v1=", "v1=00", "t=now,v1=00", "nonsense", "t=1"])
def test_nonsense_is_not_genuine(is_genuine: Any, header: str) -> None:
    assert not is_genuine(header, BODY, "one")

"""Targets, and the settings that name them."""

from __future__ import annotations

import pytest

from infra.errors import SettingsError, TargetRefused
from infra.notify import Kind, Target
from infra.settings import Settings, load_settings

ACCOUNT = "123456789012"
TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:t"


@pytest.mark.parametrize(
    ("text", "kind", "place", "region", "account"),
    [
        ("https://example.com/a?b=c", Kind.HTTPS, "https://example.com/a?b=c", None, None),
        ("http://[::1]:8080/", Kind.HTTP, "http://[::1]:8080/", None, None),
        (TOPIC, Kind.SNS, TOPIC, "eu-west-1", None),
        (f"sns:{TOPIC}", Kind.SNS, TOPIC, "eu-west-1", None),
        (f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q", Kind.SQS, "q", "eu-west-1", ACCOUNT),
        ("sqs://q.fifo", Kind.SQS, "q.fifo", None, None),
        (f"sqs://{ACCOUNT}/q", Kind.SQS, "q", None, ACCOUNT),
        ("eventbridge://default", Kind.EVENTBRIDGE, "default", None, None),
        ("redis-stream://ended", Kind.STREAM, "ended", None, None),
    ],
)
def test_targets_of_every_kind_are_understood(
    text: str, kind: Kind, place: str, region: str | None, account: str | None
) -> None:
    assert Target.parse(text) == Target(text, kind, place, region, account)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com/hook",
        "ftp://example.com",
        "https:///path",
        "https://example.com:port/",
        "https://exa mple.com/",
        "https://example.com/\r\nX: y",
        "https://[::1/",
        f"arn:aws:s3:eu-west-1:{ACCOUNT}:b",
        "arn:aws:sns:eu-west-1:1:t",
        f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/x",
        "sns://topic",
        "sqs://",
        "sqs://user@queue",
        "redis-stream://a/b",
        "redis-stream://a b",
        "https://example.com/" + "a" * 3000,
    ],
)
def test_what_is_no_target_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(TargetRefused) as raised:
        Target.parse(text)
    assert "\n" not in str(raised.value)


def test_what_is_shown_of_a_target_holds_no_keys() -> None:
    target = Target.parse("https://user:pass@example.com/hook?key=abc#x")
    assert target.name == "https://example.com/hook"


def settings(**notify: object) -> Settings:
    return load_settings({"results": "/out", "tenants": ["a", "b"], "notify": notify})


def test_targets_in_the_environment_may_have_commas_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGELINE_NOTIFY__TARGETS", "https://a.example/x, sqs://q")
    monkeypatch.setenv("PAGELINE_NOTIFY__CLIENT_SCHEMES", "https,http")
    found = settings().notify
    assert found.targets == ("https://a.example/x", "sqs://q")
    assert found.client_schemes == (Kind.HTTPS, Kind.HTTP)


def test_a_tenants_own_targets_and_secrets_come_on_top() -> None:
    notify = settings(
        targets=["https://all.example/"],
        secrets=["env:ALL"],
        tenants={"a": {"targets": ["https://a.example/", "https://all.example/"], "secrets": ["env:A"]}},
    ).notify
    assert notify.told("a") == ("https://all.example/", "https://a.example/")
    assert notify.told("b") == ("https://all.example/",)
    assert notify.signing("a", "https://all.example/") == ("env:ALL",)
    assert notify.signing("a", "https://named.by.a.document/") == ("env:A",)
    assert notify.signing("b", "https://named.by.a.document/") == ("env:ALL",)


@pytest.mark.parametrize(
    ("notify", "sentence"),
    [
        ({"targets": ["ftp://x"]}, "ftp://x is no target"),
        ({"secrets": ["hunter2"]}, "env:NAME or file:/absolute/path"),
        ({"tenants": {"c": {}}}, "notify.tenants names c"),
        ({"timeout_seconds": 0}, "greater than 0"),
    ],
)
def test_settings_that_cannot_be_are_refused_without_showing_secrets(
    notify: dict[str, object], sentence: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        settings(**notify)
    assert sentence in str(raised.value)
    assert "hunter2" not in str(raised.value)

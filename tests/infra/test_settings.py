from __future__ import annotations

import os
from pathlib import Path

import pytest

from infra.errors import SettingsError
from infra.settings import PREFIX, Settings, load_settings, redis_url


@pytest.fixture(autouse=True)
def _no_settings_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


def test_reads_plain_nested_and_listed_values_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGELINE_RESULTS", "s3://out/results")
    monkeypatch.setenv("PAGELINE_SOURCES", "s3://inbox/a, s3://inbox/b")
    monkeypatch.setenv("PAGELINE_TENANTS", '["x", "y"]')
    monkeypatch.setenv("PAGELINE_QUEUE__LEASE_SECONDS", "20")
    monkeypatch.setenv("PAGELINE_PIPELINE__ENGINE_CONFIG", '{"threads": 2}')
    settings = load_settings()
    assert settings.results == "s3://out/results"
    assert settings.sources == ("s3://inbox/a", "s3://inbox/b")
    assert settings.tenants == ("x", "y")
    assert settings.queue.lease_seconds == 20
    assert settings.pipeline.engine_config == {"threads": 2}


def test_names_the_variable_that_is_missing() -> None:
    with pytest.raises(SettingsError, match="PAGELINE_RESULTS: Field required"):
        load_settings()


def test_names_the_nested_variable_that_is_wrong_but_not_its_value() -> None:
    with pytest.raises(SettingsError, match="PAGELINE_QUEUE__RANGE_PAGES: ") as caught:
        load_settings({"results": "/out", "queue": {"range_pages": "hunter2"}})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("results", "source"),
    [
        ("s3://bucket/in/out", "s3://bucket/in"),
        ("s3://bucket/in", "s3://bucket/in"),
        ("s3://bucket", "s3://bucket/in"),
        ("/data/in/out", "/data/in"),
    ],
)
def test_refuses_results_that_overlap_a_source(results: str, source: str) -> None:
    with pytest.raises(SettingsError, match="overlap"):
        load_settings({"results": results, "sources": [source]})


def test_takes_results_beside_a_source_with_a_similar_name() -> None:
    assert load_settings({"results": "s3://bucket/inbox-results", "sources": ["s3://bucket/inbox"]}).sources


@pytest.mark.parametrize(
    ("grace", "timer", "page"), [(90, 90, 60), (120, 60, 60), (120, 130, 60), (30, 20, 25)]
)
def test_refuses_a_shutdown_that_cuts_pages_off(grace: float, timer: float, page: float) -> None:
    with pytest.raises(SettingsError, match=r"grace_seconds .* > shutdown\.timer_seconds"):
        load_settings(
            {
                "results": "/out",
                "shutdown": {"grace_seconds": grace, "timer_seconds": timer},
                "queue": {"page_seconds": page},
            }
        )


def test_refuses_leases_that_run_out_between_two_heartbeats() -> None:
    with pytest.raises(SettingsError, match="lease_seconds must be at least twice"):
        load_settings({"results": "/out", "queue": {"lease_seconds": 5, "heartbeat_seconds": 3}})


def test_refuses_a_location_of_another_kind() -> None:
    with pytest.raises(SettingsError, match="PAGELINE_RESULTS: 'ftp://'"):
        load_settings({"results": "ftp://host/x"})


def test_the_environment_of_a_child_gives_the_same_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = Settings(
        results=str(tmp_path / "out, and more"),
        sources=(str(tmp_path / "in"),),
        s3={"secret_key": "s", "endpoint": "http://127.0.0.1:1"},
        queue={"lease_seconds": 7},
        rules=({"prefix": "a/", "options": {"dpi": 200}},),
        cold_kinds={"gpu": {"seconds": 60, "megapixels_per_second": 50}},
        work_dir=tmp_path,
    )
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert load_settings() == settings


def test_secrets_do_not_show() -> None:
    settings = load_settings(
        {"results": "/out", "broker_url": "redis://:hunter2@h/0", "s3": {"secret_key": "hunter2"}}
    )
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("celery", "redis"),
    [
        ("redis://h:1/2", "redis://h:1/2"),
        ("rediss://u:p@h:1/2?ssl_cert_reqs=required", "rediss://u:p@h:1/2?ssl_cert_reqs=required"),
        ("redis+socket:///run/v.sock", "unix:///run/v.sock"),
        ("redis+socket:///run/v.sock?virtual_host=3", "unix:///run/v.sock?db=3"),
    ],
)
def test_the_broker_has_one_url_for_both_clients(celery: str, redis: str) -> None:
    assert redis_url(celery) == redis


def test_refuses_a_setting_nobody_knows_in_a_nested_group() -> None:
    with pytest.raises(SettingsError, match="PAGELINE_S3__ENDPONT"):
        load_settings({"results": "/out", "s3": {"endpont": "http://127.0.0.1:1"}})

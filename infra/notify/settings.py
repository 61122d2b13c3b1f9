"""Settings of notifications."""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_settings import NoDecode

from infra.errors import TargetRefused
from infra.notify.targets import Kind, Target
from infra.secrets import is_reference

Positive = Annotated[float, Field(gt=0)]


def split_words(text: str) -> list[str]:
    """Read a list from the environment: JSON, or words with commas between them."""
    if text.lstrip().startswith("["):
        words: list[str] = json.loads(text)
        return words
    return [word.strip() for word in text.split(",") if word.strip()]


class Audience(BaseModel):
    """Who is told, and what proves who told them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    targets: Annotated[tuple[str, ...], NoDecode] = ()
    secrets: Annotated[tuple[str, ...], NoDecode] = ()

    @field_validator("targets", "secrets", mode="before")
    @classmethod
    def _split_words(cls, value: object) -> object:
        return split_words(value) if isinstance(value, str) else value

    @field_validator("targets")
    @classmethod
    def _can_be_read(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            try:
                Target.parse(text)
            except TargetRefused as error:
                raise ValueError(str(error)) from error
        return value

    @field_validator("secrets")
    @classmethod
    def _by_reference(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(map(is_reference, value)):
            raise ValueError("a secret is given as env:NAME or file:/absolute/path, never as it is")
        return value


class NotifySettings(Audience):
    """Who is told when documents end, and how hard it is tried; times in seconds.

    Attributes:
        targets: Told of every document: `https://…`, an ARN of an SNS topic, SQS queue or event bus, `sqs://queue`,
            `eventbridge://bus`, `redis-stream://name`.
        secrets: What webhooks are signed with, each as `env:NAME` or `file:/path`; while one replaces
            another, both sign.
        tenants: The same for single tenants by name: `{"acme": {"targets": […], "secrets": […]}}`. Their
            targets are told as well; their secrets sign what goes to these and to addresses that their
            documents name.
        client_schemes: What kinds of targets a document may name for itself.
        allow_private: Whether an address that a document names may be one of a private network.
        timeout_seconds: How long one try may take.
        retry_seconds: First delay after a try that failed; doubled, with jitter, from try to try.
        retry_limit_seconds: The longest such delay.
        give_up_seconds: After so long what could not be delivered goes to the dead letters.
        keep_dead: How many dead letters are kept, the latest ones.
        stream_length: About how many entries a Redis stream keeps.
        presign_seconds: How long links to manifest and outputs in an S3 bucket hold; 0 for no links.
    """

    tenants: dict[str, Audience] = Field(default_factory=dict)
    client_schemes: Annotated[tuple[Kind, ...], NoDecode] = (Kind.HTTPS,)
    allow_private: bool = False
    timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 10
    retry_seconds: Positive = 5
    retry_limit_seconds: Positive = 3600
    give_up_seconds: Positive = 24 * 3600
    keep_dead: Annotated[int, Field(ge=0)] = 1000
    stream_length: Annotated[int, Field(ge=1)] = 10_000
    presign_seconds: Annotated[int, Field(ge=0, le=7 * 24 * 3600)] = 0

    @field_validator("client_schemes", mode="before")
    @classmethod
    def _split_schemes(cls, value: object) -> object:
        return split_words(value) if isinstance(value, str) else value

    def told(self, tenant: str) -> tuple[str, ...]:
        """Return the targets that are told of a tenant's documents whatever these say, each once."""
        return tuple(dict.fromkeys([*self.targets, *self._of(tenant).targets]))

    def signing(self, tenant: str, target: str) -> tuple[str, ...]:
        """Return references to the secrets that sign what goes to a target about a tenant's document."""
        return self.secrets if target in self.targets else self._of(tenant).secrets or self.secrets

    def _of(self, tenant: str) -> Audience:
        return self.tenants.get(tenant, Audience())

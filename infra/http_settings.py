"""Settings of the HTTP service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_settings import NoDecode

from infra.errors import InvalidLocation
from infra.notify.settings import split_words
from infra.storage.location import Location

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class HttpSettings(BaseModel):
    """The HTTP service; times in seconds.

    Attributes:
        host: Address to listen on.
        port: Port to listen on; 0 lets the system choose.
        uploads: Where uploaded documents are kept, a URL or path apart from sources and results; without it
            none are taken.
        keys_file: File with the hashes of API keys, as `pageline keys` writes it. Once it is named, every
            request needs a key.
        anonymous: Whether machines other than this one may be served without keys.
        open_paths: Paths that need no key all the same, with what lies under them, such as `/metrics`.
        origins: Web pages of other origins that may use the service; none without it.
        max_bytes: The largest document that is taken, and the largest body of a request.
        idle_seconds: A body that stays silent for so long is given up.
        private_urls: Whether documents may be fetched from addresses of private networks.
        fetches: How many documents are fetched from addresses at once.
        privileges: Whether requests may say `password_secret` and `retention`, which reach beyond the
            document.
        redirect: Whether outputs in a bucket are answered with a link to the bucket, or passed through.
        link_seconds: How long such links hold, and those for direct uploads.
        idempotency_seconds: How long an `Idempotency-Key` is remembered.
        ocr_seconds: How long `POST /ocr` waits for a document.
        ocr_pages: How many pages it reads of a document, the first ones; 0 for all.
        ocr_at_once: How many such requests wait at a time, and further ones are turned away.
        ocr_per_tenant: The same for one tenant.
        streams: How many clients may follow documents' events at once.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    uploads: str | None = None
    keys_file: Path | None = None
    anonymous: bool = False
    open_paths: Annotated[tuple[str, ...], NoDecode] = ()
    origins: Annotated[tuple[str, ...], NoDecode] = ()
    max_bytes: Count = 512 << 20
    idle_seconds: Positive = 30
    private_urls: bool = False
    fetches: Count = 8
    privileges: bool = False
    redirect: bool = True
    link_seconds: Annotated[int, Field(ge=1, le=7 * 24 * 3600)] = 3600
    idempotency_seconds: Count = 24 * 3600
    ocr_seconds: Positive = 120
    ocr_pages: Annotated[int, Field(ge=0)] = 10
    ocr_at_once: Count = 64
    ocr_per_tenant: Count = 32
    streams: Count = 500

    @field_validator("open_paths", "origins", mode="before")
    @classmethod
    def _split_words(cls, value: object) -> object:
        return split_words(value) if isinstance(value, str) else value

    @field_validator("uploads")
    @classmethod
    def _parse_location(cls, value: str | None) -> str | None:
        try:
            return value if value is None else Location.parse(value).uri
        except InvalidLocation as error:
            raise ValueError(str(error)) from error

"""`POST /v1/documents`: as files, by their address, by their place, or by an upload made before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException

from infra.status import DocumentStatus
from infra.status.states import DocumentState
from tasks.layers import value_of
from tasks.ref import DocumentRef
from worker.http.bodies import read_whole
from worker.http.bringing import Content, announce, bring, bring_from, check_options, uploads_of
from worker.http.caller import Caller, CallerIs, DeskIs
from worker.http.desk import Desk
from worker.http.fetching import fetched
from worker.http.problems import Refusal
from worker.http.shapes import Documents, Summary
from worker.http.views import address, summary_of

MOST_FILES = 20  # of a form
_MOST_FIELDS = 100
_FIELD_BYTES = 1 << 16
_JSON_BYTES = 1 << 20  # of a document that is named, with its options
_UPLOAD = r"^[0-9a-f]{32}/[^/]{1,250}$"

router = APIRouter(tags=["documents"])


class _Asked(BaseModel):
    """What all ways have in common.

    Attributes:
        tenant: Whose document it is; left out, the key says so.
        options: What is asked of the reading.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tenant: str | None = Field(default=None, max_length=64)
    options: dict[str, Any] = Field(default_factory=dict)


class FromUrl(_Asked):
    """A document that is fetched from an address on the web; `name` is what it is called here."""

    url: str = Field(pattern=r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s/]+", max_length=4096)
    name: str | None = Field(default=None, min_length=1, max_length=250)


class FromLocation(_Asked):
    """A document that lies in one of the service's sources: `s3://bucket/key` or `file:///path`."""

    location: str = Field(pattern=r"^(s3|file)://", max_length=4096)


class FromUpload(_Asked):
    """A document that was uploaded to the address that `POST /v1/uploads` gave."""

    upload: str = Field(pattern=_UPLOAD)


Elsewhere = FromUrl | FromLocation | FromUpload
ELSEWHERE: TypeAdapter[Elsewhere] = TypeAdapter(Elsewhere)
_ANSWERS: dict[int | str, dict[str, Any]] = {
    202: {
        "model": Summary | Documents,
        "description": "One document, or, of several files, all of them.",
        "headers": {"Location": {"description": "Of one document.", "schema": {"type": "string"}}},
    }
}


@router.post("/v1/documents", status_code=202, responses=_ANSWERS, response_model=None)
async def submit_document(
    request: Request,
    desk: DeskIs,
    caller: CallerIs,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
) -> Response:
    """Have a document read. The same file with the same options is one document, however often it is sent.

    Files come as `multipart/form-data`, with options as fields of their own or together as JSON in `options`.
    With an `Idempotency-Key`, a request that is sent again gets the first one's documents.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _from_form(request, desk, caller, idempotency_key)
    if kind == "application/json":
        asked = _parsed(await read_whole(request, _JSON_BYTES))
        job = _job_for(desk, caller, asked)
        fingerprint = hashlib.sha256(asked.model_dump_json().encode()).hexdigest()
        with desk.fetching(isinstance(asked, FromUrl)):
            return await desk.run(_once, desk, caller, idempotency_key, fingerprint, job)
    raise Refusal(415, "A document comes as multipart/form-data, or is named in application/json.")


async def _from_form(request: Request, desk: Desk, caller: Caller, key: str | None) -> Response:
    try:
        async with request.form(
            max_files=MOST_FILES, max_fields=_MOST_FIELDS, max_part_size=_FIELD_BYTES
        ) as form:
            return await desk.run(_take_form, desk, caller, key, form)
    except MultiPartException as error:
        raise Refusal(400, f"The form cannot be read: {error.message}") from error


def _take_form(desk: Desk, caller: Caller, key: str | None, form: FormData) -> Response:
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    if not files:
        raise Refusal(422, "There is no file in the form.", errors=[{"field": "file", "detail": "missing"}])
    fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    tenant = caller.acting_for(fields.pop("tenant", None), desk.settings)
    options = _form_options(fields)
    check_options(options, desk.settings)
    uploads_of(desk.settings, tenant)
    with ExitStack() as stack:
        contents = [
            stack.enter_context(Content.of(desk, file.filename or "document", file.file, file.size or 0))
            for file in files
        ]
        told = [tenant, options, *([content.name, content.sha256] for content in contents)]
        fingerprint = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        return _once(
            desk,
            caller,
            key,
            fingerprint,
            lambda: [bring(desk, tenant, content, options) for content in contents],
        )


def _form_options(fields: Mapping[str, str]) -> dict[str, Any]:
    options = {name: value_of(text) for name, text in fields.items() if name != "options"}
    together = value_of(fields.get("options", "{}"))
    if not isinstance(together, dict):
        raise Refusal(422, "The field options must be a JSON object.")
    return {**together, **options}


def _parsed(body: bytes) -> Elsewhere:
    try:
        return ELSEWHERE.validate_json(body)
    except ValidationError as error:
        errors = [
            {"field": ".".join(map(str, one["loc"])), "detail": one["msg"]}
            for one in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        detail = "The body must name a document by `url`, `location` or `upload`."
        raise Refusal(422, detail, errors=errors) from None


def _job_for(desk: Desk, caller: Caller, asked: Elsewhere) -> Callable[[], list[DocumentStatus]]:
    tenant = caller.acting_for(asked.tenant, desk.settings)
    check_options(asked.options, desk.settings)
    if isinstance(asked, FromLocation):
        if caller.tenant is not None and len(desk.settings.tenants) > 1:
            raise Refusal(403, "A key of one tenant among several may not name locations.")
        return lambda: [bring_from(desk, tenant, asked.location, asked.options)]
    root = uploads_of(desk.settings, tenant)
    if isinstance(asked, FromUpload):
        ref = DocumentRef(source=root.uri, key=asked.upload, tenant=tenant)
        return lambda: [announce(desk, ref, asked.options)]

    def fetch() -> list[DocumentStatus]:
        with fetched(desk, asked.url, asked.name) as content:
            return [bring(desk, tenant, content, asked.options)]

    return fetch


def _once(
    desk: Desk, caller: Caller, key: str | None, fingerprint: str, job: Callable[[], list[DocumentStatus]]
) -> Response:
    """Do a job, unless a request with the same key has done it. Raises `Refusal` with 409 or 422."""
    if key is None:
        return _answer(desk, job())
    who = f"{caller.tenant or ''}/{caller.name}"
    earlier = desk.idempotency.begin(who, key, fingerprint)
    if earlier is not None and not earlier.same:
        raise Refusal(422, "The Idempotency-Key was used for another request.", kind="idempotency-conflict")
    if earlier is not None and earlier.answer is None:
        raise Refusal(409, "A request with this Idempotency-Key is being worked on.", retry_after=1)
    if earlier is not None and earlier.answer is not None:
        found = desk.store.listing.documents(earlier.answer.split(","))
        if not found:
            raise Refusal(409, "The document of this Idempotency-Key was deleted.")
        return _answer(desk, found, replayed=True)
    try:
        done = job()
    except BaseException:
        desk.idempotency.drop(who, key)
        raise
    desk.idempotency.end(who, key, fingerprint, ",".join(one.id for one in done))
    return _answer(desk, done)


def _answer(desk: Desk, documents: Sequence[DocumentStatus], *, replayed: bool = False) -> Response:
    fresh = all(one.state is DocumentState.RECEIVED for one in documents)  # no pages are counted then
    ids = [one.id for one in documents]
    of_pages = [""] * len(ids) if fresh else desk.store.listing.page_states(ids)
    summaries = [summary_of(one, text, desk.settings) for one, text in zip(documents, of_pages, strict=True)]
    headers = {"Idempotency-Replayed": "true"} if replayed else {}
    body: BaseModel = Documents(documents=summaries, next=None)
    if len(summaries) == 1:
        headers["Location"] = address(summaries[0].id)
        body = summaries[0]
    return Response(body.model_dump_json(), 202, headers, media_type="application/json")

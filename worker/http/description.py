"""The service's description of itself, OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from worker.http.desk import Desk
from worker.http.ocr_shapes import OcrRequest
from worker.http.option_schema import option_schema
from worker.http.problems import MEDIA_TYPE, OCR_PATH
from worker.http.shapes import Problem
from worker.http.submitting import MOST_FILES, FromLocation, FromUpload, FromUrl
from worker.http.uploads import WISH_PATH, UploadWish

_OPEN: Final = frozenset({"/healthz", "/readyz", "/openapi.json"})
_SUBMIT: Final = "/v1/documents"
_READ_LATER: Final[Mapping[str, type[BaseModel]]] = {OCR_PATH: OcrRequest, WISH_PATH: UploadWish}
_PROBLEM: Final = {
    "description": "What is wrong (RFC 9457).",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_SCHEMES: Final = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def describe(app: FastAPI, desk: Desk) -> dict[str, Any]:
    """Return the description of the application as `desk` has it work."""
    found = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema()
    schemas["Options"] = option_schema(desk.settings)
    for path, operations in found["paths"].items():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            if path != OCR_PATH:
                operation["responses"]["default"] = _PROBLEM
            if desk.keys.required and path not in _OPEN:
                operation["security"] = [{name: []} for name in _SCHEMES]
    if desk.keys.required:
        found["components"]["securitySchemes"] = _SCHEMES
    found["paths"][_SUBMIT]["post"]["requestBody"] = _submission()
    for path, model in _READ_LATER.items():
        found["paths"][path]["post"]["requestBody"] = _body(model, schemas)
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    return found


def _body(model: type[BaseModel], schemas: dict[str, Any]) -> dict[str, Any]:
    """Describe a body that the handler reads itself, and what it is made of among the schemas."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= schema.pop("$defs", {})
    schemas[model.__name__] = schema
    reference = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"required": True, "content": {"application/json": {"schema": reference}}}


def _submission() -> dict[str, Any]:
    options = {"$ref": "#/components/schemas/Options"}
    ways = [model.model_json_schema() for model in (FromUrl, FromLocation, FromUpload)]
    for way in ways:
        way["properties"]["options"] = options
    form = {
        "type": "object",
        "properties": {
            "file": {
                "type": "array",
                "items": {"type": "string", "format": "binary"},
                "minItems": 1,
                "maxItems": MOST_FILES,
                "description": "One document or several.",
            },
            "options": {**options, "description": "As JSON; or each as a field of its own name."},
        },
        "required": ["file"],
        "additionalProperties": False,
    }
    content = {
        "multipart/form-data": {"schema": form, "encoding": {"options": {"contentType": "application/json"}}},
        "application/json": {"schema": {"anyOf": ways}},
    }
    return {"required": True, "content": content}

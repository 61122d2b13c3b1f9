"""Errors of boto3 and of S3 servers, told in the storage's terms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from botocore import exceptions as boto
from botocore.exceptions import ClientError

from infra.errors import (
    AccessDenied,
    InvalidKey,
    NotFound,
    PreconditionFailed,
    StorageError,
    StorageUnavailable,
)

CONFLICT = "ConditionalRequestConflict"

_BY_CODE: dict[str, type[StorageError]] = {
    "KeyTooLongError": InvalidKey,
    "InvalidURI": InvalidKey,
    "ExpiredToken": AccessDenied,
    "InvalidToken": AccessDenied,
    "RequestTimeout": StorageUnavailable,
    "RequestTimeTooSkewed": StorageUnavailable,  # this host's clock: another does better
    "OperationAborted": StorageUnavailable,
    CONFLICT: StorageUnavailable,
    # A completion whose answer was lost was sent again: whoever retries learns whether the object exists.
    "NoSuchUpload": StorageUnavailable,
}
_BY_STATUS: dict[int, type[StorageError]] = {
    HTTPStatus.UNAUTHORIZED: AccessDenied,
    HTTPStatus.FORBIDDEN: AccessDenied,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.REQUEST_TIMEOUT: StorageUnavailable,
    HTTPStatus.PRECONDITION_FAILED: PreconditionFailed,
    HTTPStatus.TOO_MANY_REQUESTS: StorageUnavailable,
}
_NO_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.TokenRetrievalError,
)
# Refused, reset, timed out, cut off in the middle.
UNREACHABLE = (
    boto.ConnectionError,
    boto.HTTPClientError,
    boto.ResponseStreamingError,
    boto.IncompleteReadError,
)


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Raise a `StorageError` about `where` in place of whatever boto3 raises within the block."""
    try:
        yield
    except ClientError as error:
        raise _class_of(error)(f"{where}: {_sentence(error)}") from error
    except _NO_CREDENTIALS as error:
        raise AccessDenied(f"{where}: {error}") from error
    except boto.NoRegionError as error:
        raise StorageError(f"{where}: no region is named; AWS_REGION does that") from error
    except (*UNREACHABLE, boto.CredentialRetrievalError) as error:  # the latter: who hands them out is away
        raise StorageUnavailable(f"{where}: {error}") from error
    except boto.BotoCoreError as error:
        raise StorageError(f"{where}: {error}") from error


def code_of(error: ClientError) -> str:
    """Return the server's code of an error, or the HTTP status where an answer had no body."""
    return error.response.get("Error", {}).get("Code", "")


def status_of(error: ClientError) -> int:
    """Return the HTTP status of an error."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def _class_of(error: ClientError) -> type[StorageError]:
    by_code = _BY_CODE.get(code_of(error))
    if by_code is not None:
        return by_code
    if status_of(error) >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return StorageUnavailable
    return _BY_STATUS.get(status_of(error), StorageError)


def _sentence(error: ClientError) -> str:
    message = error.response.get("Error", {}).get("Message", "")
    return f"the server answered {code_of(error)}" + (f" ({message})" if message else "")

"""Documents from addresses on the web. Its calls block, for as long as the other side lets them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from pipelines.errors import InputError, LimitExceeded, UnsupportedInput
from pipelines.read import UrlRules
from pipelines.read.url import UrlError, download, public_name
from tasks.limits import read_limits
from worker.http.bringing import Content, scratch
from worker.http.desk import Desk
from worker.http.problems import Refusal

_CONNECT_SECONDS = 10.0
_TOTAL_SECONDS = 60.0


@contextmanager
def fetched(desk: Desk, url: str, name: str | None) -> Iterator[Content]:
    """Fetch a document, which is there while the context is open. Raises `Refusal`.

    Addresses of private networks are refused wherever a redirect leads, unless the settings allow them.
    """
    rules = UrlRules(_CONNECT_SECONDS, _TOTAL_SECONDS, allow_private=desk.settings.http.private_urls)
    limits = read_limits(desk.settings)
    limits = replace(limits, max_bytes=min(limits.max_bytes, desk.settings.http.max_bytes))
    with scratch(desk) as path:
        try:
            download(url, path, limits, rules)
            named = name or unquote(PurePosixPath(urlsplit(public_name(url)).path).name) or "document"
        except UnsupportedInput as error:
            raise Refusal(403, str(error), kind="address-refused") from error
        except LimitExceeded as error:
            raise Refusal(413, str(error)) from error
        except UrlError as error:
            retry = 5 if error.retryable else None
            raise Refusal(424, str(error), kind="address-failed", retry_after=retry) from error
        except InputError as error:
            raise Refusal(424, str(error), kind="address-failed", retry_after=5) from error
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        yield Content(named, path, digest)

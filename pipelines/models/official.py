"""Weights from the hosts where PaddlePaddle publishes them, tried in upstream's order.

Three hosts serve a model's files one by one, the fourth a tar archive of the folder. Nothing is pinned here:
length and, where Hugging Face states it, SHA-256 are checked against what the host says, and the model's own
`inference.yml` must name the model.
"""

from __future__ import annotations

import hashlib
import http.client
import tarfile
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from functools import partial
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from pipelines.errors import WeightsError
from pipelines.models.files import CONFIG, PARAMETERS
from pipelines.models.spec import Form

_TIMEOUT_S = 15.0  # per connection and read, not for the whole file
_CHUNK = 1 << 18
_SHA256_DIGITS = 64
_NOT_THERE = frozenset({401, 403, 404, 410})  # Hugging Face answers 401 for a repository that does not exist
_WANTED: dict[Form, tuple[tuple[str, ...], ...]] = {  # of each group, the first that is there
    "onnx": ((CONFIG,), ("inference.onnx",)),
    "paddle": ((CONFIG,), ("inference.json", "inference.pdmodel"), (PARAMETERS,)),
}

Report = Callable[[int, int | None], None]


@dataclass(frozen=True)
class OfficialHosts:
    """Base addresses, each replaceable by a mirror with the same layout, and the order they are tried in."""

    hugging_face: str = "https://huggingface.co"
    ai_studio: str = "https://git.aistudio.baidu.com"
    model_scope: str = "https://modelscope.cn"
    object_storage: str = "https://paddle-model-ecology.bj.bcebos.com"
    order: tuple[str, ...] = ("hugging_face", "ai_studio", "model_scope", "object_storage")


OFFICIAL_HOSTS = OfficialHosts()


class NotOnHostError(WeightsError):
    """The host answers, and does not have the file."""


def fetch_official(name: str, form: Form, folder: Path, hosts: OfficialHosts, report: Report) -> str:
    """Fill `folder` with the model's files from the first host that has them; returns the host's address.

    Raises:
        WeightsError: no host has the model; the sentence gives each host's reason.
    """
    reasons: dict[str, list[str]] = {}
    for host in hosts.order:
        base = str(getattr(hosts, host)).rstrip("/")
        try:
            if host == "object_storage":
                _fetch_archive(_archive_url(base, name, form), form, folder, report)
            else:
                _fetch_files(partial(_file_url, host, base, name, form), form, folder, report)
        except (WeightsError, OSError, http.client.HTTPException, tarfile.TarError) as error:
            reasons.setdefault(_plain(error), []).append(urlsplit(base).netloc)
            for leftover in folder.iterdir():
                leftover.unlink()
        else:
            return base
    said = [f"{', '.join(bases)}: {reason}" for reason, bases in reasons.items()]
    raise WeightsError("; ".join(said) or "no official host is configured")


def _file_url(host: str, base: str, name: str, form: Form, file: str) -> str:
    repository = name if form == "paddle" else f"{name}_onnx"
    return {
        "hugging_face": f"{base}/PaddlePaddle/{repository}/resolve/main/{file}",
        "ai_studio": f"{base}/api/v1/repos/PaddleX/{repository}/media/{file}",
        "model_scope": f"{base}/models/PaddlePaddle/{repository}/resolve/master/{file}",
    }[host]


def _archive_url(base: str, name: str, form: Form) -> str:
    package = name if form == "paddle" else f"{name}_onnx"
    return f"{base}/paddlex/official_inference_model/paddle3.0.0/{package}_infer.tar"


def _fetch_files(url_of: Callable[[str], str], form: Form, folder: Path, report: Report) -> None:
    for group in _WANTED[form]:
        for position, file in enumerate(group):
            try:
                _download(url_of(file), folder / file, report)
                break
            except NotOnHostError:
                if position == len(group) - 1:
                    raise


def _fetch_archive(url: str, form: Form, folder: Path, report: Report) -> None:
    archive = folder / "model.tar"
    _download(url, archive, report)
    wanted = {file for group in _WANTED[form] for file in group}
    with tarfile.open(archive, "r:") as tar:
        for entry in tar:
            file = Path(entry.name).name
            packed = tar.extractfile(entry) if entry.isfile() and file in wanted else None
            if packed is not None:  # written under its plain name: an archive cannot choose another place
                (folder / file).write_bytes(packed.read())
    archive.unlink()
    missing = [group for group in _WANTED[form] if not any((folder / file).is_file() for file in group)]
    if missing:
        raise WeightsError(f"the archive holds no {' or '.join(missing[0])}")


def _download(url: str, target: Path, report: Report) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": "pageline", "Accept-Encoding": "identity"})  # noqa: S310  -- the base address is the caller's own setting
    redirects = _StatedDigest()
    try:
        with urllib.request.build_opener(redirects).open(request, timeout=_TIMEOUT_S) as reply:
            redirects.note(reply.headers)
            _save(reply, target, report, redirects.sha256)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in _NOT_THERE:
            raise NotOnHostError(f"it has no {target.name} of this model") from error
        raise WeightsError(f"it answered {error.code} for {target.name}") from error


def _save(reply: Any, target: Path, report: Report, stated: str | None) -> None:
    length = reply.headers.get("Content-Length")
    total = int(length) if length is not None else None
    digest = hashlib.sha256()
    done = 0
    with target.open("wb") as file:
        while chunk := reply.read(_CHUNK):
            file.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            report(done, total)
    if total not in (None, done):
        raise WeightsError(f"{target.name} broke off after {done} of {total} bytes")
    if stated not in (None, digest.hexdigest()):
        raise WeightsError(f"{target.name} has another SHA-256 than the host states")


class _StatedDigest(urllib.request.HTTPRedirectHandler):
    """Keeps the digest that Hugging Face states in the answer that redirects to the real file."""

    def __init__(self) -> None:
        self.sha256: str | None = None

    def note(self, headers: Message) -> None:
        tag = (headers.get("X-Linked-ETag") or "").strip('"')
        if len(tag) == _SHA256_DIGITS:
            self.sha256 = tag

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        self.note(headers)
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]  # urllib passes a plain Message


def _plain(error: Exception) -> str:
    if isinstance(error, urllib.error.URLError):
        reason = getattr(error.reason, "strerror", None) or error.reason
        return f"not reached ({reason})"
    if isinstance(error, tarfile.TarError):
        return f"the archive is damaged ({error})"
    return str(error) or type(error).__name__

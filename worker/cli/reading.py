"""The work of `pageline ocr`: document after document, page after page, through one pipeline."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipelines.errors import InputError
from pipelines.ocr import OCRPipeline
from pipelines.read import PageImage, UrlRules, iter_inputs, open_document
from pipelines.read.inputs import documents_in
from pipelines.result import OCRResult
from worker.cli.errors import CommandError, complain
from worker.cli.terminal import stderr
from worker.cli.view import plural
from worker.cli.weights import make_pipeline

Source = str | Path


class Reading:
    """One run over some documents: what cannot be read is named on stderr, and the rest goes on.

    Args:
        save_path: folder for JSON and pictures; None prints the JSON.
        parameters: those of `predict`.
        opening: how documents are opened: `pages`, `password`, `dpi`.
        url_rules: how addresses are fetched.
    """

    def __init__(
        self,
        pipeline: OCRPipeline,
        save_path: Path | None,
        parameters: Mapping[str, Any],
        opening: Mapping[str, Any],
        url_rules: UrlRules,
    ) -> None:
        self._url_rules = url_rules
        self._opening = {**opening, "text_layer": pipeline.takes_text_layer(parameters.get("text_layer"))}
        self._pipeline = pipeline
        self._save_path = save_path
        self._parameters = parameters
        self._saved: dict[str, Source] = {}
        self.pages = 0
        self.failures = 0

    def read(self, source: Source) -> None:
        """Read a document.

        Raises:
            PipelineError: whatever is not the document's fault.
            CommandError: results cannot be written.
        """
        self._warn_of_replacement(source)
        try:
            for page in self._pages(source):
                self._read_page(page)
        except InputError as error:
            self.fail(error)

    def _pages(self, source: Source) -> Iterator[PageImage]:
        """The pages that can be decoded; a bad page of a good document is only left out."""
        if isinstance(source, str):
            yield from iter_inputs(source, url_rules=self._url_rules, **self._opening)
            return
        with open_document(source, thorough=True, **self._opening) as document:
            for info in document.info.pages:
                try:
                    page = document.page(info.number)
                except InputError as error:
                    self.fail(error)
                else:
                    yield page

    def _read_page(self, page: PageImage) -> None:
        started = time.monotonic()
        for result in self._pipeline.predict(page, **self._parameters):
            self.pages += 1
            if self._save_path is None:
                result.print()
            else:
                self._save(result, self._save_path)
                self._tell(page, result, time.monotonic() - started)

    def _save(self, result: OCRResult, folder: Path) -> None:
        try:
            result.save_all(folder)
        except OSError as error:
            raise CommandError(f"results cannot be written to {folder}: {error.strerror or error}") from error

    def _tell(self, page: PageImage, result: OCRResult, seconds: float) -> None:
        name = Path(page.input_path or "").name
        number = "" if page.page_index is None else f", page {page.number}"
        lines = plural(len(result["rec_texts"]), "line")
        stderr().print(f"{name}{number}: {lines} in {seconds:.2f} s")

    def fail(self, error: InputError) -> None:
        """Name what cannot be read, and go on."""
        self.failures += 1
        complain(str(error))

    def _warn_of_replacement(self, source: Source) -> None:
        before = self._saved.setdefault(Path(source).stem, source)
        if before != source and self._save_path is not None:
            complain(f"the results of {source} replace those of {before}, which has the same name")


def read_all(
    inputs: Iterable[str],
    save_path: Path | None,
    creation: Mapping[str, Any],
    parameters: Mapping[str, Any],
    opening: Mapping[str, Any],
    *,
    private_urls: bool = False,
) -> bool:
    """Read all `inputs`; False when a document or page could not be read.

    Raises:
        PipelineError: the pipeline cannot be made, or an option is wrong.
    """
    rules = UrlRules(allow_private=private_urls)
    reading = Reading(make_pipeline(creation), save_path, parameters, opening, rules)
    started = time.monotonic()
    for text in inputs:
        for source in _expand(text, reading):
            reading.read(source)
    if save_path is not None:
        failed = f", {plural(reading.failures, 'failure')}" if reading.failures else ""
        seconds = time.monotonic() - started
        stderr().print(
            f"{plural(reading.pages, 'page')} read in {seconds:.1f} s{failed}; results in {save_path}"
        )
    return not reading.failures


def _expand(text: str, reading: Reading) -> Iterable[Source]:
    """The documents an `--input` names: a URL stays text, a folder becomes its files."""
    if "://" in text:
        return [text]
    path = Path(text)
    if not os.path.isdir(path):  # noqa: PTH112  -- Path.is_dir raises where a folder above may not be entered
        return [path]
    try:
        return documents_in(path)
    except InputError as error:
        reading.fail(error)
        return []

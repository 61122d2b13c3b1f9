"""The service does what its description says, whatever it is asked."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from http_service import Service

from worker.http.option_schema import option_schema

_CONFIG = """
[checks.positive_data_acceptance]
# Bytes that are no document, and addresses that lead nowhere, are as valid as a schema can say.
expected-statuses = ["2xx", 401, 403, 404, 409, 413, 415, 416, 422, 424, 503]
"""


@pytest.mark.parametrize("pages", ["1-3,7,10-", "10000-20000", "1,2,3,4,5,6,7,8,9,10,11,12", 10000])
def test_pages_that_are_taken_are_described(service: Service, letter: Path, pages: str | int) -> None:
    text, number, _ = option_schema(service.settings)["properties"]["pages"]["anyOf"]
    described = re.search(text["pattern"], pages) if isinstance(pages, str) else pages <= number["maximum"]
    assert described
    options = {"options": json.dumps({"pages": pages})}
    answer = service.http.post("/v1/documents", files={"file": letter.read_bytes()}, data=options)
    assert answer.status_code == 202


def test_schemathesis_finds_no_fault(service: Service, tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(_CONFIG)
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{service.url}openapi.json",
            "--checks=all",
            "--max-examples=5",
            "--max-time=20",
            "--workers=1",  # Python 3.11 raises a SystemError when two threads parse source at once
            "--no-shrink",
            "--phases=examples,coverage,fuzzing",
            "--request-timeout=20",
            "--suppress-health-check=all",
            "--no-color",
            "--seed=1",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr

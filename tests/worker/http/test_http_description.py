"""The service does what its description says, whatever it is asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from http_service import Service

_CONFIG = """
[checks.positive_data_acceptance]
# Bytes that are no document, and addresses that lead nowhere, are as valid as a schema can say.
expected-statuses = ["2xx", 401, 403, 404, 409, 413, 415, 416, 422, 424, 503]
"""


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

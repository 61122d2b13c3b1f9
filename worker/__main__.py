"""`python -P -m worker --device cpu`: a worker, set up by the environment."""

from __future__ import annotations

import argparse
import sys

from infra.errors import InfraError
from infra.settings import load_settings
from pipelines.errors import PipelineError


def main() -> int:
    """Run the worker; errors are one sentence on standard error and exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m worker", description="Run one Pageline worker.")
    parser.add_argument("--device", default="cpu", help="cpu, gpu:0, npu:0 ..., or control")
    parser.add_argument("--drain", action="store_true", help="end once nothing is left to do")
    arguments = parser.parse_args()
    from worker.run import run_worker  # noqa: PLC0415  -- `--help` needs no queue

    try:
        run_worker(load_settings(), arguments.device, drain=arguments.drain)
    except (InfraError, PipelineError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

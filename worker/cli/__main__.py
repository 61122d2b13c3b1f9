"""`python -P -m worker.cli ...`: the command line of exactly this interpreter."""

from __future__ import annotations

from worker.cli import main

if __name__ == "__main__":  # a worker's child, spawned, imports its parent's main module
    main()

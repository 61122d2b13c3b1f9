"""`python -P -m worker.cli ...`: the command line of exactly this interpreter."""

from __future__ import annotations

from worker.cli import main

main()

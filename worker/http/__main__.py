"""`python -m worker.http FILE`: the service of a local stack, which writes its address into FILE."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from infra.settings import load_settings
from worker.cli.signals import Terminated, ending_in_order
from worker.http.serving import announced, listening, serve
from worker.logs import set_up_logs

if __name__ == "__main__":
    settings = load_settings()
    set_up_logs(settings)
    with (
        suppress(KeyboardInterrupt, Terminated),
        ending_in_order(),
        listening(settings, anywhere=True) as link,
        announced(Path(sys.argv[1]), link),
    ):
        serve(settings, link)

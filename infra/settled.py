"""What a process holds for good, kept out of the garbage collector's way."""

from __future__ import annotations

import gc


def settle() -> None:
    """Collect what start-up left behind, and look at the rest no more.

    A process with its libraries holds some 130,000 objects for good. Parsing a page's JSON makes thousands,
    and each full collection that they cause goes over all of them: without this that is most of the time.
    """
    gc.collect()
    gc.freeze()

"""A folder that is watched, on any file system."""

from __future__ import annotations

import logging
import time
from functools import partial

from infra.errors import SettingsError
from infra.storage.location import Location
from worker.bridge.announcer import Announcer
from worker.bridge.outcome import Outcome
from worker.bridge.patience import patiently
from worker.bridge.sorter import Sorter
from worker.inbox.folder import FolderWatch
from worker.inbox.gather import is_unicode

_log = logging.getLogger(__name__)
_PAUSE_SECONDS = 1.0


class WatchedFolder:
    """A folder inside a configured source: a file is announced when it has stopped changing.

    It is looked at again and again, since network file systems tell of nothing. After a start, what lies
    there is announced once more, and ingest knows it.

    Args:
        place: The folder.
        sorter: Has the configured sources.

    Raises:
        SettingsError: there is no such folder, or it lies in no source.
    """

    def __init__(self, place: Location, sorter: Sorter) -> None:
        root = place.path
        if not root.is_dir():
            raise SettingsError(f"there is no folder {root}")
        inside = sorter.sort(Location("file", str(root / "document")))
        if isinstance(inside, Outcome) and not any(place.contains(source) for source in sorter.sources):
            raise SettingsError(f"{root} lies in none of the configured sources")
        self._watch = FolderWatch(root)

    def serve(self, announcer: Announcer) -> None:
        """Look until an exception ends it, Ctrl-C and SIGTERM among them."""
        while True:
            for key in self._watch.poll():
                if is_unicode(key):
                    place = Location("file", str(self._watch.root / key))
                    patiently(partial(announcer.announce, place))
                else:
                    announcer.counts.add(Outcome.NO_DOCUMENT)
                    _log.warning("%r cannot be announced: its name is not Unicode", key)
            time.sleep(_PAUSE_SECONDS)

"""Has a document end as it stands.

As with a retry, what is to be done lies in storage (`cancelled.json`) before Redis hears of it, and goes when
the manifest is there: a document that was cancelled stays so, whatever Redis forgets.
"""

from __future__ import annotations

from infra.status.states import TERMINAL
from infra.status.work import Commit
from infra.storage import Storage
from tasks.context import Tools
from tasks.ledger import read_records, write_cancelling
from tasks.places import Folder
from tasks.records import Cancelling
from tasks.resume import end_as_it_stands, resume


def cancel(tools: Tools, storage: Storage, folder: Folder) -> tuple[Commit, int]:
    """Have a document end as it stands: FIRST, or REPEATED where it is being finalized or has ended.

    Returns its generation too. One that Redis has forgotten is known to it afterwards. Raises `RequestLost`,
    `StorageError`, `BrokerUnavailable`.
    """
    known = tools.store.listing.generations([folder.document]).get(folder.document)
    if known is not None and known[0] in TERMINAL:
        return Commit.REPEATED, known[1]
    generation = known[1] if known is not None else read_records(storage, folder).open_generation
    if generation is not None:
        write_cancelling(storage, folder, Cancelling(generation=generation))
    outcome, found = end_as_it_stands(tools, folder.document)
    if outcome is not Commit.GONE:
        return outcome, found
    resume(tools, storage, folder, recall=True)
    found = tools.store.listing.generations([folder.document]).get(folder.document, (None, 1))[1]
    return Commit.REPEATED if generation is None else Commit.FIRST, found

"""Every hostile file of the development data through a real queue, twice, half of them at once."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from crew import Site, site, write_pdf

from infra.status.states import DocumentState
from tasks.records import DocumentRef
from worker.stack.valkey import ValkeyHandle


@pytest.mark.timeout(300)
def test_hostile_files_all_end_and_take_no_worker_down_for_good(
    tmp_path: Path, valkey: ValkeyHandle, dev_data: Path
) -> None:
    with site(tmp_path, valkey.broker_url, "hostile:") as made:
        made.start("control")
        made.start("cpu")
        made.ready(control=1, cpu=1)
        hostile = sorted((dev_data / "hostile").iterdir())
        for path in hostile:
            shutil.copy(path, made.inbox / path.name)
        names = [path.name for path in hostile]
        _announce(made, names[::2] * 2)
        made.ended(len(names[::2]))
        for count, name in enumerate(names[1::2], len(names[::2]) + 1):
            _announce(made, [name])
            made.ended(count)
            _announce(made, [name])
        write_pdf(made.inbox / "zz-sound.pdf", 2)
        made.announce("zz-sound.pdf")  # behind all of them
        *found, sound = made.ended(len(names) + 1)
        assert [Path(document.source).name for document in found] == names
        assert sound.state is DocumentState.SUCCEEDED
        assert len(made.documents()) == len(names) + 1
        for document in found:
            assert document.state is DocumentState.SUCCEEDED or document.reason
            manifest = made.manifest(document)
            assert manifest["state"] == document.state
            assert all(page["reason"] for page in manifest["pages"] if page["state"] == "failed")
        made.ready(control=1, cpu=1)


def _announce(made: Site, names: Sequence[str]) -> None:
    with made.producer() as producer:
        for name in names:
            producer.announce(DocumentRef(source=f"file://{made.inbox}", key=name))

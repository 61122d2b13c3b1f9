"""The text that PDF pages carry, through the queue."""

from __future__ import annotations

import json

import pytest
from desk import Desk
from pdfs import LETTER, letter, text_pdf


@pytest.mark.parametrize("options", [{}, {"text_layer": "trust"}, {"text_layer": "ignore"}])
def test_layers_are_verified_unless_asked_otherwise(desk: Desk, options: dict[str, str]) -> None:
    (desk.inbox / "a.pdf").write_bytes(text_pdf(letter()))
    document = desk.ingest(options=options)
    desk.work()
    page = json.loads(desk.path(desk.folder(document).page(1)).read_bytes())
    use = page["text_layer"]
    assert use["mode"] == options.get("text_layer", "verify")
    # The fake engine makes up its words, so that no layer agrees with them.
    assert use["used"] == (use["mode"] == "trust")
    assert (use["agreement"] is not None) == (use["mode"] == "verify")
    assert (page["rec_texts"] == list(LETTER)) == use["used"]

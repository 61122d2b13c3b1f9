"""The page before a service that asks for keys, or does not answer."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, Desk
from command_line import command, environment
from crew import PATIENCE, wait_for
from playwright.sync_api import expect

from worker.http.keys import add_key
from worker.stack.address import find_stack

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def locked(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Another service of the same stack, which asks for keys: its address, and a key."""
    folder = tmp_path_factory.mktemp("locked")
    keys = folder / "keys.json"
    key = add_key(keys, "test", None)
    settings = find_stack(desk.folder / "desk/.pageline")
    http = settings.http.model_copy(update={"keys_file": keys, "port": 0})
    told = settings.model_copy(update={"http": http}).environment()
    log = folder / "serve.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command("serve"),
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**environment(folder), **told},
        )
    try:
        address = wait_for(lambda: process.poll() is not None or _address(log))
        assert isinstance(address, str), log.read_text()
        yield address, key
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _address(log: Path) -> str | None:
    found = [line.split()[-1] for line in log.read_text().splitlines() if line.startswith("serving ")]
    return found[0] if found else None


def test_a_key_is_asked_for_once_and_opens_everything(
    browser: Browser, desk: Desk, letter: dict[str, Any], locked: tuple[str, str]
) -> None:
    url, key = locked
    page = browser.new_context(accept_downloads=True).new_page()
    page.goto(url)
    dialog = page.get_by_role("dialog")
    for given, told in (("pl_00000000wrong", "This service is for those"), (key, "does not know this key")):
        expect(dialog).to_contain_text(told)
        page.get_by_label("Key", exact=True).fill(given)
        page.get_by_role("button", name="Continue").click()
    expect(page.locator(".row").first).to_be_visible()
    page.goto(f"{url}#/documents/{letter['id']}")
    expect(page.locator(".paper img")).to_be_visible()
    page.locator("summary", has_text="Download").click()
    with page.expect_download() as coming:
        page.locator(".menu-list a").first.click()
    assert coming.value.path().read_bytes() == desk.http.get(letter["outputs"][0]["url"]).content
    page.reload()
    expect(page.locator(".paper img")).to_be_visible()
    assert page.evaluate("localStorage.length") == 0
    page.context.close()


def test_whoever_has_no_key_is_left_in_peace(browser: Browser, locked: tuple[str, str]) -> None:
    page = browser.new_context().new_page()
    page.goto(locked[0])
    page.get_by_role("button", name="Not now").click()
    expect(page.locator(".queue .pane-note")).to_contain_text("API key")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Use another API key").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.context.close()


def test_a_lost_connection_is_told_in_a_sentence_and_mends_itself(browser: Browser, desk: Desk) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(desk.url)
    expect(page.get_by_role("heading", name="Drop documents here")).to_be_visible()
    context.set_offline(True)
    expect(page.locator(".queue .pane-note")).to_contain_text("The service does not answer")
    context.set_offline(False)
    expect(page.locator(".queue .pane-note")).not_to_contain_text("does not answer")
    context.close()

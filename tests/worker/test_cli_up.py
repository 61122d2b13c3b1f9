"""`pageline up` as a process, and the commands that talk to it."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from command_line import command, document, environment, pageline, picture, processes_of
from crew import PATIENCE, wait_for

from infra.storage import Location, S3Options, Storage, open_storage


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """A stack in `folder`/desk, as soon as it can be asked."""
    address = folder / "desk/.pageline/stack.json"
    address.unlink(missing_ok=True)
    with (folder / "up.log").open("a") as log:
        process = subprocess.Popen(
            command("up", "--dir", "desk", "--engine", "fake", *arguments),
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env=environment(folder),
        )
    wait_for(lambda: process.poll() is not None or address.exists())
    assert process.poll() is None, (folder / "up.log").read_text()
    return process


@contextmanager
def up(folder: Path, *arguments: str) -> Iterator[None]:
    """The same for a while; SIGTERM ends it, and must leave nothing behind."""
    process = start(folder, *arguments)
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)
    assert process.returncode == 0
    assert processes_of(folder) == []
    assert not (folder / "desk/.pageline/stack.json").exists()


def manifest(folder: Path, key: str) -> Path:
    """Wait for the manifest of the one document of that key."""
    (found,) = wait_for(lambda: list((folder / "desk/results" / key).glob("*/document.json")))
    return found


def log_of(folder: Path) -> list[str]:
    """The lines of all runs so far, without the time of day."""
    return [
        line.partition("  ")[2] for line in (folder / "up.log").read_text().splitlines() if line[2:3] == ":"
    ]


def test_what_is_put_into_the_inbox_is_read_once_also_after_a_restart(tmp_path: Path) -> None:
    with up(tmp_path):
        picture(tmp_path / "desk/inbox/.half-written.png").rename(tmp_path / "desk/inbox/a.png")
        document(tmp_path / "desk/inbox/deep/two.pdf", pages=2)
        (tmp_path / "desk/inbox/b.pdf.part").write_bytes(b"%PDF")
        first = manifest(tmp_path, "a.png")
        assert json.loads(manifest(tmp_path, "deep/two.pdf").read_text())["state"] == "succeeded"
        wait_for(lambda: "desk/inbox/a.png: succeeded, pages 1" in log_of(tmp_path))
    written = first.stat().st_mtime_ns
    with up(tmp_path):
        picture(tmp_path / "desk/inbox/c.png")
        manifest(tmp_path, "c.png")
    assert first.stat().st_mtime_ns == written
    assert not (tmp_path / "desk/results/b.pdf.part").exists()
    assert log_of(tmp_path).count("desk/inbox/a.png: succeeded, pages 1") == 1


def test_documents_elsewhere_are_submitted_and_asked_about(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "more").mkdir()
    (tmp_path / "more/empty.pdf").touch()
    with up(tmp_path):
        submitted = pageline(tmp_path, "submit", "--dir", "desk", "a.png", "more")
        assert submitted.returncode == 0, submitted.stderr
        ids = {name: one for one, name in (line.split("  ") for line in submitted.stdout.splitlines())}
        assert ids.keys() == {"a.png", "more/empty.pdf"}
        assert manifest(tmp_path, "a.png").parent.name == ids["a.png"]
        watched = pageline(tmp_path, "status", "--dir", "desk", "--watch", "--json", ids["more/empty.pdf"])
        assert watched.returncode == 3
        assert json.loads(watched.stdout)["state"] == "rejected"
        listed = pageline(tmp_path, "status", "--dir", "desk")
        assert listed.returncode == 0
        assert all(identity in listed.stdout for identity in ids.values())
        assert " control@" in listed.stdout
        address = wait_for(lambda: [path.read_text() for path in tmp_path.glob("desk/.pageline/http.url")])[0]
        with urllib.request.urlopen(f"{address}v1/documents/{ids['a.png']}") as answer:
            assert json.load(answer)["state"] == "succeeded"
        again = pageline(tmp_path, "submit", "--dir", "desk", "a.png")
        assert again.stdout.split("  ")[0] == ids["a.png"]
        otherwise = pageline(tmp_path, "submit", "--dir", "desk", "a.png", "--option", "outputs=txt,md")
        another = tmp_path / "desk/results/a.png" / otherwise.stdout.split("  ")[0]
        assert another.name not in ids.values()
        wait_for((another / "document.json").exists)
        assert (another / "document.md").exists()
        nothing = pageline(tmp_path, "submit", "--dir", "desk", "gone.pdf")
        assert nothing.returncode == 2
        assert "gone.pdf" in nothing.stderr


def test_a_folder_has_one_stack_at_a_time(tmp_path: Path) -> None:
    with up(tmp_path):
        second = pageline(tmp_path, "up", "--dir", "desk", "--engine", "fake")
        assert second.returncode == 1
        assert "in use by another running stack" in second.stderr
        assert pageline(tmp_path, "status", "--dir", "desk").returncode == 0


def test_a_stack_that_was_killed_is_cleared_away_and_goes_on(tmp_path: Path) -> None:
    killed = start(tmp_path)
    document(tmp_path / "desk/inbox/long.pdf", pages=40)
    wait_for(lambda: list((tmp_path / "desk/results").glob("long.pdf/*/request.json")))
    killed.kill()
    killed.wait()
    assert processes_of(tmp_path) != []
    with up(tmp_path):
        assert json.loads(manifest(tmp_path, "long.pdf").read_text())["state"] == "succeeded"


def bucket(folder: Path) -> Storage:
    keys = dict(line.split("=", 1) for line in (folder / "desk/s3.env").read_text().splitlines())
    access = S3Options(
        endpoint=keys["AWS_ENDPOINT_URL"],
        access_key=keys["AWS_ACCESS_KEY_ID"],
        secret_key=keys["AWS_SECRET_ACCESS_KEY"],
    )
    return open_storage(Location("s3", "pageline"), access)


def test_a_put_into_the_local_bucket_is_all_it_takes(tmp_path: Path) -> None:
    with up(tmp_path, "--s3"):
        assert (tmp_path / "desk/s3.env").stat().st_mode & 0o777 == 0o600
        greeting = (tmp_path / "up.log").read_text()
        assert "put documents into  s3://pageline/inbox/" in greeting
        storage = bucket(tmp_path)
        storage.create("inbox/a b.png", picture(tmp_path / "a.png"), content_type="image/png")
        found = wait_for(
            lambda: [one.key for one in storage.list("results/") if one.key.endswith("/document.json")]
        )
        assert found[0].startswith("results/a%20b.png/")
        assert json.loads(storage.read(found[0]))["state"] == "succeeded"
        asked = pageline(tmp_path, "status", "--dir", "desk", "--json")
        assert [one["source"] for one in json.loads(asked.stdout)] == ["s3://pageline/inbox/a b.png"]
    with up(tmp_path, "--s3"):
        assert {one.key for one in bucket(tmp_path).list("results/")} >= set(found)

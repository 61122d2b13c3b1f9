from __future__ import annotations

import io
import json
import logging
import threading
import warnings
from collections.abc import Iterator

import pytest

from infra.log import log_context, masked, setup_logging

log = logging.getLogger("pageline.test")


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def test_json_has_one_object_a_line(stream: io.StringIO) -> None:
    setup_logging("json", stream=stream)
    log.info("fetched %s", "a\nb - ü")
    log.debug("not written")
    (line,) = stream.getvalue().splitlines()
    fields = json.loads(line)
    assert fields["message"] == "fetched a\nb - ü"
    assert (fields["level"], fields["logger"]) == ("INFO", "pageline.test")
    assert fields["time"].endswith("+00:00")
    assert isinstance(fields["process"], int)
    assert "document" not in fields
    assert "error" not in fields


def test_text_has_one_line_an_event_whatever_is_in_it(stream: io.StringIO) -> None:
    setup_logging("text", stream=stream)
    log.warning("no %s", "such\nfile\x1b[31m")
    (line,) = stream.getvalue().splitlines()
    assert line.endswith(r"WARNING pageline.test: no such\x0afile\x1b[31m")


@pytest.mark.parametrize("style", ["json", "text"])
def test_lines_name_the_document_and_page_at_hand(style: str, stream: io.StringIO) -> None:
    setup_logging(style, stream=stream)  # type: ignore[arg-type]  # parametrized
    with log_context(document="d1"):
        with log_context(page=0):
            log.info("one")
        with pytest.raises(KeyError), log_context(document="d2", page=3):
            raise KeyError
        log.info("two")
    log.info("three")
    one, two, three = stream.getvalue().splitlines()
    if style == "json":
        fields = [json.loads(line) for line in (one, two, three)]
        assert [(line.get("document"), line.get("page")) for line in fields] == [
            ("d1", 0),
            ("d1", None),
            (None, None),
        ]
    else:
        assert "[document=d1 page=0]: one" in one
        assert "[document=d1]: two" in two
        assert "pageline.test: three" in three


def test_threads_keep_their_own_context(stream: io.StringIO) -> None:
    setup_logging("json", stream=stream)

    def work() -> None:
        log.info("bare")
        with log_context(page=2):
            log.info("inside")

    with log_context(document="d1", page=1):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        log.info("outside")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["message"], line.get("document"), line.get("page")) for line in lines] == [
        ("bare", None, None),
        ("inside", None, 2),
        ("outside", "d1", 1),
    ]


@pytest.mark.parametrize("style", ["json", "text"])
def test_errors_come_with_their_traceback_without_secrets(style: str, stream: io.StringIO) -> None:
    setup_logging(style, stream=stream)  # type: ignore[arg-type]  # parametrized
    try:
        raise RuntimeError("redis://user:hunter2@host/0 is down")  # noqa: TRY301 - a traceback is wanted
    except RuntimeError:
        log.exception("lost redis://user:hunter2@host/0")
    assert "Traceback" in stream.getvalue()
    assert "test_log.py" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()
    assert stream.getvalue().count("redis://user:***@host/0") == 3  # the line of code is shown too


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("redis://:p%40ss@host:6379/0", "redis://:***@host:6379/0"),
        ("rediss://me:p:w/rong@host", "rediss://me:p:w/rong@host"),  # no URL: a slash ends the host
        ("http://u:p@a and http://u:q@b", "http://u:***@a and http://u:***@b"),
        ("https://host:8080/path", "https://host:8080/path"),
        ("s3://bucket/me@home.pdf", "s3://bucket/me@home.pdf"),
        ("?X-Amz-Signature=0a1b&X-Amz-Date=1", "?X-Amz-Signature=***&X-Amz-Date=1"),
        ("aws_secret_access_key=abc/def+g, x", "aws_secret_access_key=***, x"),
        ('{"secret_key": "abc", "region": "x"}', '{"secret_key": "***", "region": "x"}'),
        ("password: hunter2", "password: ***"),
        ("the password is wrong", "the password is wrong"),
    ],
)
def test_secrets_are_masked(text: str, expected: str) -> None:
    assert masked(text) == expected


def test_what_is_too_long_is_cut(stream: io.StringIO) -> None:
    setup_logging("json", stream=stream)
    log.error("x" * 100_000)
    assert len(json.loads(stream.getvalue())["message"]) == 4001


def test_setting_up_again_replaces_and_talkative_libraries_stay_quiet(stream: io.StringIO) -> None:
    setup_logging("json", "ERROR", stream=io.StringIO())
    setup_logging("json", "DEBUG", stream=stream)
    log.debug("once")
    logging.getLogger("botocore.endpoint").debug("headers and body")
    logging.getLogger("botocore.endpoint").warning("heard")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["once", "heard"]


def test_warnings_are_logged(stream: io.StringIO) -> None:
    setup_logging("text", stream=stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old call", DeprecationWarning, stacklevel=1)
    assert "py.warnings" in stream.getvalue()

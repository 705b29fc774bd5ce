"""Log lines: one JSON object each, with what they belong to."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator

import pytest

from indexer.settings import Settings
from worker.logs import JsonLines, bound, set_up_logs


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before, level = [*root.handlers], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


def set_up(**settings: str) -> None:
    set_up_logs(Settings.model_validate(settings))


def test_a_line_is_one_json_object_with_what_it_belongs_to(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up(log_format="json", log_level="info")
    with bound(request="r1", job=None), bound(collection="photos"):
        logging.getLogger("a.b").info("Found %d\nfiles", 3, extra={"milliseconds": 1.5})
    logging.getLogger("a.b").debug("too quiet")
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert told.pop("time").endswith("Z")
    assert told == {
        "level": "info",
        "logger": "a.b",
        "message": "Found 3\nfiles",
        "request": "r1",
        "collection": "photos",
        "milliseconds": 1.5,
    }


def test_a_traceback_stays_in_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(log_format="json")
    try:
        raise ValueError("the reason")
    except ValueError:
        logging.getLogger("a").exception("It failed.")
    (line,) = capsys.readouterr().err.splitlines()
    assert "ValueError: the reason" in json.loads(line)["traceback"]


def test_half_a_character_breaks_no_line() -> None:
    record = logging.makeLogRecord({"msg": "name %s", "args": ("\ud800",)})
    line = JsonLines().format(record)
    line.encode()
    assert json.loads(line)["message"] == "name \ud800"


def test_lines_for_people_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    set_up()
    with bound(task="t1"):
        logging.getLogger("a").warning("one\ntwo")
    assert capsys.readouterr().err.endswith(" WARNING a: one\\ntwo [task=t1]\n")


def test_what_is_bound_in_one_thread_is_not_bound_in_another(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up(log_format="json")
    with bound(request="mine"):
        thread = threading.Thread(target=logging.getLogger("a").warning, args=("other",))
        thread.start()
        thread.join()
    assert "request" not in json.loads(capsys.readouterr().err)


def test_verbose_says_more_and_never_less(capsys: pytest.CaptureFixture[str]) -> None:
    for level, lines in (("error", 1), ("info", 1), ("debug", 2)):
        set_up_logs(Settings.model_validate({"log_level": level}), verbose=True)
        logging.getLogger("a").info("news")
        logging.getLogger("a").debug("details")
        assert len(capsys.readouterr().err.splitlines()) == lines


def test_libraries_do_not_log_the_addresses_they_call(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(log_level="debug")
    logging.getLogger("httpx").info("POST http://qdrant/…")
    assert capsys.readouterr().err == ""

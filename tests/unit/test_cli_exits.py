"""Errors as exit codes, and errors that travelled over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from api.cli.exits import EXITS, exit_code
from api.transport import ServerLost, Transport, error_from, raise_for, segment
from indexer import errors
from indexer.errors import SemblanceError


def every_class(base: type[SemblanceError] = SemblanceError) -> Iterator[type[SemblanceError]]:
    for child in base.__subclasses__():
        yield child
        yield from every_class(child)


def test_every_class_but_the_base_has_an_exit_code_of_its_own() -> None:
    unplaced = [c.__name__ for c in every_class() if exit_code(c("x")) == EXITS[SemblanceError]]
    assert unplaced == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InvalidQuery("x"), 2),
        (errors.AssetNotFound("x"), 3),
        (errors.StoreLocked("x"), 4),
        (errors.DiskFull("x"), 5),
        (errors.RateLimited("x"), 6),
        (SemblanceError("x"), 1),
    ],
)
def test_exit_codes(error: SemblanceError, code: int) -> None:
    assert exit_code(error) == code


@pytest.mark.parametrize("cls", [c for c in every_class() if c.__module__ == "indexer.errors"])
def test_an_error_comes_back_as_its_own_class(cls: type[SemblanceError]) -> None:
    raised = error_from(cls.code, "what happened", {"path": "a.jpg", "message": "mine"})
    assert type(raised) is cls
    assert raised.message == "what happened"
    assert raised.details == {"path": "a.jpg"}


@pytest.mark.parametrize(
    ("status", "cls"),
    [
        (404, errors.NotFound),
        (400, errors.InvalidInput),
        (503, errors.Unavailable),
        (500, SemblanceError),
    ],
)
def test_a_stranger_s_answer_is_placed_by_its_status(
    status: int, cls: type[SemblanceError]
) -> None:
    with pytest.raises(SemblanceError) as raised:
        raise_for(httpx.Response(status, text="<html>proxy</html>"))
    assert type(raised.value) is cls
    assert str(status) in raised.value.message


def test_a_server_that_is_gone_says_so() -> None:
    transport = Transport("http://127.0.0.1:1", None, "token")  # nobody listens on port 1
    with pytest.raises(ServerLost, match="does not answer"):
        transport.json("GET", "/v1/models")
    transport.close()


@pytest.mark.parametrize(
    ("text", "piece"), [("a b/c", "a%20b%2Fc"), ("..", "%2E%2E"), ("v1.2", "v1.2")]
)
def test_names_stay_one_piece_of_the_path(text: str, piece: str) -> None:
    assert segment(text) == piece

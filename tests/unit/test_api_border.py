"""Who may call under which name and from which page, and which paths may be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.datastructures import Headers

from api.auth import Caller, allowed_path
from api.border import Activity, Border, allowed_hosts, check_host, check_origin
from indexer.errors import Forbidden, InvalidInput
from indexer.settings import Settings


def settings(**given: object) -> Settings:
    return Settings.model_validate({"host": "127.0.0.1", **given})


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:7700", "127.0.0.1:80", "[::1]:7700", "photos.example:443"]
)
def test_own_names_are_answered_to(host: str) -> None:
    allowed = allowed_hosts(settings(allowed_hosts=["photos.example"]))
    check_host(Headers({"host": host}), allowed)


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "127.0.0.1.nip.io"])
def test_foreign_names_are_refused(host: str) -> None:
    with pytest.raises(Forbidden, match="SEMBLANCE_ALLOWED_HOSTS"):
        check_host(Headers({"host": host}), allowed_hosts(settings()))


def test_listening_everywhere_does_not_allow_every_name() -> None:
    assert "0.0.0.0" not in allowed_hosts(settings(host="0.0.0.0"))
    assert "192.168.1.7" in allowed_hosts(settings(host="192.168.1.7"))


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "localhost:7700"},
        {"host": "localhost:7700", "origin": "http://localhost:7700"},
        {"host": "photos.example", "origin": "https://photos.example"},
        {"host": "localhost:7700", "sec-fetch-site": "same-origin"},
    ],
)
def test_own_pages_and_programs_may_change_things(headers: dict[str, str]) -> None:
    check_origin(Headers(headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "localhost:7700", "origin": "http://evil.example"},
        {"host": "localhost:7700", "origin": "http://localhost:8080"},
        {"host": "localhost:7700", "origin": "null"},
        {"host": "localhost:7700", "sec-fetch-site": "cross-site"},
    ],
)
def test_foreign_pages_may_not(headers: dict[str, str]) -> None:
    with pytest.raises(Forbidden):
        check_origin(Headers(headers))


def test_clients_reach_the_folders_that_are_open_to_them(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    open_to_clients = settings(folders=[tmp_path / "open"])
    inside = tmp_path / "open" / "photos"
    assert allowed_path(str(inside), Caller.CLIENT, open_to_clients) == inside.resolve()


@pytest.mark.parametrize("path", ["closed", "open/../closed", "open/link", "open-too", "open/.."])
def test_clients_reach_nothing_else(tmp_path: Path, path: str) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "closed").mkdir()
    os.symlink(tmp_path / "closed", tmp_path / "open" / "link")
    open_to_clients = settings(folders=[tmp_path / "open"])
    with pytest.raises(Forbidden, match="SEMBLANCE_FOLDERS"):
        allowed_path(f"{tmp_path}/{path}", Caller.CLIENT, open_to_clients)
    asked = f"{tmp_path}/{path}"
    assert allowed_path(asked, Caller.OWNER, open_to_clients) == Path(asked)


@pytest.mark.parametrize("path", ["photos", "", "~/photos", "/a\0b"])
def test_what_is_no_absolute_path_is_no_path_at_all(path: str) -> None:
    with pytest.raises(InvalidInput):
        allowed_path(path, Caller.OWNER, settings())


def test_what_nobody_answered_is_a_500_in_the_one_shape(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()
    app.add_middleware(Border, settings=settings(), activity=Activity())

    @app.get("/")
    def fail() -> None:
        raise ZeroDivisionError("secret")

    answer = TestClient(app, base_url="http://localhost").get("/")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    assert answer.json()["details"]["id"] in caplog.text
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"

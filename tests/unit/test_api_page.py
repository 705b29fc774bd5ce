"""The web page is served for every address of its own, and hides no mistake of a program."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api import errors
from api.routes import page


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>the page</title>")
    (tmp_path / "assets" / "app.js").write_text("start()")
    (tmp_path.parent / "secret.txt").write_text("secret")
    app = FastAPI(docs_url=None, redoc_url=None)
    errors.install(app)
    app.include_router(page.router)
    page.serve_page(app, tmp_path)
    return TestClient(app, headers={"Accept": "text/html"})


@pytest.mark.parametrize("path", ["/", "/map", "/asset/7?q=boat"])
def test_each_address_of_the_page_is_the_page(client: TestClient, path: str) -> None:
    assert "the page" in client.get(path).text


def test_its_files_are_served(client: TestClient) -> None:
    answer = client.get("/assets/app.js")
    assert answer.text == "start()"
    assert "javascript" in answer.headers["content-type"]


@pytest.mark.parametrize(
    "path", ["/v1/nothing", "/assets/gone.js", "/../secret.txt", "/%2e%2e/secret.txt"]
)
def test_what_is_not_there_is_said(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"Accept": "*/*"})
    assert "secret" not in answer.text
    assert answer.status_code == 404


def test_a_checkout_without_the_page_says_how_to_build_it(tmp_path: Path) -> None:
    app = FastAPI()
    page.serve_page(app, tmp_path / "none")
    assert "./run setup" in TestClient(app).get("/").text

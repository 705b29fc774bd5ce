"""A real server with a few indexed files, and a real browser that notes all that goes wrong."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import httpx
import pytest
import skimage
from PIL import Image, ImageOps
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from api.address import Address, published

COLLECTION = "archive"
PICTURES = Path(skimage.__file__).parent / "data"

_ROOT = Path(__file__).parents[2]
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS = (
    "--no-sandbox",  # containers have no user namespaces; only our own page is opened
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
_START_SECONDS = 120

_FOUND = {
    "cat.png": "chelsea.png",
    "rocket.jpg": "rocket.jpg",
    "cup of coffee.png": "coffee.png",
    "astronaut.png": "astronaut.png",
    "coins.png": "coins.png",
    "motorcycle.png": "motorcycle_left.png",
}
_WRITTEN = {
    "lighthouse.txt": (
        "The keeper of the lighthouse climbed the stairs twice a night to trim the lamp, and "
        "wrote the hour of each visit in his log beside the weather."
    ),
    "bread.txt": (
        "Knead the dough for ten minutes, let it rise in a warm place until it has doubled, "
        "and bake the bread in a hot oven."
    ),
    "markup.txt": "A page may contain <b>markup</b> <img src=x onerror=alert(1)> as plain words.",
}


@dataclass
class Visit:
    """One browser context on the page. `accepted` are console errors that a test provokes."""

    context: BrowserContext
    url: str
    errors: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)
    accepted: tuple[str, ...] = ()

    def open(self, view: str = "") -> Page:
        page = self.context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(f"{self.url}/{view}")
        return page

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(
            text in message.text for text in self.accepted
        ):
            self.errors.append(message.text)


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("found")
    for name, source in _FOUND.items():
        shutil.copy(PICTURES / source, folder / name)
    with Image.open(PICTURES / "chelsea.png") as cat:
        ImageOps.mirror(cat.convert("RGB")).save(folder / "second cat.jpg")
    for name, text in _WRITTEN.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, sample_folder: Path) -> Iterator[str]:
    """The URL of a server whose one Collection holds the sample folder."""
    data = tmp_path_factory.mktemp("data")
    with _serving(data) as address:
        _index(address, sample_folder)
        assert address.url is not None
        yield address.url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if executable is None:
        _missing("Chromium is not installed: the page is not tested in a browser.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, server: str) -> Iterator[Callable[..., Visit]]:
    """Makes a Visit, given options of a browser context; at the end, nothing may have gone wrong.

    Nothing is: no error or warning in the console, no request to anywhere but our own server.
    """
    visits: list[Visit] = []

    def make(**options: Any) -> Visit:
        context = browser.new_context(**{"reduced_motion": "reduce", **options})
        visit = Visit(context, server)
        context.on("request", lambda request: visit.requested.append(request.url))
        visits.append(visit)
        return visit

    yield make
    for visit in visits:
        visit.context.close()
        assert visit.errors == []
        assert [url for url in visit.requested if _leaves(url, server)] == []


@pytest.fixture
def page(visit: Callable[..., Visit]) -> Page:
    """The page at desktop size, before the first question."""
    return visit(viewport={"width": 1280, "height": 860}).open()


@pytest.fixture(scope="session")
def axe() -> Any:
    """The accessibility checker, run inside the page."""
    try:
        module = importlib.import_module("axe_playwright_python.sync_playwright")
    except ModuleNotFoundError:
        _missing("axe-playwright-python is not installed: accessibility is not tested.")
    return module.Axe()


def _leaves(url: str, server: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme not in ("data", "blob") and f"{parts.scheme}://{parts.netloc}" != server


def _missing(what: str) -> NoReturn:
    if os.environ.get("SEMBLANCE_REQUIRE_SERVICES") == "1":
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


@contextmanager
def _serving(data: Path) -> Iterator[Address]:
    command = [sys.executable, "-m", "api.cli.main", "serve", "--port", "0", "--data", str(data)]
    with (data / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=_ROOT, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield _address(data, process)
    finally:
        process.terminate()
        process.wait(30)


def _address(data: Path, process: subprocess.Popen[bytes]) -> Address:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        address = published(data)
        if address is not None:
            return address
        time.sleep(0.2)
    log = (data / "server.log").read_text(encoding="utf-8", errors="replace")
    raise AssertionError(f"The server did not start.\n{log}")


def _index(address: Address, folder: Path) -> None:
    headers = {"Authorization": f"Bearer {address.token}"}
    with httpx.Client(base_url=f"{address.url}/v1", headers=headers, timeout=60) as client:
        client.post("/collections", json={"name": COLLECTION}).raise_for_status()
        at = f"/collections/{COLLECTION}"
        job = client.post(f"{at}/index", json={"path": str(folder)}).raise_for_status().json()
        deadline = time.monotonic() + _START_SECONDS
        while job["state"] not in ("done", "failed"):
            assert time.monotonic() < deadline, job
            time.sleep(0.2)
            job = client.get(f"{at}/jobs/{job['id']}").raise_for_status().json()
        assert job["totals"]["failed"] == 0, job

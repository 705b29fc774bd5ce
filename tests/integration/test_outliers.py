"""Outliers and quality over the API and on the command line, with real pictures and texts."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest

from tests.integration.conftest import Live
from tests.integration.test_cli import finish, start

TEXTS = [
    f"The lighthouse of harbour number {row} was built of stone in 18{row}."
    for row in range(10, 22)
]
STRANGE = "Knead the dough, let it rise for an hour, and bake the bread until it is brown."


def drawing(seed: int) -> PIL.Image.Image:
    chance = np.random.default_rng(seed)
    image = PIL.Image.new("RGB", (240, 180), (120, 130, 140))
    draw = PIL.ImageDraw.Draw(image)
    for _ in range(60):
        x, y, width, height = (int(one) for one in chance.integers(5, 150, 4))
        colour = tuple(int(one) for one in chance.integers(0, 256, 3))
        draw.rectangle((x, y, x + width // 3, y + height // 3), fill=colour)
    return image


def encoded(image: PIL.Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def mixed(live: Live, collection: str) -> str:
    """Twelve texts on lighthouses and one on bread; four drawings and a black picture."""
    where = f"/v1/collections/{collection}"
    texts = [{"text": text} for text in [*TEXTS, STRANGE]]
    added = live.client.post(f"{where}/assets", json={"texts": texts})
    live.settled(collection, added.json()["job"]["id"])
    pictures = [encoded(drawing(seed)) for seed in range(4)]
    pictures.append(encoded(PIL.Image.new("RGB", (240, 180), (8, 4, 4))))
    files = [("files", (f"{row}.png", data, "image/png")) for row, data in enumerate(pictures)]
    added = live.client.post(f"{where}/assets/upload", files=files)
    live.settled(collection, added.json()["job"]["id"])
    return where


def analysed(live: Live, where: str, name: str, **asked: object) -> dict[str, Any]:
    answer = live.client.post(f"{where}/analyses/{name}", json=asked, params={"wait": 30})
    assert answer.status_code in (200, 201, 202), answer.text
    told: dict[str, Any] = answer.json()
    assert told["state"] == "done", told
    return told


def page(live: Live, where: str, told: dict[str, Any], table: str) -> dict[str, Any]:
    answer = live.client.get(
        f"{where}/analyses/{told['id']}/tables/{table}", params={"assets": True}
    )
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("by", ["knn", "centre"])
def test_the_text_on_bread_is_the_strangest(live: Live, mixed: str, by: str) -> None:
    told = analysed(live, mixed, "outliers", kind="text", parameters={"by": by})
    found = page(live, mixed, told, "outliers")
    first = found["rows"][0]
    assert found["assets"][first["id"]]["text"] == STRANGE
    assert first["flagged"]
    assert first["score"] > told["summary"]["threshold"]
    assert first["nearest_id"] in found["assets"]
    assert (told["assets"], told["summary"]["scored"]) == (13, 13)


def test_the_black_picture_is_found_and_texts_are_judged_beside_it(live: Live, mixed: str) -> None:
    told = analysed(live, mixed, "quality")
    found = page(live, mixed, told, "quality")
    first = found["rows"][0]
    assert found["assets"][first["id"]]["kind"] == "image"
    assert {"dark", "blank"} <= set(first["issues"])
    assert told["summary"]["measured"] == 18
    again = analysed(live, mixed, "quality", parameters={"thresholds": {"dark": 1}})
    assert (again["summary"]["measured"], again["summary"]["taken_over"]) == (0, 18)
    assert "dark" not in again["summary"]["issues"]


def test_parameters_that_make_no_sense_are_refused(live: Live, mixed: str) -> None:
    for name, parameters in (
        ("outliers", {"by": "guess"}),
        ("outliers", {"k": 0}),
        ("outliers", {"near": 2}),
        ("quality", {"thresholds": {"ugly": 0.5}}),
        ("quality", {"thresholds": {"dark": 5}}),
    ):
        answer = live.client.post(f"{mixed}/analyses/{name}", json={"parameters": parameters})
        assert answer.status_code == 422, parameters
        assert answer.json()["code"] == "invalid_input"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with four drawings, a black picture whose name is no HTML, and three texts."""
    folder = tmp_path_factory.mktemp("outliers")
    shelf = folder / "shelf"
    shelf.mkdir()
    for seed in range(4):
        (shelf / f"{seed}.png").write_bytes(encoded(drawing(seed)))
    black = PIL.Image.new("RGB", (240, 180), (8, 4, 4))
    (shelf / "<b>black.png").write_bytes(encoded(black))
    for number, text in enumerate(["Yes.", *TEXTS[:2]]):
        (shelf / f"note{number}.txt").write_text(text)
    finish(start(folder / "data", "index", shelf))
    return folder / "data"


def test_outliers_on_the_command_line(data: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.html"
    out, err = finish(start(data, "outliers", "-n", 2, "--html", sheet))
    lines = out.splitlines()
    assert len(lines) == 2
    score, _percentile, mark, path, _distance, nearest = lines[0].split("\t")
    assert (float(score) > 0.5, mark in ("", "flagged")) == (True, True)
    assert path.endswith(".png")
    assert nearest.endswith(".png")
    assert "Looked at 5 pictures" in err
    html = sheet.read_text()
    assert html.count("data:image/webp;base64,") == 4
    assert "<b>black" not in html
    told = json.loads(finish(start(data, "outliers", "-n", 3, "--json"))[0])
    assert told["analysis"]["summary"]["scored"] == 5
    assert len(told["rows"]) == 3


def test_quality_on_the_command_line(data: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "dark.html"
    out, err = finish(start(data, "quality", "--issue", "dark", "--html", sheet))
    (line,) = out.splitlines()
    score, issues, path, reason = line.split("\t")
    assert float(score) > 0.9
    assert "dark" in issues.split(", ")
    assert (path.endswith("black.png"), reason) == (True, "")
    assert "flagged: " in err
    assert "&lt;b&gt;black.png" in sheet.read_text()
    out, _ = finish(start(data, "quality", "--kind", "text"))
    assert out.split("\t")[1] == "short"
    _, err = finish(start(data, "quality", "--threshold", "dark"), 2)
    assert "blurred=0.6" in err


def test_two_assets_are_too_few(data: Path) -> None:
    few = ("outliers", "--kind", "text", "--where", "path~note0")
    _, err = finish(start(data, *few), 2)
    assert "at least 3" in err or "3 assets" in err

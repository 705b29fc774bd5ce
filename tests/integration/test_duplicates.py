"""Duplicates over the real API and the command line, on real files with the real model."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from api.client import Client
from tests.bench.variants import VARIANTS
from tests.integration.conftest import TOKEN, Live
from tests.photos import photo

MADE = ("resize", "jpeg30", "crop20", "mirror", "greyscale", "text")


@pytest.fixture
def client(live: Live) -> Any:
    made = Client(live.url, token=TOKEN)
    yield made
    made.close()


@pytest.fixture
def shelf(live: Live, client: Client, collection: str) -> Any:
    """Two photographs and variants of one, indexed."""
    folder = live.open_folder / collection
    folder.mkdir()
    photo("flower").save(folder / "flower.jpg", quality=90)
    photo("china").save(folder / "china.jpg", quality=95)
    for name in MADE:
        variant = VARIANTS[name](photo("china"), random.Random(2))
        variant.save(folder / f"{name}.jpg", quality=30 if name == "jpeg30" else 85)
    assert client.wait(client.index(str(folder), collection))["state"] == "done"
    yield folder
    shutil.rmtree(folder)


def test_duplicates_are_found_decided_on_planned_and_checked_against(
    live: Live, client: Client, collection: str, shelf: Path
) -> None:
    told = client.analyse("duplicates", collection)
    page = client.table_page(told["id"], "groups", collection)
    (group,) = page["rows"]
    name = {id: Path(asset["sources"][0]["path"]).stem for id, asset in page["assets"].items()}
    assert name[group["id"]] == "china"
    verdicts = dict(zip(map(name.get, group["member_ids"]), group["verdicts"], strict=True))
    assert verdicts == {
        "resize": "resized",
        "jpeg30": "reencoded",
        "crop20": "cropped",
        "mirror": "mirrored",
        "greyscale": "recoloured",
        "text": "overlaid",
    }

    by_name = {stem: id for id, stem in name.items()}
    before = client.open_pairs(told["id"], collection)
    said = [
        {"assets": [by_name["china"], by_name["resize"]], "decision": "duplicate",
         "keep": by_name["china"], "note": "a preview"},
        {"assets": [by_name["china"], by_name["text"]], "decision": "keep_both"},
    ]  # fmt: skip
    decided = client.decide(said, collection)
    after = client.open_pairs(told["id"], collection)
    assert (after["total"], after["decided"]) == (before["total"] - 2, 2)
    assert {one["pair"] for one in client.decisions(collection)} == {one["pair"] for one in decided}

    plan = json.loads(b"".join(client.duplicates_plan(collection)))
    assert [Path(one["path"]).stem for one in plan["leaving"]] == ["resize"]
    plan = json.loads(b"".join(client.duplicates_plan(collection, analysis=told["id"])))
    assert {Path(one["path"]).stem for one in plan["leaving"]} == {*MADE} - {"text"}
    assert client.undo_decisions([decided[1]["pair"]], collection) == 1
    script = b"".join(client.duplicates_plan(collection, format="sh", analysis=told["id"]))
    assert script.startswith(b"#!/bin/sh")
    assert script.count(b"\none 0000") == len(MADE)

    arriving = shelf / "arriving"
    arriving.mkdir()
    photo("china").rotate(90, expand=True).save(arriving / "turned.jpg")
    (arriving / "same.jpg").write_bytes((shelf / "flower.jpg").read_bytes())
    checked = client.analyse("accession", collection, parameters={"path": str(arriving)})
    found = client.table_page(checked["id"], "incoming", collection)["rows"]
    assert [(Path(one["path"]).name, one["result"]) for one in found] == [
        ("same.jpg", "exact"),
        ("turned.jpg", "duplicate"),
    ]
    totals = client.collection(collection)["totals"]
    assert totals is not None
    assert totals["found"] == 2 + len(MADE)


def test_a_client_may_have_no_other_folders_checked(
    live: Live, collection: str, shelf: Path
) -> None:
    url = f"/v1/collections/{collection}/analyses/accession"
    refused = live.client.post(url, json={"parameters": {"path": "/etc"}})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"decisions": []}, 422),
        ({"decisions": [{"assets": ["x", "y"], "decision": "duplicate"}]}, 422),
        ({"decisions": [{"assets": [f"{0:032x}", f"{1:032x}"], "decision": "duplicate"}]}, 404),
        ({"decisions": [{"assets": [f"{0:032x}", f"{1:032x}"], "decision": "perhaps"}]}, 422),
    ],
)
def test_what_is_no_decision_is_refused(
    live: Live, collection: str, body: dict[str, Any], status: int
) -> None:
    answer = live.client.post(f"/v1/collections/{collection}/decisions", json=body)
    assert answer.status_code == status, answer.text


def test_a_plan_takes_a_run_of_duplicates(
    live: Live, client: Client, collection: str, shelf: Path
) -> None:
    other = client.analyse("outliers", collection, parameters={"k": 3})
    url = f"/v1/collections/{collection}/duplicates/plan"
    answer = live.client.get(url, params={"analysis": other["id"]})
    assert answer.status_code == 422
    assert "name a run of 'duplicates'" in answer.json()["message"]

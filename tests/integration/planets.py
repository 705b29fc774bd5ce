"""A collection of imported vectors in three groups, and a second space over it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.integration.conftest import Live
from tests.map_subjects import clouds, unit

GROUPS = ("gas", "ice", "rock")
EACH = 20


def vectors(count: int = len(GROUPS) * EACH) -> list[list[float]]:
    """Of three groups in turn: row 0 is gas, 1 ice, 2 rock, 3 gas …"""
    grouped, _ = clouds([count, count, count], dimension=8)
    return [grouped[row % 3 * count + row].tolist() for row in range(count)]


def rows_file(folder: Path, rows: Sequence[int], name: str = "rows.jsonl") -> Path:
    """A file of these rows for `spaces import`."""
    all_vectors = vectors()
    lines = [
        {
            "id": f"p{row}",
            "title": f"planet number {row}",
            "class": GROUPS[row % 3],
            "vector": all_vectors[row],
        }
        for row in rows
    ]
    file = folder / name
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def imported(live: Live, collection: str, space: str, body: dict[str, object]) -> None:
    """Import a file that is in the open folder, and wait for its end."""
    path = f"/v1/collections/{collection}/spaces/{space}/import"
    started = live.client.post(path, json=body)
    assert started.status_code == 202, started.text
    assert live.settled(collection, started.json()["id"])["state"] == "done"


def numbers(live: Live, collection: str) -> dict[str, int]:
    """The row of each asset by its id."""
    path = f"/v1/collections/{collection}/assets?limit=250"
    found = live.client.get(path).json()["assets"]
    return {one["id"]: int(one["text"].split()[2]) for one in found}


def second_space(live: Live, collection: str, space: str, given: np.ndarray) -> None:
    """Vectors for all assets, by row number, in a further space."""
    ids = numbers(live, collection)
    folder = live.open_folder
    np.save(folder / f"{collection}.npy", unit(given[list(ids.values())]))
    (folder / f"{collection}.txt").write_text("".join(f"{id}\n" for id in ids))
    imported(live, collection, space, {"path": str(folder / f"{collection}.npy"), "match": "id"})

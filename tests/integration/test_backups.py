"""Backups over HTTP and from the command line, on real data folders."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.conftest import Live
from tests.integration.test_cli import finish, start
from tests.lab import png


def test_a_collection_goes_to_a_folder_and_comes_back(
    live: Live, collection: str, tmp_path: Path
) -> None:
    at = f"/v1/collections/{collection}"
    texts = {"texts": [{"text": "The lighthouse was built in 1884."}]}
    live.settled(collection, live.client.post(f"{at}/assets", json=texts).json()["job"]["id"])
    where = {"folder": str(tmp_path)}
    made = live.owner.post(f"{at}/backup", json=where)
    assert made.status_code == 201, made.text
    assert made.json()["bytes"] == (tmp_path / made.json()["file"]).stat().st_size
    there = live.owner.post(f"{at}/restore", json=where)
    assert (there.status_code, there.json()["code"]) == (409, "collection_exists")

    live.owner.delete(at)
    restored = live.owner.post(f"{at}/restore", json=where)
    kept = {"originals": {"looked_at": 0, "missing": 0}}
    assert (restored.status_code, restored.json()) == (201, made.json() | kept)
    answer = live.client.post(f"{at}/search", json={"text": "a beacon for ships"}).json()
    assert [hit["text"] for hit in answer["hits"]] == [texts["texts"][0]["text"]]


def test_originals_that_went_with_the_collection_are_counted_and_copied_again(
    tmp_path: Path,
) -> None:
    data, folder, photos = tmp_path / "data", tmp_path / "backups", tmp_path / "photos"
    photos.mkdir()
    (photos / "red.png").write_bytes(png())
    originals = data / "blobs" / "originals"
    finish(start(data, "index", photos, "--copy"))
    finish(start(data, "backup", folder))
    finish(start(data, "collections", "delete", "default", "--yes"))
    assert not [path for path in originals.rglob("*") if path.is_file()]

    _, err = finish(start(data, "restore", folder))
    assert "Originals that are missing: 1 of 1" in " ".join(err.split())
    done = json.loads(finish(start(data, "index", photos, "--copy", "--json"))[0])["job"]
    assert done["tally"]["unchanged"] == 0
    (copy,) = [path for path in originals.rglob("*") if path.is_file()]
    assert copy.read_bytes() == png()
    again = json.loads(finish(start(data, "index", photos, "--copy", "--json"))[0])["job"]
    assert again["tally"]["unchanged"] == 1


def test_backups_are_for_the_owner(live: Live, collection: str, tmp_path: Path) -> None:
    for what in ("backup", "restore"):
        at = f"/v1/collections/{collection}/{what}"
        refused = live.client.post(at, json={"folder": str(tmp_path)})
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        vague = live.owner.post(at, json={"folder": "somewhere"})
        assert vague.status_code == 422
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_backs_up_and_restores(tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "backups"
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"id": n, "vector": [n, 1]}) + "\n" for n in (1, 2)))
    finish(start(data, "spaces", "import", rows, "--space", "own", "--new", "-c", "spectra"))

    out, _ = finish(start(data, "backup", folder))
    assert out.startswith("Backed up spectra: ")
    finish(start(data, "collections", "delete", "spectra", "--yes"))
    out, _ = finish(start(data, "restore", folder))
    assert out.startswith("Restored spectra: ")
    (space,) = json.loads(finish(start(data, "spaces", "list", "-c", "spectra", "--json"))[0])
    assert (space["name"], space["vectors"]) == ("own", 2)

    _, err = finish(start(data, "restore", folder), 4)
    assert "delete it first" in err
    _, err = finish(start(data, "restore", tmp_path), 2)
    assert "holds no backup" in err

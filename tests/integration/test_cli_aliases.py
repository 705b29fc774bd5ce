"""`semblance collections alias` as a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.client import connect
from indexer.settings import Settings
from tests.integration.test_cli import answered, problem, run


@pytest.fixture
def data(fast_folder: Path) -> Iterator[Path]:
    """A data folder with two collections, which this process keeps open for the others."""
    folder = fast_folder / "aliases"
    with connect(Settings(data=folder)) as client:
        client.create_collection("photos-2025")
        client.create_collection("photos-2026")
        yield folder


def test_an_alias_is_set_moved_back_and_forgotten(data: Path, tmp_path: Path) -> None:
    words = ("collections", "alias", "photos")
    assert run(data, *words, "photos-2025")[0] == "photos leads to photos-2025.\n"
    note = tmp_path / "note.txt"
    note.write_text("The lighthouse was built in 1884.")
    indexed = answered(data, "index", note, "--collection", "photos")
    assert indexed["job"]["collection"] == "photos-2025"

    out, err = run(data, *words, "photos-2026")
    assert out == "photos leads to photos-2026, no longer to photos-2025.\n"
    assert "Back: semblance collections alias photos photos-2025" in err
    assert answered(data, "search", "a beacon", "-c", "photos")["hits"] == []
    out, _ = run(data, "collections", "list")
    assert out == "photos-2025\t1\t1\tmini\t\nphotos-2026\t0\t0\tmini\tphotos\n"

    moved = answered(data, *words, "photos-2025")
    assert moved == {"alias": "photos", "collection": "photos-2025", "before": "photos-2026"}
    (hit,) = answered(data, "search", "a beacon", "-c", "photos")["hits"]
    assert hit["text"] == note.read_text()

    assert problem(data, "collections", "create", "photos", code=4)["code"] == "collection_exists"
    told = problem(data, "collections", "delete", "photos", "--yes", code=4)
    assert "use its own name" in told["message"]
    assert run(data, "collections", "unalias", "photos")[0] == "photos is no alias any more.\n"
    told = problem(data, "collections", "unalias", "photos", code=3)
    assert told["code"] == "alias_not_found"

"""The analysis as a whole on real files, and a folder held against the collection."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from indexer.analysis import artefacts, asking, entries, running
from indexer.analysis.duplicates import decisions, proposals
from indexer.analysis.duplicates.decisions import Decision, decision_on
from indexer.analysis.entry import Analysis
from indexer.domain import AssetId
from indexer.ledger import assets_where, scroll_all
from indexer.readers.location import read_location
from tests.bench.variants import VARIANTS
from tests.lab import Lab, engine_of, found_text
from tests.photos import photo
from tests.reading import options

MADE = ("resize", "mirror", "crop20", "rotate90")


def save(image: PIL.Image.Image, path: Path, quality: int = 90) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=quality)


@pytest.fixture
def shelf(new_folder: Path) -> Path:
    """Two photographs, four variants of one, and a copy of a file."""
    folder = new_folder / "shelf"
    save(photo("china"), folder / "china.jpg", quality=96)
    save(photo("flower"), folder / "flower.jpg")
    for name in MADE:
        save(VARIANTS[name](photo("china"), random.Random(1)), folder / f"{name}.jpg")
    (folder / "copy.jpg").write_bytes((folder / "flower.jpg").read_bytes())
    return folder


@pytest.fixture
def filled(lab: Lab, shelf: Path) -> Lab:
    lab.ingest(*read_location(shelf, options()))
    return lab


def run(lab: Lab, name: str = "duplicates", **parameters: object) -> Analysis:
    asked = asking.Asked(name, parameters=parameters)
    begun = asking.ask(lab.store, lab.collection.name, asked)
    running.run(engine_of(lab).access, lab.collection.name, begun.id)
    analysis = entries.get(lab.store, lab.collection.name, begun.id)
    assert analysis.error is None
    return analysis


def rows(lab: Lab, analysis: Analysis, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = artefacts.load(lab.blobs, analysis, table).to_pylist()
    return found


def name_of(lab: Lab) -> Callable[[AssetId], str]:
    names: dict[AssetId, str] = {}
    for point in scroll_all(lab.store, lab.collection.name, assets_where()):
        sources = point.payload["sources"]
        assert isinstance(sources, list)
        names[point.id] = min(Path(source["path"]).stem for source in sources)
    return names.__getitem__


def test_variants_are_grouped_around_the_original_with_the_reason(filled: Lab) -> None:
    analysis = run(filled)
    name = name_of(filled)
    (group,) = rows(filled, analysis, "groups")
    assert name(group["id"]) == "china"
    told = {name(id): verdict for id, verdict in zip(group["member_ids"], group["verdicts"])}  # noqa: B905
    assert told == {
        "resize": "resized", "mirror": "mirrored", "crop20": "cropped", "rotate90": "rotated"
    }  # fmt: skip
    assert analysis.summary["duplicates"] == 4
    assert analysis.summary["decoded"] == 6
    (exact,) = rows(filled, analysis, "exact")
    assert (name(exact["id"]), exact["copies"]) == ("copy", 2)
    preview = rows(filled, analysis, "preview")
    assert {row["measure"] for row in preview} == {"cosine", "hash_distance"}
    kept = [row["pairs"] for row in preview if row["measure"] == "cosine"]
    assert kept == sorted(kept, reverse=True)


def test_a_decided_pair_is_not_asked_again_and_leaves_its_group(filled: Lab) -> None:
    analysis = run(filled)
    access, name = engine_of(filled).access, name_of(filled)
    before = proposals.open_pairs(access, analysis).rows.to_pylist()
    pair = next(r for r in before if {name(r["id"]), name(r["other_id"])} == {"china", "resize"})
    said = decision_on(pair["id"], pair["other_id"], Decision.NOT_DUPLICATE)
    decisions.decide(filled.store, filled.collection.name, [said])
    after = proposals.open_pairs(access, analysis)
    assert (after.rows.num_rows, after.decided) == (len(before) - 1, 1)
    later = run(filled)
    assert later.summary["decided"] == 1
    assert later.summary["decoded"] == 0  # hashes hold for good
    (group,) = rows(filled, later, "groups")[:1]
    assert "resize" not in {name(id) for id in group["member_ids"]}
    (row,) = [r for r in rows(filled, later, "pairs") if r["decision"] is not None]
    assert row["decision"] == "not_duplicate"


def test_a_picture_that_is_gone_is_told_and_ends_nothing(filled: Lab, shelf: Path) -> None:
    (shelf / "mirror.jpg").unlink()
    analysis = run(filled)
    (problem,) = rows(filled, analysis, "unreadable")
    assert name_of(filled)(problem["id"]) == "mirror"
    assert "cannot be opened" in problem["reason"]
    assert analysis.summary["duplicates"] == 3


def test_the_same_pixels_in_another_file_are_the_same(lab: Lab, new_folder: Path) -> None:
    image = photo("china").resize((300, 200))
    image.save(new_folder / "scan.png")
    image.save(new_folder / "scan.tif", compression="tiff_lzw")
    lab.ingest(*read_location(new_folder, options(exclude=("collections", "blobs"))))
    (row,) = rows(lab, run(lab), "pairs")
    assert row["verdict"] == "same_pixels"


def test_pictures_of_one_colour_are_no_duplicates(lab: Lab, new_folder: Path) -> None:
    for grey in (250, 251, 252):
        save(PIL.Image.new("RGB", (60, 60), (grey, grey, grey)), new_folder / f"in/{grey}.png")
    lab.ingest(*read_location(new_folder / "in", options()))
    analysis = run(lab)
    assert (analysis.summary["pairs"], analysis.summary["featureless"]) == (0, 3)


def test_equal_texts_are_found_whatever_the_model_sees(lab: Lab) -> None:
    lab.ingest(
        found_text("/a.txt", "The red barn burned down."),
        found_text("/b.txt", "the  RED barn burned down"),
        found_text("/c.txt", "A blue boat at the pier."),
    )
    analysis = run(lab)
    (row,) = rows(lab, analysis, "pairs")
    assert (row["verdict"], row["duplicate"]) == ("same_text", True)
    assert "fingerprints" not in analysis.tables


def test_a_folder_is_checked_and_nothing_of_it_is_added(filled: Lab, new_folder: Path) -> None:
    arriving = new_folder / "arriving"
    save(photo("flower"), arriving / "flower again.jpg")
    (arriving / "same.jpg").write_bytes((new_folder / "shelf" / "china.jpg").read_bytes())
    save(photo("flower").rotate(180), arriving / "turned.jpg")
    strange = PIL.Image.effect_noise((30, 20), 90).convert("RGB").resize((300, 200))
    save(strange, arriving / "z new.png")
    save(strange.resize((150, 100)), arriving / "z new small.png")
    (arriving / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    before = filled.totals.found
    analysis = run(filled, "accession", path=str(arriving))
    found = {Path(row["path"]).name: row for row in rows(filled, analysis, "incoming")}
    told = {name: row["result"] for name, row in found.items()}
    assert told == {
        "flower again.jpg": "exact",
        "same.jpg": "exact",
        "turned.jpg": "duplicate",
        "z new small.png": "new",
        "z new.png": "duplicate",
        "broken.jpg": "unreadable",
    }
    assert found["turned.jpg"]["verdict"] == "rotated"
    assert found["z new.png"]["match_id"] is None
    assert Path(found["z new.png"]["match_path"]).name == "z new small.png"
    assert filled.totals.found == before
    assert analysis.summary["files"] == 6


def test_a_folder_that_is_not_there_is_named(filled: Lab, new_folder: Path) -> None:
    asked = asking.Asked("accession", parameters={"path": str(new_folder / "nowhere")})
    begun = asking.ask(filled.store, filled.collection.name, asked)
    running.run(engine_of(filled).access, filled.collection.name, begun.id)
    error = entries.get(filled.store, filled.collection.name, begun.id).error
    assert error is not None
    assert "There is nothing at" in error.message

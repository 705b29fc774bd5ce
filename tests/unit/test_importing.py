"""Vectors made elsewhere: for assets that are there, or as assets of their own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from indexer import collections, jobs, spaces
from indexer.assets import list_assets
from indexer.cancelling import cancel
from indexer.domain import Asset, Kind, Status
from indexer.errors import CollectionNotFound, InvalidInput, InvalidQuery, SpaceMismatch
from indexer.failures import failures
from indexer.filters import HasVector
from indexer.importing import import_vectors, start_import
from indexer.jobs import Job, Request
from indexer.queries import Part, SearchQuery
from indexer.recovery import requeue_pending, requeue_unfilled
from indexer.retrying import retry_job
from indexer.search import search
from tests.fakes import ColourEmbedder, LosingQueue, TextOnlyEmbedder
from tests.lab import Lab, engine_of, found_text, picture_in


def npy(path: Path, rows: Sequence[Sequence[float]], ids: Sequence[str]) -> Path:
    np.save(path, np.array(rows, dtype=np.float32))
    path.with_suffix(".txt").write_text("".join(f"{id}\n" for id in ids))
    return path


def jsonl(path: Path, *rows: Mapping[str, object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def run(lab: Lab, request: Request, collection: str = "things") -> Job:
    job = start_import(engine_of(lab), collection, request)
    return import_vectors(engine_of(lab), lab.queue, job)


def match(path: Path, by: str = "path", *, replace: bool = False, space: str = "shape") -> Request:
    return Request(str(path), space=space, match=by, replace=replace)


def new(path: Path, *, replace: bool = False, space: str = "shape") -> Request:
    return Request(str(path), space=space, replace=replace)


def by_name(lab: Lab, collection: str = "things") -> dict[str, Asset]:
    assets, _ = list_assets(lab.store, collection, limit=1000)
    return {Path(asset.sources[0].path).name: asset for asset in assets}


def vectors(lab: Lab, collection: str = "things", space: str = "shape") -> dict[str, list[float]]:
    """What is stored, by file name or text."""
    assets, _ = list_assets(lab.store, collection, limit=1000)
    points = lab.store.get(collection, [asset.id for asset in assets], spaces=[space])
    named = zip(assets, points, strict=True)
    return {
        asset.text or Path(asset.sources[0].path).name: point.vectors[space].tolist()
        for asset, point in named
        if space in point.vectors
    }


@pytest.fixture
def pictures(lab: Lab, tmp_path: Path) -> Path:
    """A folder a/red.png, a/blue.png, b/red.png; all indexed."""
    folder = tmp_path / "pictures"
    lab.ingest(
        picture_in(folder / "a" / "red.png", (255, 0, 0)),
        picture_in(folder / "a" / "blue.png", (0, 0, 255)),
        picture_in(folder / "b" / "red.png", (250, 0, 0)),
    )
    return folder


def test_vectors_are_given_to_files_by_path_and_brought_to_length_1(
    lab: Lab, pictures: Path, tmp_path: Path
) -> None:
    paths = [str(pictures / "a" / "red.png"), "pictures/a/blue.png"]
    job = run(lab, match(npy(tmp_path / "v.npy", [[3, 4], [0, 2]], paths)))
    assert job.tally.vectors == 2
    assert vectors(lab) == {"red.png": pytest.approx([0.6, 0.8]), "blue.png": [0, 1]}
    (_, space) = collections.get(lab.store, "things").spaces
    assert (space.embedder, space.dimension, space.kinds) == ("imported", 2, {Kind.IMAGE})


def test_the_end_of_a_path_is_enough_where_it_is_the_only_one(
    lab: Lab, pictures: Path, tmp_path: Path
) -> None:
    names = ["blue.png", "red.png", "b/red.png", "green.png"]
    rows = [[1, 0], [0, 1], [1, 1], [1, 2]]
    job = run(lab, match(npy(tmp_path / "v.npy", rows, names)))
    assert (job.tally.vectors, job.tally.unmatched) == (2, 2)
    assert job.remarks == (
        "Row 2 (red.png) matches 2 assets; say more of the path, or match by id.",
        "Row 4 (green.png) matches no asset.",
    )


@pytest.mark.parametrize("by", ["id", "sha256"])
def test_vectors_are_given_by_id_or_hash(lab: Lab, pictures: Path, tmp_path: Path, by: str) -> None:
    asset = by_name(lab)["blue.png"]
    key = asset.id if by == "id" else asset.sha256
    file = jsonl(tmp_path / "v.jsonl", {by: key, "vector": [0, 1]}, {by: "x", "vector": [1, 1]})
    job = run(lab, match(file, by))
    assert vectors(lab) == {"blue.png": [0, 1]}
    assert job.tally.unmatched == 1


def test_rows_that_cannot_be_used_are_named_and_the_others_go_on(
    lab: Lab, pictures: Path, tmp_path: Path
) -> None:
    rows: list[dict[str, object]] = [
        {"path": "a/red.png", "vector": [1, float("nan")]},
        {"path": "a/red.png", "vector": [0, 0]},
        {"path": "a/red.png", "vector": [1, 2, 3]},
        {"path": "a/red.png", "vector": ["1", "2"]},
        {"path": "a/red.png"},
        {"path": "a/red.png", "vector": [1, 0]},
        {"path": "a/red.png", "vector": [0, 1]},
        {"vector": [0, 1]},
    ]
    job = run(lab, match(jsonl(tmp_path / "v.jsonl", *rows)))
    assert job.remarks == (
        "Row 1 has NaN or infinity in its vector.",
        "Row 2 has a vector of zeros, which points nowhere.",
        "Row 3 has a vector of 3 numbers, not 2.",
        "Row 4 has a vector that is no list of numbers.",
        "Row 5 has no vector.",
        "Row 7 (a/red.png) is for the asset of an earlier row.",
        "Row 8 has nothing in column 'path'.",
    )
    assert (job.tally.vectors, job.tally.refused, job.tally.unmatched) == (1, 5, 2)
    assert vectors(lab) == {"red.png": [1, 0]}
    assert jobs.get(lab.store, "things", job.id) == job


def test_where_nothing_matches_no_space_is_made(lab: Lab, pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"nothing\.png"):
        run(lab, match(npy(tmp_path / "v.npy", [[1, 0]], ["nothing.png"])))
    assert len(collections.get(lab.store, "things").spaces) == 1


def test_other_values_for_what_is_there_need_to_be_asked_for(
    lab: Lab, pictures: Path, tmp_path: Path
) -> None:
    run(lab, match(npy(tmp_path / "v.npy", [[1, 0]], ["a/red.png"])))
    other = npy(tmp_path / "w.npy", [[1, 1], [0, 1]], ["a/blue.png", "a/red.png"])
    with pytest.raises(SpaceMismatch, match="Row 2"):
        run(lab, match(other))
    assert vectors(lab) == {"red.png": [1, 0]}, "not even the row that is new"
    run(lab, match(other, replace=True))
    assert vectors(lab)["red.png"] == [0, 1]
    assert "w.npy" in collections.get(lab.store, "things").space("shape").fingerprint


def test_the_same_file_again_changes_nothing(lab: Lab, pictures: Path, tmp_path: Path) -> None:
    file = npy(tmp_path / "v.npy", [[1, 0], [0, 1]], ["a/red.png", "a/blue.png"])
    run(lab, match(file))
    before = vectors(lab)
    assert run(lab, match(file)).tally.vectors == 2
    assert vectors(lab) == before


def test_another_dimension_and_the_space_of_a_model_are_refused(
    lab: Lab, pictures: Path, tmp_path: Path
) -> None:
    run(lab, match(npy(tmp_path / "v.npy", [[1, 0]], ["a/red.png"])))
    with pytest.raises(SpaceMismatch, match="2 dimensions"):
        run(lab, match(npy(tmp_path / "w.npy", [[1, 0, 0]], ["a/red.png"])))
    with pytest.raises(SpaceMismatch, match="colour"):
        run(lab, match(tmp_path / "v.npy", space="colour"))


def test_pictures_indexed_later_do_not_want_an_imported_vector(
    lab: Lab, pictures: Path, tmp_path: Path
) -> None:
    run(lab, match(npy(tmp_path / "v.npy", [[1, 0]], ["a/red.png"])))
    lab.ingest(picture_in(pictures / "green.png", (0, 255, 0)))
    assert (lab.totals.indexed, lab.totals.pending) == (4, 0)
    assert requeue_unfilled(lab.store, lab.queue, "things") == 0
    filling = spaces.filling(lab.store, "things", collections.get(lab.store, "things").spaces[1])
    assert (filling.vectors, filling.wanted, filling.complete) == (1, None, True)


def test_what_no_model_takes_is_found_by_its_imported_vector(
    make_lab: Callable[..., Lab], tmp_path: Path
) -> None:
    lab = make_lab(TextOnlyEmbedder())
    lab.ingest(picture_in(tmp_path / "red.png"))
    assert lab.totals.skipped == 1
    run(lab, match(npy(tmp_path / "v.npy", [[1, 0]], ["red.png"])))
    assert (lab.totals.indexed, lab.totals.skipped) == (1, 0)
    answer = search(lab.searcher, "things", SearchQuery((Part(vector=(2.0, 0.0)),)))
    assert [(hit.score, hit.space) for hit in answer.hits] == [(pytest.approx(1), "shape")]


SPECTRA = (
    {"id": "s1", "title": "iron at noon", "mass": 56, "vector": [1, 0]},
    {"id": "s2", "title": "copper at dawn", "mass": 63, "vector": [0, 1]},
    {"id": "s3", "title": "iron at noon", "mass": 57, "vector": [1, 1]},
)


@pytest.fixture
def spectra(lab: Lab, tmp_path: Path) -> str:
    run(lab, new(jsonl(tmp_path / "spectra.jsonl", *SPECTRA)), "spectra")
    return "spectra"


def test_rows_become_assets_in_a_collection_made_for_them(lab: Lab, spectra: str) -> None:
    assets, _ = list_assets(lab.store, spectra)
    assert sorted((a.metadata["id"], a.text, a.metadata["mass"], a.status) for a in assets) == [
        ("s1", "iron at noon", 56, Status.INDEXED),
        ("s2", "copper at dawn", 63, Status.INDEXED),
        ("s3", "iron at noon", 57, Status.INDEXED),
    ]
    (space,) = collections.get(lab.store, spectra).spaces
    assert (space.name, space.kinds) == ("shape", {Kind.TEXT})


def test_an_imported_space_answers_assets_and_vectors(lab: Lab, spectra: str) -> None:
    assets, _ = list_assets(lab.store, spectra)
    ids = {str(asset.metadata["id"]): asset.id for asset in assets}
    like = search(lab.searcher, spectra, SearchQuery((Part(asset=ids["s1"]),)))
    assert [hit.asset.metadata["id"] for hit in like.hits] == ["s3", "s2"]
    near = search(lab.searcher, spectra, SearchQuery((Part(vector=(0.0, 5.0)),)))
    assert [hit.asset.metadata["id"] for hit in near.hits] == ["s2", "s3", "s1"]


def test_where_no_model_reads_texts_are_found_by_their_words(lab: Lab, spectra: str) -> None:
    answer = search(lab.searcher, spectra, SearchQuery((Part(text="copper"),)))
    assert [(hit.asset.metadata["id"], hit.matched, hit.space) for hit in answer.hits] == [
        ("s2", ("words",), "bm25")
    ]


def test_a_model_of_pictures_alone_is_not_asked_in_words(
    make_lab: Callable[..., Lab], tmp_path: Path
) -> None:
    class Eye(ColourEmbedder):
        kinds = frozenset({Kind.IMAGE})

    lab = make_lab(Eye())
    lab.ingest(picture_in(tmp_path / "red.png"))
    with pytest.raises(InvalidQuery, match="has no space to answer this"):
        search(lab.searcher, "things", SearchQuery((Part(text="red"),)))


def test_a_text_asked_of_an_imported_space_says_why_it_cannot_be(lab: Lab, spectra: str) -> None:
    with pytest.raises(InvalidQuery, match=r"imported vectors.*asset or a raw vector"):
        search(lab.searcher, spectra, SearchQuery((Part(text="copper"),), space="shape"))
    with pytest.raises(InvalidQuery, match=r"shape \(text, imported: ask with an asset"):
        search(lab.searcher, spectra, SearchQuery((Part(text="x", weight=-1), Part(text="y"))))


def test_a_model_can_be_added_to_what_was_imported(lab: Lab, spectra: str) -> None:
    spaces.add(lab.store, spectra, collections.space_of(ColourEmbedder()))
    requeue_unfilled(lab.store, lab.queue, spectra)
    assert lab.store.count(spectra, HasVector("colour")) == 3


def test_in_a_collection_with_a_model_new_rows_get_both(lab: Lab, tmp_path: Path) -> None:
    lab.ingest(found_text("/t.txt", "red"))
    run(lab, new(jsonl(tmp_path / "s.jsonl", *SPECTRA)))
    assert (lab.totals.indexed, lab.totals.pending) == (4, 0)
    assert lab.store.count("things", HasVector("colour")) == 4
    assert lab.store.count("things", HasVector("shape")) == 3


def test_a_row_that_cannot_be_used_fails_alone_and_is_gone_when_it_is_mended(
    lab: Lab, tmp_path: Path
) -> None:
    bad = {"id": "s4", "title": "tin", "vector": [float("inf"), 0]}
    twice = {**SPECTRA[0], "vector": [0, 1]}
    file = jsonl(tmp_path / "s.jsonl", *SPECTRA, bad, twice)
    run(lab, new(file), "spectra")
    totals = collections.totals(lab.store, "spectra")
    assert (totals.indexed, totals.failed) == (3, 2)
    assert sorted(failure.reason.message for failure in failures(lab.store, "spectra")) == [
        "Row 4 has NaN or infinity in its vector.",
        "Row 5 has the id and the text of an earlier row.",
    ]
    jsonl(file, *SPECTRA, {**bad, "vector": [1, 2]})
    run(lab, new(file), "spectra")
    totals = collections.totals(lab.store, "spectra")
    assert (totals.indexed, totals.failed) == (4, 0)


def test_rows_that_are_gone_from_a_changed_file_are_forgotten(lab: Lab, tmp_path: Path) -> None:
    file = jsonl(tmp_path / "s.jsonl", *SPECTRA)
    run(lab, new(file), "spectra")
    jsonl(file, {**SPECTRA[0], "vector": [0, 1]})
    with pytest.raises(SpaceMismatch, match="Row 1"):
        run(lab, new(file), "spectra")
    assert len(vectors(lab, "spectra")) == 2, "two texts, one of them twice"
    run(lab, new(file, replace=True), "spectra")
    assert vectors(lab, "spectra") == {"iron at noon": [0, 1]}


def test_an_import_cut_off_before_its_vectors_is_finished_by_the_next(
    lab: Lab, tmp_path: Path
) -> None:
    lost = LosingQueue()
    engine, request = engine_of(lab), new(jsonl(tmp_path / "s.jsonl", *SPECTRA))
    import_vectors(engine, lost, start_import(engine, "spectra", request))
    ids = lost.lost
    # as a kill between the points and their vectors leaves it, and a worker that came first
    lab.store.drop_space("spectra", "shape")
    lab.store.add_space("spectra", collections.get(lab.store, "spectra").spaces[0])
    requeue_pending(lab.store, lab.queue, "spectra")
    assert collections.totals(lab.store, "spectra").skipped == 3
    run(lab, request, "spectra")
    assert collections.totals(lab.store, "spectra").indexed == 3
    assert sorted(ids) == sorted(asset.id for asset in list_assets(lab.store, "spectra")[0])


def test_parquet_is_read_with_fixed_and_ragged_lists(lab: Lab, tmp_path: Path) -> None:
    fixed = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array([1.0, 0, 0, 1], "float32"), 2)
    table = pyarrow.table({"id": ["a", "b"], "spectrum": fixed, "peaks": [[1.0], [2.0, 3.0]]})
    parquet.write_table(table, tmp_path / "p.parquet")
    with pytest.raises(InvalidInput, match="name one of id, spectrum, peaks"):
        run(lab, new(tmp_path / "p.parquet"), "spectra")
    run(lab, Request(str(tmp_path / "p.parquet"), space="s", vector="spectrum"), "spectra")
    assert vectors(lab, "spectra", "s") == {"a": [1, 0], "b": [0, 1]}


def bare(path: Path) -> Path:
    np.save(path, np.ones((2, 2)))
    return path


def pickled(path: Path) -> Path:
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    path.with_suffix(".txt").write_text("a\n")
    return path


def cubic(path: Path) -> Path:
    np.save(path, np.ones((2, 2, 2)))
    path.with_suffix(".txt").write_text("a\nb\n")
    return path


def too_few_ids(path: Path) -> Path:
    return npy(path, [[1, 0], [0, 1]], ["a"])


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (bare, "put the rows' ids beside it as v.txt"),
        (pickled, "no .npy file of plain numbers"),
        (cubic, r"shape \(2, 2, 2\)"),
        (too_few_ids, "has 2 rows and .*v.txt has 1"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole_is_refused_before_anything_is_made(
    lab: Lab, tmp_path: Path, make: Callable[[Path], Path], why: str
) -> None:
    with pytest.raises(InvalidInput, match=why):
        run(lab, new(make(tmp_path / "v.npy")), "spectra")
    assert lab.store.collections() == ["things"]


@pytest.mark.parametrize(
    ("request_of", "why"),
    [
        (lambda file: Request(file, space="bm25"), "'bm25' is no name for a space"),
        (lambda file: Request(file, space="a/b"), "'a/b' is no name for a space"),
        (lambda file: Request(file, space="own", text="abstract"), "no column 'abstract'"),
        (lambda file: Request(file, space="own", match="sha256", id="x"), "no column 'x'"),
    ],
)
def test_a_request_that_does_not_fit_the_file_makes_nothing(
    lab: Lab, tmp_path: Path, request_of: Callable[[str], Request], why: str
) -> None:
    file = jsonl(tmp_path / "v.jsonl", {"id": "a", "vector": [1, 0]})
    with pytest.raises(InvalidInput, match=why):
        run(lab, request_of(str(file)), "spectra")
    assert lab.store.collections() == ["things"]


def test_vectors_for_what_is_there_need_a_collection(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(CollectionNotFound):
        run(lab, match(npy(tmp_path / "v.npy", [[1, 0]], ["a"])), "nowhere")


def test_an_import_stops_when_its_job_is_cancelled(lab: Lab, tmp_path: Path) -> None:
    lab.ingest(found_text("/t.txt", *(f"red row {n}" for n in range(300))))
    ids = [asset.id for asset in list_assets(lab.store, "things", limit=1000)[0]]
    file = npy(tmp_path / "shape.npy", [[1, n] for n in range(300)], ids)
    job = start_import(engine_of(lab), "things", match(file, "id"))
    cancel(lab.store, job)  # while it waits for its turn
    ended = import_vectors(engine_of(lab), lab.queue, job)
    assert jobs.progress(lab.store, ended).state == "cancelled"
    assert 0 < len(vectors(lab)) < 300
    again = retry_job(lab.store, ended)
    assert again.reading
    done = import_vectors(engine_of(lab), lab.queue, again.job)
    assert (jobs.progress(lab.store, done).state, len(vectors(lab))) == ("done", 300)


def test_an_import_of_new_rows_stops_likewise(lab: Lab, tmp_path: Path) -> None:
    file = jsonl(tmp_path / "rows.jsonl", *({"id": f"r{n}", "vector": [1, n]} for n in range(9)))
    job = start_import(engine_of(lab), "rows", new(file))
    cancel(lab.store, job)
    ended = import_vectors(engine_of(lab), lab.queue, job)
    told = jobs.progress(lab.store, ended)
    assert (told.state, told.totals.found) == ("cancelled", 0)
    done = import_vectors(engine_of(lab), lab.queue, retry_job(lab.store, ended).job)
    assert jobs.progress(lab.store, done).totals.indexed == 9

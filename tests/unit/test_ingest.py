"""What a folder becomes in the ledger, and that nothing is read, embedded or lost twice."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from indexer import jobs
from indexer.assets import delete, list_assets, thumbnail
from indexer.content import in_memory
from indexer.departures import drop_collection
from indexer.domain import Asset, Kind, Reason, Source, Status
from indexer.errors import AssetNotFound, InvalidInput
from indexer.failures import failures
from indexer.filters import Equals
from indexer.originals import open_original
from indexer.readers.found import Candidate, Found
from indexer.readers.uris import file_uri
from tests.fakes import LosingQueue
from tests.lab import LIMITS, Lab, found_picture, found_text, picture_in, png


def assets(lab: Lab) -> list[Asset]:
    return list_assets(lab.store, lab.collection.name)[0]


def test_found_is_always_indexed_failed_pending_and_skipped(lab: Lab, tmp_path: Path) -> None:
    skipped = Found(
        "file:///a.exe", "/a.exe", 5, 1, lambda: iter(()), skip=Reason("unsupported_media", "no")
    )

    def unreadable() -> Iterator[Candidate]:
        raise InvalidInput("/b.pdf has a password.")
        yield

    broken = picture_in(tmp_path / "broken.png")
    (tmp_path / "broken.png").write_bytes(png()[:45])
    broken = found_picture(tmp_path / "broken.png")
    job = lab.ingest(
        picture_in(tmp_path / "red.png"),
        found_text("/t.txt", "A red barn.", "A blue boat."),
        skipped,
        Found("file:///b.pdf", "/b.pdf", 5, 1, unreadable),
        broken,
    )
    totals = lab.totals
    assert (totals.indexed, totals.failed, totals.pending, totals.skipped) == (3, 2, 0, 1)
    assert totals.found == 6
    assert totals.reasons["skipped"] == {"unsupported_media": 1}
    assert sum(totals.reasons["failed"].values()) == 2
    assert jobs.progress(lab.store, job).totals == totals
    paths = {failure.path for failure in failures(lab.store, "things", job.id)}
    assert paths == {"/a.exe", "/b.pdf", str(tmp_path / "broken.png")}


def test_an_unchanged_folder_is_neither_read_nor_embedded_again(lab: Lab, tmp_path: Path) -> None:
    picture_in(tmp_path / "red.png")
    lab.ingest(found_picture(tmp_path / "red.png"), found_text("/t.txt", "red barn"))
    embedded = list(lab.embedder.embedded)

    def never() -> Iterator[Candidate]:
        raise AssertionError("an unchanged document was read again")
        yield

    found = found_picture(tmp_path / "red.png")
    again = lab.ingest(Found(found.uri, found.path, found.size, found.mtime_ns, never))
    assert again.tally.unchanged == 1
    assert lab.embedder.embedded == embedded


def test_touched_files_are_read_but_not_embedded_again(lab: Lab, tmp_path: Path) -> None:
    picture_in(tmp_path / "red.png")
    lab.ingest(found_picture(tmp_path / "red.png"))
    os.utime(tmp_path / "red.png", (1, 1))
    job = lab.ingest(found_picture(tmp_path / "red.png"))
    assert job.tally.known == 1
    assert lab.embedder.embedded == ["image"]


def test_the_same_content_in_two_places_is_one_asset_with_two_sources(
    lab: Lab, tmp_path: Path
) -> None:
    lab.ingest(picture_in(tmp_path / "a.png"), picture_in(tmp_path / "b.png"))
    (asset,) = assets(lab)
    assert [Path(source.path).name for source in asset.sources] == ["a.png", "b.png"]
    assert lab.embedder.embedded == ["image"]


def test_a_renamed_file_keeps_its_vectors_and_loses_its_old_name(lab: Lab, tmp_path: Path) -> None:
    lab.ingest(picture_in(tmp_path / "old.png"))
    (tmp_path / "old.png").rename(tmp_path / "new.png")
    job = lab.ingest(found_picture(tmp_path / "new.png"), root=file_uri(tmp_path))
    (asset,) = assets(lab)
    assert [Path(source.path).name for source in asset.sources] == ["new.png"]
    assert asset.blob == file_uri(tmp_path / "new.png")
    assert asset.status is Status.INDEXED
    assert (job.tally.moved, job.tally.missing) == (1, 0)
    assert lab.embedder.embedded == ["image"]


def test_a_deleted_file_is_reported_and_removed_only_when_asked(lab: Lab, tmp_path: Path) -> None:
    lab.ingest(picture_in(tmp_path / "a.png"), picture_in(tmp_path / "b.png", (0, 0, 255)))
    (tmp_path / "a.png").unlink()
    job = lab.ingest(found_picture(tmp_path / "b.png"), root=file_uri(tmp_path))
    assert (job.tally.missing, job.tally.pruned, len(assets(lab))) == (1, 0, 2)
    job = lab.ingest(found_picture(tmp_path / "b.png"), root=file_uri(tmp_path), prune=True)
    assert (job.tally.missing, job.tally.pruned, len(assets(lab))) == (1, 1, 1)


def test_pruning_one_folder_leaves_others_alone(lab: Lab, tmp_path: Path) -> None:
    lab.ingest(picture_in(tmp_path / "one" / "a.png"), picture_in(tmp_path / "one2" / "b.png"))
    (tmp_path / "one2" / "b.png").unlink()
    lab.ingest(
        found_picture(tmp_path / "one" / "a.png"), root=file_uri(tmp_path / "one"), prune=True
    )
    assert len(assets(lab)) == 1
    assert len(assets(lab)[0].sources) == 2


def test_a_text_that_was_edited_loses_the_passages_it_no_longer_has(lab: Lab) -> None:
    lab.ingest(found_text("/t.txt", "red barn", "blue boat"))
    lab.ingest(found_text("/t.txt", "red barn", "green hill", mtime_ns=2))
    assert sorted(asset.text or "" for asset in assets(lab)) == ["green hill", "red barn"]


def test_a_crash_before_the_job_ran_loses_nothing(lab: Lab, tmp_path: Path) -> None:
    queue = LosingQueue()
    lab.ingest(picture_in(tmp_path / "a.png"), found_text("/t.txt", "red barn"), queue=queue)
    assert lab.totals.pending == 2
    lab.index(queue.lost)
    assert (lab.totals.pending, lab.totals.indexed) == (0, 2)


def test_a_crash_between_vectors_and_status_embeds_nothing_twice(lab: Lab) -> None:
    lab.ingest(found_text("/t.txt", "red barn"))
    (asset,) = assets(lab)
    lab.store.set_payload("things", {asset.id: {"status": "pending"}})
    lab.index([asset.id])
    assert assets(lab)[0].status is Status.INDEXED
    assert lab.embedder.embedded == ["red barn"]


def test_a_document_that_failed_is_read_again_and_its_failure_forgotten(lab: Lab) -> None:
    def locked() -> Iterator[Candidate]:
        raise InvalidInput("/t.txt cannot be read.")
        yield

    good = found_text("/t.txt", "red barn")
    lab.ingest(Found(good.uri, good.path, good.size, good.mtime_ns, locked))
    assert lab.totals.failed == 1
    lab.ingest(good)
    assert (lab.totals.failed, lab.totals.indexed) == (0, 1)
    assert lab.totals.reasons == {}


def test_a_reader_that_trips_takes_no_other_document_with_it(lab: Lab) -> None:
    def trips() -> Iterator[Candidate]:
        yield from found_text("/x.txt", "green hill").read()
        raise ZeroDivisionError("a bug in a reader")

    lab.ingest(Found("file:///x.txt", "/x.txt", 1, 1, trips), found_text("/t.txt", "red barn"))
    assert (lab.totals.indexed, lab.totals.failed) == (2, 1)
    assert "ZeroDivisionError" in failures(lab.store, "things")[0].reason.message


def test_metadata_becomes_filterable(lab: Lab) -> None:
    lab.ingest(
        found_text("/t.txt", "red barn", metadata={"year": 1901, "Date of birth": "1870-02-01"})
    )
    found, _ = list_assets(lab.store, "things", Equals("metadata.Date_of_birth", "1870-02-01"))
    assert [asset.metadata["year"] for asset in found] == [1901]


def test_uploaded_bytes_are_kept(lab: Lab) -> None:
    source = found_text("/x", "").uri

    def read() -> Iterator[Candidate]:
        yield Candidate(
            Kind.IMAGE, Source(source, "x.png"), "image/png", content=in_memory(png((0, 255, 0)))
        )

    lab.ingest(Found(source, "x.png", 1, 1, read))
    (asset,) = assets(lab)
    assert asset.blob is not None
    assert asset.blob.startswith("blob:")
    with lab.blobs.open(asset.blob) as file:
        assert file.read() == png((0, 255, 0))


@pytest.mark.parametrize("count", [255, 256, 257, 600])
def test_every_document_is_recorded_whatever_the_batch(lab: Lab, count: int) -> None:
    lab.ingest(*(found_text(f"/{n}.txt", f"text number {n}") for n in range(count)))
    assert lab.totals.indexed == count


def test_things_without_content_are_failures_of_their_own(lab: Lab) -> None:
    problem = Reason("undecodable_asset", "The file is empty.")

    def empty(uri: str) -> Found:
        source = Source(uri, uri)
        candidate = Candidate(Kind.IMAGE, source, "image/jpeg", problem=problem)
        return Found(uri, uri, 0, 1, lambda: iter([candidate]))

    lab.ingest(empty("file:///a.jpg"), empty("file:///b.jpg"))
    assert lab.totals.failed == 2


def archive(path: Path, mtime_ns: int, error: Exception | None = None) -> Found:
    def read() -> Iterator[Candidate]:
        if error is not None:
            raise error
        return iter(())

    return Found(file_uri(path), str(path), 1, mtime_ns, read)


def test_members_are_gone_only_when_their_archive_was_read_to_its_end(
    lab: Lab, tmp_path: Path
) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"zip")

    def inside(name: str, text: str) -> Found:
        uri = f"{file_uri(path)}!/{name}"
        found = found_text(uri, text)
        candidates = [replace(one, source=Source(uri, uri)) for one in found.read()]
        return replace(found, uri=uri, container=file_uri(path), read=lambda: iter(candidates))

    lab.ingest(inside("one.txt", "red"), inside("two.txt", "blue"), archive(path, 1))
    broken = archive(path, 2, InvalidInput("The archive ends early."))
    lab.ingest(inside("one.txt", "red"), broken, root=file_uri(path), prune=True)
    assert len(assets(lab)) == 2, "an archive that broke off says nothing about its members"
    lab.ingest(inside("one.txt", "red"), archive(path, 3), root=file_uri(path), prune=True)
    assert [asset.text for asset in assets(lab)] == ["red"]


def test_dropping_a_collection_takes_copies_and_thumbnails_along(lab: Lab) -> None:
    data = png((0, 255, 0))
    source = Source("upload:///x.png", "x.png")
    candidate = Candidate(Kind.IMAGE, source, "image/png", content=in_memory(data))
    lab.ingest(Found(source.uri, "x.png", 1, 1, lambda: iter([candidate])))
    (asset,) = assets(lab)
    assert asset.blob is not None
    thumbnail(lab.blobs, asset, 128, LIMITS)
    drop_collection(lab.store, lab.blobs, "things")
    assert lab.store.collections() == []
    assert lab.blobs.get_derived(f"{asset.id}-128") is None
    with pytest.raises(AssetNotFound):
        lab.blobs.open(asset.blob)


def test_the_pages_of_one_file_share_its_bytes_until_the_last_is_deleted(lab: Lab) -> None:
    content = in_memory(png((0, 255, 0)))
    source = Source("upload:///x.tif", "x.tif")
    pages = [
        Candidate(Kind.IMAGE, replace(source, page=page), "image/tiff", content, page=page)
        for page in (1, 2)
    ]
    lab.ingest(Found(source.uri, "x.tif", 1, 1, lambda: iter(pages)), queue=LosingQueue())
    first, second = assets(lab)
    assert first.blob == second.blob == f"blob:{content.sha256}"
    delete(lab.store, lab.blobs, "things", [first.id])
    assert lab.blobs.has(f"blob:{content.sha256}")
    delete(lab.store, lab.blobs, "things", [second.id])
    assert not lab.blobs.has(f"blob:{content.sha256}")


def test_bytes_that_were_brought_outlive_the_file_they_were_also_in(
    lab: Lab, tmp_path: Path
) -> None:
    found = picture_in(tmp_path / "a.png")
    source = Source("upload:///x.png", "x.png")
    candidate = Candidate(Kind.IMAGE, source, "image/png", content=in_memory(png()))
    lab.ingest(found, Found(source.uri, "x.png", 1, 1, lambda: iter([candidate])))
    (tmp_path / "a.png").unlink()
    (asset,) = assets(lab)
    with open_original(lab.blobs, asset) as file:
        assert file.read() == png()


def test_a_picture_that_changes_while_it_is_copied_fails_alone(lab: Lab, tmp_path: Path) -> None:
    changing = replace(in_memory(png()), open=lambda: BytesIO(b"other bytes"))
    candidate = Candidate(
        Kind.IMAGE, Source("upload:///x.png", "x.png"), "image/png", content=changing
    )
    lab.ingest(
        Found("upload:///x.png", "x.png", 1, 1, lambda: iter([candidate])),
        picture_in(tmp_path / "good.png", (0, 0, 255)),
    )
    assert (lab.totals.indexed, lab.totals.failed) == (1, 1)
    assert "changed" in failures(lab.store, "things")[0].reason.message

"""Two who record the same content at the same time, and one who deletes it meanwhile."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from indexer import assets
from indexer.blobs.folder import FolderBlobs
from indexer.content import Content, in_memory
from indexer.domain import Asset, Kind, Source, Status, asset_id
from indexer.errors import Conflict
from indexer.filters import HasVector
from indexer.ledger import PAGE
from indexer.originals import open_original
from indexer.ports import VectorStore
from indexer.readers.found import Candidate, Found
from indexer.readers.uris import file_uri
from indexer.recording import Recorder
from tests.fakes import LosingQueue
from tests.lab import Lab, found_text, png

RED = in_memory(png())
RED_ID = asset_id(Kind.IMAGE, RED.sha256)


class InterruptedBlobs(FolderBlobs):
    """Keeps bytes on disk; each time it has kept some, something happens elsewhere."""

    def __init__(self, folder: Path, meanwhile: Callable[[int], object]) -> None:
        super().__init__(folder)
        self._meanwhile = meanwhile
        self._puts = 0
        self._lock = threading.Lock()

    def put(self, content: Content) -> str:
        uri = super().put(content)
        with self._lock:
            self._puts += 1
            number = self._puts
        self._meanwhile(number)
        return uri


class CountedStore:
    """A real store that notes which of its methods are called."""

    def __init__(self, store: VectorStore) -> None:
        self._store = store
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        self.calls[name] += 1
        return getattr(self._store, name)


def both_at_once() -> Callable[[int], object]:
    """Lets the first two who keep bytes go on only when both have: neither has written yet."""
    both = threading.Barrier(2, timeout=30)
    return lambda number: both.wait() if number <= 2 else None


def red_in(path: Path, **metadata: object) -> Found:
    """The red picture in a file, of which a copy is kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png())
    uri, stat = file_uri(path), path.stat()

    def read() -> Iterator[Candidate]:
        source = Source(uri=uri, path=str(path))
        yield Candidate(Kind.IMAGE, source, "image/png", RED, metadata=metadata)

    return Found(uri, str(path), stat.st_size, stat.st_mtime_ns, read)


def interrupted(lab: Lab, folder: Path, meanwhile: Callable[[int], object]) -> Lab:
    return replace(lab, blobs=InterruptedBlobs(folder, meanwhile))


def ingest_both(lab: Lab, one: Found, other: Found, queue: LosingQueue) -> None:
    with ThreadPoolExecutor(2) as threads:
        runs = [threads.submit(lab.ingest, found, queue=queue) for found in (one, other)]
        for run in runs:
            run.result(timeout=60)


def red(lab: Lab) -> Asset:
    (asset,) = assets.list_assets(lab.store, "things")[0]
    assert asset.id == RED_ID
    return asset


def names(asset: Asset) -> list[str]:
    return sorted(Path(source.path).name for source in asset.sources)


def test_two_who_find_new_content_at_once_are_both_its_sources(
    lab: Lab, tmp_path: Path, new_folder: Path
) -> None:
    racing, queue = interrupted(lab, new_folder / "blobs", both_at_once()), LosingQueue()
    one, other = red_in(tmp_path / "1" / "a.png", a=1), red_in(tmp_path / "2" / "b.png", b=2)
    ingest_both(racing, one, other, queue)
    asset = red(lab)
    assert (names(asset), asset.metadata) == (["a.png", "b.png"], {"a": 1, "b": 2})
    assert asset.status is Status.PENDING
    assert set(queue.lost) == {RED_ID}
    assert 1 <= len(queue.lost) <= 2

    for id in queue.lost:
        lab.index([id])
    assert red(lab).status is Status.INDEXED
    assert lab.embedder.embedded == ["image"]
    assert lab.store.count("things", HasVector("colour")) == 1

    (tmp_path / "1" / "a.png").unlink()
    job = lab.ingest(root=file_uri(tmp_path / "1"), prune=True)
    assert (names(red(lab)), job.tally.pruned) == (["b.png"], 0)
    with open_original(lab.blobs, red(lab)) as file:
        assert file.read() == png()


def test_who_was_second_is_told_that_it_was_known(
    lab: Lab, tmp_path: Path, new_folder: Path
) -> None:
    racing = interrupted(lab, new_folder / "blobs", both_at_once())
    with ThreadPoolExecutor(2) as threads:
        found = [red_in(tmp_path / "a.png"), red_in(tmp_path / "b.png")]
        jobs = list(threads.map(racing.ingest, found))
    assert sorted(job.tally.known for job in jobs) == [0, 1]


def test_two_who_find_known_content_at_once_both_merge_with_it(
    lab: Lab, tmp_path: Path, new_folder: Path
) -> None:
    lab.ingest(red_in(tmp_path / "first.png", first=0))
    racing, queue = interrupted(lab, new_folder / "blobs", both_at_once()), LosingQueue()
    one, other = red_in(tmp_path / "a.png", a=1), red_in(tmp_path / "b.png", b=2)
    ingest_both(racing, one, other, queue)
    asset = red(lab)
    assert names(asset) == ["a.png", "b.png", "first.png"]
    assert asset.metadata == {"first": 0, "a": 1, "b": 2}
    assert (asset.status, queue.lost) == (Status.INDEXED, []), "it has its vector"


def test_of_two_who_say_different_things_of_one_place_one_is_believed(
    lab: Lab, tmp_path: Path, new_folder: Path
) -> None:
    lab.ingest(red_in(tmp_path / "a.png", year=1900))
    (tmp_path / "a.png").touch()
    racing, queue = interrupted(lab, new_folder / "blobs", both_at_once()), LosingQueue()
    one, other = red_in(tmp_path / "a.png", year=1901), red_in(tmp_path / "a.png", year=1902)
    ingest_both(racing, one, other, queue)
    asset = red(lab)
    assert names(asset) == ["a.png"]
    assert asset.metadata["year"] in (1901, 1902)


def test_what_is_deleted_while_it_is_found_again_comes_back(
    lab: Lab, tmp_path: Path, new_folder: Path
) -> None:
    lab.ingest(red_in(tmp_path / "a.png", a=1))

    def delete_first(number: int) -> None:
        if number == 1:
            assert assets.delete(lab.store, lab.blobs, "things", [RED_ID]) == 1

    racing = interrupted(lab, new_folder / "blobs", delete_first)
    racing.ingest(red_in(tmp_path / "b.png", b=2))
    asset = red(lab)
    assert (names(asset), asset.metadata) == (["b.png"], {"b": 2})
    assert asset.status is Status.INDEXED
    assert lab.store.count("things", HasVector("colour")) == 1
    with open_original(lab.blobs, asset) as file:
        assert file.read() == png()


def test_it_comes_back_with_its_bytes_though_they_are_forgotten_last(
    lab: Lab, tmp_path: Path, new_folder: Path
) -> None:
    lab.ingest(red_in(tmp_path / "a.png"))
    blob = red(lab).blob
    assert blob is not None

    def delete_slowly(number: int) -> None:
        if number == 1:
            lab.store.delete("things", [RED_ID])
        if number == 2:
            lab.blobs.delete([blob])

    racing = interrupted(lab, new_folder / "blobs", delete_slowly)
    racing.ingest(red_in(tmp_path / "b.png"))
    assert names(red(lab)) == ["b.png"]
    with open_original(lab.blobs, red(lab)) as file:
        assert file.read() == png()


def test_of_many_who_find_the_same_texts_each_is_heard(lab: Lab) -> None:
    texts = [f"passage {number}" for number in range(20)]
    start = threading.Barrier(4, timeout=30)

    def run(who: str) -> None:
        found = found_text(f"/{who}.txt", *texts, metadata={who: True})
        start.wait()
        lab.ingest(found, queue=LosingQueue())

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(run, "abcd"))
    found = assets.list_assets(lab.store, "things")[0]
    assert len(found) == 20
    for asset in found:
        assert names(asset) == ["a.txt", "b.txt", "c.txt", "d.txt"]
        assert asset.metadata == dict.fromkeys("abcd", True)


def test_one_who_is_never_the_first_gives_up_aloud(
    lab: Lab, tmp_path: Path, new_folder: Path
) -> None:
    lab.ingest(red_in(tmp_path / "a.png"))

    def another_merges(number: int) -> None:
        lab.ingest(red_in(tmp_path / f"{number}.png"))

    racing = interrupted(lab, new_folder / "blobs", another_merges)
    with pytest.raises(Conflict, match="changed by many at once"):
        racing.ingest(red_in(tmp_path / "mine.png"))
    assert "mine.png" not in names(red(lab))


def calls_of(lab: Lab, candidates: Mapping[str, str]) -> Counter[str]:
    """What a batch of texts (by path) asks of the store."""
    store = CountedStore(lab.store)
    recorder = Recorder(
        cast("VectorStore", store),
        lab.blobs,
        LosingQueue(),
        lab.collection,
        "a job",
        lambda recorded: None,
    )
    for path, text in candidates.items():
        source = Source(uri=f"file://{path}", path=path)
        recorder.add(Candidate(Kind.TEXT, source, "text/plain", text=text))
    recorder.flush()
    return store.calls


def test_a_batch_costs_one_more_look_and_none_if_nothing_is_new(lab: Lab) -> None:
    texts = {f"/{number}": f"passage {number}" for number in range(PAGE)}
    moved = {f"/moved/{number}": f"passage {number}" for number in range(PAGE)}
    again = {f"/again/{number}": f"passage {number}" for number in range(PAGE)}
    mixed = {f"/mixed/{number}": f"passage {number}" for number in range(PAGE // 2, 3 * PAGE // 2)}
    assert calls_of(lab, texts) == {"scroll": 2, "insert": 1}
    assert calls_of(lab, texts) == {"scroll": 1}
    assert calls_of(lab, moved) == {"scroll": 2, "set_payload": 1}
    assert calls_of(lab, again) == {"scroll": 2, "set_payload": 1}
    # half of these were merged twice before, half of them are new
    assert calls_of(lab, mixed) == {"scroll": 2, "insert": 1, "set_payload": 1}
    # now half of the first were merged twice, half of them three times
    last = {f"/last/{number}": f"passage {number}" for number in range(PAGE)}
    assert calls_of(lab, last) == {"scroll": 2, "set_payload": 2}

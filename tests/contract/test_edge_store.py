"""What only the store in this process promises: one owner, and that nothing is lost."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import qdrant_edge as qe

from indexer.domain import Kind, NearestQuery, Point, PointVectors, Space
from indexer.errors import CollectionNotFound, DiskFull, StoreLocked, StoreUnavailable
from indexer.filters import HasVector
from indexer.stores.edge import EdgeStore
from indexer.stores.edge_folder import ShardFolder
from indexer.stores.edge_points import shard_config
from indexer.stores.ledger_fields import LEDGER_FIELDS
from tests.contract.conftest import SPACES

A, B = (str(uuid.UUID(int=n)) for n in (1, 2))


@pytest.fixture
def folder(new_folder: Path) -> Path:
    return new_folder


@pytest.fixture
def edge(folder: Path) -> Iterator[EdgeStore]:
    store = EdgeStore(folder)
    store.create_collection("photos", SPACES)
    yield store
    store.close()


def in_another_process(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


OPEN_AND_WAIT = """
import sys, pathlib
from indexer.filters import HasVector
from indexer.stores.edge import EdgeStore
store = EdgeStore(pathlib.Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def test_a_second_process_is_told_who_has_the_folder(folder: Path) -> None:
    with in_another_process(OPEN_AND_WAIT, folder) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(StoreLocked) as caught:
            EdgeStore(folder)
        other.kill()
    assert str(folder) in caught.value.message
    assert f"process {other.pid}" in caught.value.message
    assert "SEMBLANCE_DATA" in caught.value.message
    EdgeStore(folder).close()  # the lock went with the process


WRITE_UNTIL_KILLED = """
import sys, pathlib, uuid
import numpy as np
from indexer.domain import Point, PointVectors
from indexer.filters import HasVector
from indexer.stores.edge import EdgeStore
store = EdgeStore(pathlib.Path(sys.argv[1]))
for n in range(1, 10**6):
    ids = [str(uuid.UUID(int=n * 1000 + k)) for k in range(20)]
    store.insert("photos", [Point(id, {"n": n}) for id in ids])
    vector = np.ones(4, np.float32)
    store.write_vectors("photos", [PointVectors(id, {"look": vector}) for id in ids])
    store.set_payload("photos", {id: {"status": "indexed"} for id in ids})
    print(n, flush=True)
"""


def test_what_was_acknowledged_survives_a_kill(edge: EdgeStore, folder: Path) -> None:
    edge.close()
    with in_another_process(WRITE_UNTIL_KILLED, folder) as writer:
        assert writer.stdout is not None
        acknowledged = 0
        while acknowledged < 15:
            acknowledged = int(writer.stdout.readline())
        time.sleep(0.01)  # somewhere inside a batch
        writer.send_signal(signal.SIGKILL)
        for line in writer.stdout:
            acknowledged = int(line)
    store = EdgeStore(folder)
    for n in range(1, acknowledged + 1):
        ids = [str(uuid.UUID(int=n * 1000 + k)) for k in range(20)]
        points = store.get("photos", ids, ["look"])
        assert [point.id for point in points] == ids
        assert all(point.payload == {"n": n, "status": "indexed"} for point in points)
        assert all("look" in point.vectors for point in points)
    store.close()


def test_points_and_indexes_are_there_after_reopening(edge: EdgeStore, folder: Path) -> None:
    edge.insert("photos", [Point(A, {"status": "pending"})])
    edge.close()
    again = EdgeStore(folder)
    assert again.collections() == ["photos"]
    assert again.facet("photos", "status") == {"pending": 1}
    again.write_vectors("photos", [PointVectors(A, {"look": np.ones(4, np.float32)})])
    again.close()


def test_a_collection_from_before_a_ledger_field_gets_its_index(folder: Path) -> None:
    older = ShardFolder(folder, 0, prepare=lambda shard: None)
    older.create("photos", shard_config({"look": 4}))
    with older.use("photos") as opened:
        points = [qe.Point(A, {}, {"lease": {"owner": "one"}}), qe.Point(B, {}, {})]
        opened.shard.update(qe.UpdateOperation.upsert_points(points))
        assert opened.shard.info().payload_schema == {}
    older.close()
    store = EdgeStore(folder)
    assert store.facet("photos", "lease.owner") == {"one": 1}
    store.close()
    again = ShardFolder(folder, 0, prepare=lambda shard: None)
    with again.use("photos") as opened:
        assert opened.shard.info().payload_schema.keys() == LEDGER_FIELDS.keys()
    again.close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # forking is the point here
def test_a_fork_raises_instead_of_hanging(edge: EdgeStore) -> None:
    edge.insert("photos", [Point(A, {})])
    answers = multiprocessing.get_context("fork").SimpleQueue()

    def ask() -> None:
        try:
            edge.count("photos")
        except StoreUnavailable as error:
            answers.put(error.message)
        edge.close()

    child = multiprocessing.get_context("fork").Process(target=ask)
    child.start()
    child.join(timeout=20)
    assert child.exitcode == 0
    assert f"process {os.getpid()}" in answers.get()
    assert edge.count("photos") == 1, "the parent's store is as it was"


def test_a_closed_store_raises(edge: EdgeStore) -> None:
    edge.close()
    edge.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        edge.count("photos")
    with pytest.raises(StoreUnavailable, match="closed"):
        edge.create_collection("other", ())


def test_one_broken_collection_leaves_the_others(
    edge: EdgeStore, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    edge.create_collection("broken", SPACES)
    edge.insert("photos", [Point(A, {})])
    edge.insert("broken", [Point(A, {})])
    edge.close()
    for file in (folder / "broken" / "segments").rglob("*.json"):
        file.write_text("{")
    store = EdgeStore(folder)
    assert store.collections() == ["broken", "photos"]
    assert store.count("photos") == 1
    with pytest.raises(StoreUnavailable, match=re.escape(str(folder / "broken"))):
        store.count("broken")
    store.drop_collection("broken")
    assert store.collections() == ["photos"]
    store.close()


@pytest.mark.parametrize("content", [None, "", "{}", '{"vectors": 3}'])
def test_a_folder_that_is_no_collection_is_named(
    edge: EdgeStore, folder: Path, content: str | None
) -> None:
    (folder / "odd").mkdir()
    if content is not None:
        (folder / "odd" / "edge_config.json").write_text(content)
    with pytest.raises(StoreUnavailable, match="backup"):
        edge.count("odd")


def test_leftovers_of_a_crash_are_cleared_away(edge: EdgeStore, folder: Path) -> None:
    edge.close()
    (folder / ".new-1234").mkdir()
    (folder / ".trash-1234" / "segments").mkdir(parents=True)
    store = EdgeStore(folder)
    assert store.collections() == ["photos"]
    assert sorted(path.name for path in folder.iterdir()) == [".lock", "photos"]
    store.close()


def test_a_nearly_full_disk_refuses_before_the_engine_can_crash(folder: Path) -> None:
    """The engine writes through memory maps: on a full disk it dies of SIGBUS."""
    store = EdgeStore(folder, min_free_bytes=2**62)
    with pytest.raises(DiskFull, match="free some space"):
        store.create_collection("photos", SPACES)
    assert store.collections() == []
    store.close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="file"):
        EdgeStore(tmp_path / "file" / "collections")


def test_threads_that_write_read_and_drop_do_not_trip_over_each_other(edge: EdgeStore) -> None:
    unexpected: list[BaseException] = []
    vector = np.ones(4, np.float32)

    def write(worker: int) -> None:
        try:
            for n in range(1, 200):
                id = str(uuid.UUID(int=worker * 1000 + n))
                edge.insert("photos", [Point(id, {})])
                edge.write_vectors("photos", [PointVectors(id, {"look": vector})])
                edge.nearest("photos", [NearestQuery("look", vector, 3)])
                edge.delete("photos", [id])
        except CollectionNotFound:
            pass  # dropped meanwhile
        except BaseException as error:
            unexpected.append(error)

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    edge.drop_collection("photos")
    for thread in threads:
        thread.join(timeout=30)
    assert unexpected == []
    assert edge.collections() == []


def test_an_index_finds_what_a_full_scan_finds(edge: EdgeStore) -> None:
    """300 points of 9,000 dimensions are 10.8 MB: over the size from which `optimize` builds."""
    space = Space("big", 9000, "m", "f", frozenset({Kind.IMAGE}))
    edge.create_collection("big", [space])
    vectors = np.random.default_rng(3).normal(size=(300, 9000)).astype(np.float32)
    ids = [str(uuid.UUID(int=n + 1)) for n in range(300)]
    edge.insert("big", [Point(id, {}) for id in ids])
    rows = [PointVectors(id, {"big": row}) for id, row in zip(ids, vectors, strict=True)]
    edge.write_vectors("big", rows)
    queries = [NearestQuery("big", row, 1) for row in vectors[:40]]
    for optimized in (True, False):
        assert [hits[0].id for hits in edge.nearest("big", queries)] == ids[:40]
        assert edge.optimize("big") == optimized
    assert [hits[0].id for hits in edge.nearest("big", queries)] == ids[:40]
    assert edge.count("big", HasVector("big")) == 300


CHANGE_SPACES_UNTIL_KILLED = """
import sys, pathlib, uuid
import numpy as np
from indexer.domain import Kind, PointVectors, Space
from indexer.stores.edge import EdgeStore
store = EdgeStore(pathlib.Path(sys.argv[1]))
ids = [str(uuid.UUID(int=k + 1)) for k in range(20)]
for n in range(10**6):
    dimension = 2 + n % 3
    store.drop_space("photos", "shape")
    store.add_space("photos", Space("shape", dimension, "m", "f", frozenset({Kind.IMAGE})))
    rows = [PointVectors(id, {"shape": np.ones(dimension, np.float32)}) for id in ids]
    store.write_vectors("photos", rows)
    print(n, flush=True)
"""


def test_a_kill_while_spaces_come_and_go_leaves_all_usable(edge: EdgeStore, folder: Path) -> None:
    ids = [str(uuid.UUID(int=k + 1)) for k in range(20)]
    edge.insert("photos", [Point(id, {}) for id in ids])
    edge.write_vectors("photos", [PointVectors(i, {"look": np.ones(4, np.float32)}) for i in ids])
    edge.close()
    for round in range(5):
        with in_another_process(CHANGE_SPACES_UNTIL_KILLED, folder) as changer:
            assert changer.stdout is not None
            while int(changer.stdout.readline()) < 3:
                pass
            time.sleep(0.003 * round)  # somewhere inside a change
            changer.send_signal(signal.SIGKILL)
        store = EdgeStore(folder)
        assert store.count("photos", HasVector("look")) == 20
        store.drop_space("photos", "shape")  # as far as it was there
        store.add_space("photos", Space("shape", 5, "m", "f", frozenset({Kind.IMAGE})))
        assert store.count("photos", HasVector("shape")) == 0
        store.write_vectors("photos", [PointVectors(A, {"shape": np.ones(5, np.float32)})])
        assert store.count("photos", HasVector("shape")) == 1
        store.close()


def test_a_space_that_a_kill_left_half_made_can_be_added_again(
    edge: EdgeStore, folder: Path
) -> None:
    shape = Space("shape", 2, "m", "f", frozenset({Kind.IMAGE}))
    description = folder / "photos" / "edge_config.json"
    edge.insert("photos", [Point(A, {})])
    before = description.read_bytes()
    edge.add_space("photos", shape)
    edge.close()
    description.write_bytes(before)  # the segments have it, the description was not reached
    again = EdgeStore(folder)
    again.add_space("photos", shape)
    again.write_vectors("photos", [PointVectors(A, {"shape": np.ones(2, np.float32)})])
    assert again.count("photos", HasVector("shape")) == 1
    again.close()

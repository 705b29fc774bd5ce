"""A fill that is killed goes on where it was, and nothing is embedded twice that was written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from indexer import collections, spaces
from indexer.filters import HasVector
from indexer.recovery import requeue_unfilled
from indexer.stores.edge import EdgeStore
from tests.fakes import LosingQueue

ROOT = Path(__file__).parents[2]
TEXTS = 400

FILL_UNTIL_KILLED = """
import pathlib, sys, time
from indexer import collections, spaces
from indexer.recovery import requeue_unfilled
from tests.fakes import ColourEmbedder
from tests.lab import found_text, open_lab

class Second(ColourEmbedder):
    name = "second"

    def embed_texts(self, texts):
        time.sleep(0.02)
        return super().embed_texts(texts)

class SmallJobs:
    def enqueue(self, collection, ids, kind, priority):
        for start in range(0, len(ids), 8):
            lab.queue.enqueue(collection, ids[start:start + 8], kind, priority)
            print(start + 8, flush=True)

opened = open_lab(pathlib.Path(sys.argv[1]), ColourEmbedder())
lab = next(opened)
lab.ingest(found_text("/t.txt", *(f"red number {n}" for n in range(int(sys.argv[2])))))
lab.embedders.know(Second())
spaces.add(lab.store, "things", collections.space_of(Second()))
requeue_unfilled(lab.store, SmallJobs(), "things")
"""


def test_a_killed_fill_goes_on_where_it_was(new_folder: Path) -> None:
    folder = new_folder
    words = [sys.executable, "-c", FILL_UNTIL_KILLED, str(folder), str(TEXTS)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    ) as filling:
        assert filling.stdout is not None
        while int(filling.stdout.readline()) < 80:
            pass
        filling.send_signal(signal.SIGKILL)

    store = EdgeStore(folder / "collections")
    written = store.count("things", HasVector("second"))
    assert 80 <= written < TEXTS
    queue = LosingQueue()
    assert requeue_unfilled(store, queue, "things") == TEXTS - written
    lacking = store.get("things", queue.lost, spaces=["colour", "second"])
    assert all({*point.vectors} == {"colour"} for point in lacking)
    told = spaces.filling(store, "things", collections.get(store, "things").space("second"))
    assert (told.vectors, told.wanted, told.failed) == (written, TEXTS, 0)
    assert collections.totals(store, "things").indexed == TEXTS
    store.close()

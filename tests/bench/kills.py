"""Kills workers again and again in the middle of a batch, and more; then balances the books.

Each cycle starts a worker and ends it with SIGKILL a random moment after it has begun to write.
Every fifth time Redis forgets everything as well, every seventh the store refuses for a second,
every tenth the server that reads the folder is killed and another one started. At the end: is all
that was found indexed, once, with the vectors of a clean run?
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from api.client import Client, connect
from indexer import collections
from indexer.build import open_engine
from indexer.ledger import assets_where, scroll_all
from indexer.ports import Vectors
from indexer.settings import Settings
from tests.bench import report
from tests.installation import Installation, installed, killed, pictures
from tests.services import until

NAME = "things"


@dataclass
class Ordeal:
    """What has been done to an installation so far."""

    place: Installation
    pictures: int
    chance: random.Random
    done: dict[str, int] = field(default_factory=dict)

    def count(self, event: str) -> None:
        self.done[event] = self.done.get(event, 0) + 1


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench kills", description=__doc__)
    parser.add_argument("--cycles", type=int, default=50)
    parser.add_argument("--pictures", type=int, default=12_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, installed(Path(folder) / "place") as place:
        photos = pictures(Path(folder) / "photos", options.pictures)
        ordeal = Ordeal(place, options.pictures, random.Random(options.seed))
        totals, seconds = go_through(ordeal, photos, options.cycles)
        found, expected = vectors_of(place.settings), clean_run(photos, Path(folder) / "clean")
    report.write(
        "kills",
        {
            "pictures": options.pictures,
            "seed": options.seed,
            "events": ordeal.done,
            "totals": totals,
            "ids_as_in_a_clean_run": found.keys() == expected.keys(),
            "largest_difference_to_a_clean_run": max(
                (float(np.abs(found[id] - expected[id]).max()) for id in found.keys() & expected),
                default=None,
            ),
            "seconds_to_settle_after_the_last_kill": round(seconds, 1),
            "seconds": round(time.monotonic() - began, 1),
        },
    )


def go_through(ordeal: Ordeal, photos: Path, cycles: int) -> tuple[Mapping[str, object], float]:
    """All cycles, then peace; returns the final counts and how long it took to settle."""
    place = ordeal.place
    with ExitStack() as stack:
        client = stack.enter_context(closing(place.start_server()))
        client.index(photos, NAME)
        for cycle in range(1, cycles + 1):
            _kill_a_worker(ordeal, client)
            if cycle % 5 == 0:
                place.redis.flush()
                ordeal.count("redis emptied")
            if cycle % 7 == 0 and place.qdrant is not None:
                place.qdrant.stop()
                time.sleep(1)
                place.qdrant.start()
                ordeal.count("store away for a second")
            if cycle % 10 == 0:
                place.kill_server()
                client = stack.enter_context(closing(place.start_server()))
                ordeal.count("server killed")
        began = time.monotonic()
        place.start_worker()
        place.start_worker()
        until(lambda: _is_settled(client, ordeal.pictures), place.log()[-5000:], seconds=900)
        return dict(client.totals(NAME)), time.monotonic() - began


def _kill_a_worker(ordeal: Ordeal, client: Client) -> None:
    before = client.totals(NAME)["indexed"]
    worker = ordeal.place.start_worker()
    patience = time.monotonic() + 60
    while client.totals(NAME)["indexed"] == before and time.monotonic() < patience:
        time.sleep(0.02)
    in_the_middle = client.totals(NAME)["indexed"] > before
    time.sleep(ordeal.chance.uniform(0, 0.4))
    killed(worker)
    ordeal.count("killed in the middle of work" if in_the_middle else "killed with nothing to do")


def _is_settled(client: Client, count: int) -> bool:
    totals = client.totals(NAME)
    return totals["found"] == count and not totals["pending"]


def clean_run(photos: Path, data: Path) -> dict[str, Vectors]:
    """The vectors that one undisturbed process makes, by id."""
    settings = Settings(data=data, compile=False, model="pixels")
    with connect(settings) as client:
        client.wait(client.index(photos, NAME))
        until(lambda: not client.totals(NAME)["pending"], "the clean run did not end")
    return vectors_of(settings)


def vectors_of(settings: Settings) -> dict[str, Vectors]:
    """Every vector of the only space, by id."""
    with closing(open_engine(settings)) as engine:
        (space,) = collections.get(engine.store, NAME).spaces
        points = scroll_all(
            engine.store, NAME, assets_where(), fields=("kind",), spaces=(space.name,)
        )
        return {point.id: point.vectors[space.name] for point in points if point.vectors}

"""Analyses that Celery workers run: whatever is killed or forgets, they come to their end once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from api.analysis_answers import Analysis
from api.client import Client, connect
from tests.installation import Installation, installed, killed
from tests.services import until

pytestmark = pytest.mark.services

ROWS = 6000


@pytest.fixture
def place(new_folder: Path) -> Iterator[Installation]:
    with installed(new_folder) as installation:
        yield installation


def vectors(client: Client, place: Installation) -> None:
    """A collection of texts with vectors from a file."""
    file = place.folder / "vectors.npy"
    np.save(file, np.random.default_rng(0).normal(size=(ROWS, 32)).astype(np.float32))
    file.with_suffix(".txt").write_text("".join(f"row {row}\n" for row in range(ROWS)))
    place.start_worker("--queue", "texts")
    job = client.wait(client.import_vectors(file, "given", "things"))
    assert job["state"] == "done"


def begun(client: Client) -> Analysis:
    return client.start_analysis(
        "neighbours", "things", space="given", parameters={"k": 100}, wait=0
    )


def test_a_worker_runs_what_a_server_was_asked_for(place: Installation) -> None:
    with connect(place.settings) as client:
        vectors(client, place)
        analysis = begun(client)
        assert analysis["state"] == "waiting"
        place.start_worker("--queue", "analysis")
        until(lambda: client.analysis(analysis["id"], "things")["state"] == "done", place.log())
        told = client.analysis(analysis["id"], "things")
        assert (told["assets"], told["error"]) == (ROWS, None)
        page = client.table_page(told["id"], "neighbours", "things", limit=1)
        assert len(page["rows"][0]["neighbour_ids"]) == 100


@pytest.mark.parametrize("how", ["killed", "told to end"])
def test_what_one_worker_leaves_another_takes_up(place: Installation, how: str) -> None:
    with connect(place.settings) as client:
        vectors(client, place)
        analysis = begun(client)
        first = place.start_worker("--queue", "analysis")
        until(lambda: client.analysis(analysis["id"], "things")["state"] == "running", place.log())
        if how == "killed":
            killed(first)
        else:
            first.send_signal(signal.SIGTERM)
            assert first.wait(60) == 0, place.log()
        place.start_worker("--queue", "analysis")
        until(lambda: client.analysis(analysis["id"], "things")["state"] == "done", place.log())
        graphs = client.analyses("things", name="graph")
        assert len(graphs) <= 1


def test_a_redis_that_forgets_an_analysis_is_reminded(place: Installation) -> None:
    with connect(place.settings) as client:
        vectors(client, place)
        analysis = begun(client)
        place.redis.flush()
        place.start_worker("--queue", "analysis")
        until(lambda: client.analysis(analysis["id"], "things")["state"] == "done", place.log())


def test_one_that_waits_is_cancelled_and_never_begun(place: Installation) -> None:
    with connect(place.settings) as client:
        vectors(client, place)
        analysis = begun(client)
        assert client.cancel_analysis(analysis["id"], "things")["state"] == "cancelled"
        place.start_worker("--queue", "analysis")
        second = begun(client)
        until(lambda: client.analysis(second["id"], "things")["state"] == "done", place.log())
        told = client.analysis(analysis["id"], "things")
        assert (told["state"], told["started_at"]) == ("cancelled", None)

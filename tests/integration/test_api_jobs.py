"""Jobs over HTTP, on a running server: cancelled, tried again, followed by events."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.client import Client
from indexer import collections, jobs
from indexer.errors import Conflict, JobNotFound
from indexer.ingest import Ingest
from indexer.jobs import Request
from indexer.readers.found import Found
from tests.fakes import LosingQueue
from tests.integration.conftest import TOKEN, Live
from tests.lab import found_text


def waiting(live: Live, collection: str, *texts: str) -> str:
    """The id of a job whose assets all wait: whoever had them in hand has lost them."""
    store = live.engine.store
    described = collections.get(store, collection)
    job = jobs.start(store, collection)
    found = [found_text(f"/{text}.txt", text) for text in texts]
    return Ingest(store, live.engine.blobs, LosingQueue(), described, job).run(found).id


def place(collection: str, job: str) -> str:
    return f"/v1/collections/{collection}/jobs/{job}"


def adds_up(job: dict[str, Any]) -> bool:
    totals = job["totals"]
    parts = ("indexed", "failed", "pending", "skipped")
    return bool(totals["found"] == sum(totals[part] for part in parts))


def events(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """Server-sent events, field by field."""
    event: dict[str, str] = {}
    for line in lines:
        if line.startswith(":"):
            continue
        if not line and event:
            yield event
            event = {}
        elif line:
            name, _, value = line.partition(": ")
            event[name] = value


def test_a_job_is_cancelled_and_taken_up_again(live: Live, collection: str) -> None:
    id = waiting(live, collection, "A boat.", "A house.", "A tree.")
    here = place(collection, id)
    before = live.client.get(here).json()
    assert (before["state"], before["totals"]["pending"]) == ("indexing", 3)
    assert before["rate"] is None

    cancelled = live.client.post(f"{here}/cancel")
    assert cancelled.status_code == 200, cancelled.text
    told = cancelled.json()
    assert (told["state"], told["totals"]["skipped"]) == ("cancelled", 3)
    assert adds_up(told)
    assert live.client.post(f"{here}/cancel").json()["cancelled_at"] == told["cancelled_at"]
    rows = live.client.get(f"{here}/failures", params={"limit": 2}).json()
    rest = live.client.get(f"{here}/failures", params={"after": rows[-1]["id"]}).json()
    assert [len(rows), len(rest)] == [2, 1]
    assert {row["code"] for row in rows + rest} == {"cancelled"}
    assert live.client.get(f"{here}/failures", params={"code": "internal"}).json() == []

    again = live.client.post(f"{here}/retry")
    assert (again.status_code, again.json()["retried"]) == (202, 3), again.text
    assert again.json()["job"]["state"] in ("indexing", "done")
    done = live.settled(collection, id)
    assert (done["state"], done["totals"]["indexed"]) == ("done", 3)
    refused = live.client.post(f"{here}/cancel")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


def test_a_folder_that_is_being_read_is_cancelled_and_read_to_its_end(
    live: Live, collection: str
) -> None:
    folder = live.open_folder / "many"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number:03}.txt").write_text(f"Note {number} about boats.")
    store, engine = live.engine.store, live.engine
    job = jobs.start(store, collection, Request(str(folder)))
    read: list[str] = []

    def slowly() -> Iterator[Found]:
        for number in range(10_000):
            yield found_text(f"/{number}.txt", f"Text {number}.")
            read.append(str(number))
            time.sleep(0.005)

    described = collections.get(store, collection)
    ingest = Ingest(store, engine.blobs, LosingQueue(), described, job, look_seconds=0.05)
    reading = threading.Thread(target=ingest.run, args=(slowly(),))
    reading.start()
    while not live.client.get(place(collection, job.id)).json()["totals"]["found"]:
        time.sleep(0.05)
    live.client.post(f"{place(collection, job.id)}/cancel").raise_for_status()
    reading.join(timeout=30)
    assert not reading.is_alive()
    assert len(read) < 10_000
    told = live.client.get(place(collection, job.id)).json()
    assert adds_up(told)
    assert (told["state"], told["totals"]["pending"]) == ("cancelled", 0)

    answer = live.client.post(f"{place(collection, job.id)}/retry").json()
    assert answer["retried"] == told["totals"]["skipped"]
    done = live.settled(collection, job.id)
    # the folder itself is what the request names: it is read now
    assert done["totals"]["indexed"] == told["totals"]["skipped"] + 40
    assert done["totals"]["found"] == done["totals"]["indexed"]


def test_the_stream_of_a_job_ends_and_is_not_asked_for_again(live: Live, collection: str) -> None:
    id = waiting(live, collection, "A boat.")
    seen: list[dict[str, str]] = []
    with live.client.stream("GET", f"{place(collection, id)}/events") as stream:
        for event in events(stream.iter_lines()):
            seen.append(event)
            if len(seen) == 1:
                live.client.post(f"{place(collection, id)}/cancel").raise_for_status()
    assert [event["event"] for event in seen][-2:] == ["progress", "end"]
    assert seen[0]["retry"] == "2000"
    assert all(event["id"] for event in seen)
    first, last = json.loads(seen[0]["data"]), json.loads(seen[-1]["data"])
    assert (first["state"], last["state"]) == ("indexing", "cancelled")
    assert {"rate", "seconds_left"} <= first.keys()
    again = live.client.get(
        f"{place(collection, id)}/events", headers={"Last-Event-ID": seen[-1]["id"]}
    )
    assert (again.status_code, again.content) == (204, b"")
    # Whoever was cut off before the end is told of it.
    late = live.client.get(
        f"{place(collection, id)}/events", headers={"Last-Event-ID": seen[0]["id"]}
    )
    assert [event["event"] for event in events(iter(late.text.split("\n")))] == ["progress", "end"]


def test_one_stream_tells_of_all_jobs_of_a_collection(live: Live, collection: str) -> None:
    first = waiting(live, collection, "A boat.")
    url = f"/v1/collections/{collection}/jobs/events"
    seen: list[tuple[str, str]] = []
    with live.client.stream("GET", url) as stream:
        second = ""
        for event in events(stream.iter_lines()):
            told = json.loads(event["data"])
            seen.append((told["id"], told["state"]))
            if not second:
                live.client.post(f"{place(collection, first)}/cancel").raise_for_status()
                second = waiting(live, collection, "A house.")
            if {(first, "cancelled"), (second, "indexing")} <= set(seen):
                break
    assert seen[0] == (first, "indexing")
    assert live.client.get("/v1/collections/nowhere/jobs/events").status_code == 404


def test_ids_may_be_shortened(live: Live, collection: str) -> None:
    id = waiting(live, collection, "A boat.")
    assert live.client.get(place(collection, id[:8])).json()["id"] == id
    missing = "0" if not id.startswith("0") else "1"
    answer = live.client.get(place(collection, missing))
    assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")


def test_another_server_tells_the_same(live: Live, collection: str) -> None:
    # Nothing is kept beside the ledger: a job that this process never saw is told like any other.
    store = live.engine.store
    job = jobs.start(store, collection, Request("/on/another/machine"))
    told = live.client.get(place(collection, job.id)).json()
    assert (told["state"], told["location"]) == ("reading", "/on/another/machine")
    live.client.post(f"{place(collection, job.id)}/cancel").raise_for_status()
    assert jobs.get(store, collection, job.id).cancelled_at is not None


def test_the_python_client_cancels_and_retries(live: Live, collection: str) -> None:
    client = Client(live.url, token=TOKEN)
    try:
        id = waiting(live, collection, "A boat.", "A house.")
        told = client.cancel(client.job(id, collection))
        assert told["state"] == "cancelled"
        assert client.wait(told) == told
        assert len(client.failures(collection, job=id, code="cancelled")) == 2
        assert len(client.failures(job=told, limit=1)) == 1
        assert client.retry(job=told) == 2
        done = client.wait(client.job(id, collection))
        assert (done["state"], done["totals"]["indexed"]) == ("done", 2)
        with pytest.raises(Conflict):
            client.cancel(id, collection)
        with pytest.raises(JobNotFound):
            client.job("00000000-0000-0000-0000-000000000000", collection)
        assert [job["id"] for job in client.jobs(collection, limit=1)] == [id]
    finally:
        client.close()


def test_a_stream_of_what_is_missing_is_a_plain_error(live: Live, tmp_path: Path) -> None:
    for url in ("/v1/collections/none/jobs/abc/events", "/v1/collections/none/jobs/events"):
        answer = httpx.get(f"{live.url}{url}")
        assert (answer.status_code, answer.json()["code"]) == (404, "collection_not_found")

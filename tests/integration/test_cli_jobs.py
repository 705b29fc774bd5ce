"""`semblance jobs` as a process of its own, after a kill and without a server."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_cli import (
    adds_up,
    answered,
    half_way,
    noise,
    problem,
    run,
    start,
    until,
)

PICTURES = 400


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose `semblance index` was killed in the middle of many pictures."""
    folder = tmp_path_factory.mktemp("killed")
    pictures = noise(folder / "pictures", PICTURES)
    data = folder / "data"
    with start(data, "index", pictures) as process:
        try:
            until("indexing", lambda: half_way(data))
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate()
    assert process.returncode == -signal.SIGKILL
    return data


def the_job(data: Path) -> dict[str, Any]:
    (job,) = answered(data, "jobs", "list")
    assert adds_up(job["totals"])
    told: dict[str, Any] = job
    return told


@pytest.mark.slow
def test_after_a_kill_a_new_process_tells_the_truth_and_cancels_and_retries(killed: Path) -> None:
    job = the_job(killed)
    assert job["state"] in ("reading", "indexing")
    assert 0 < job["totals"]["indexed"] < PICTURES
    assert job["totals"]["pending"] > 0
    assert answered(killed, "jobs", "show", job["id"][:6])["totals"] == job["totals"]

    cancelled = answered(killed, "jobs", "cancel", job["id"][:6])
    assert (cancelled["state"], cancelled["totals"]["pending"]) == ("cancelled", 0)
    assert cancelled["totals"]["indexed"] == job["totals"]["indexed"]
    assert cancelled["totals"]["skipped"] == job["totals"]["pending"]
    assert adds_up(cancelled["totals"])
    out, _ = run(killed, "status")
    assert f"{cancelled['totals']['skipped']:,} cancelled" in out

    done = answered(killed, "jobs", "retry", job["id"])
    assert done["retried"] == cancelled["totals"]["skipped"]
    assert (done["job"]["state"], done["job"]["totals"]["indexed"]) == ("done", PICTURES)
    assert done["job"]["totals"]["found"] == PICTURES

    out, _ = run(killed, "jobs", "follow", job["id"])
    assert out.startswith(f"Job {job['id']}: done\n")
    assert f"{PICTURES} = {PICTURES} indexed + 0 failed + 0 pending + 0 skipped" in out
    line, _ = run(killed, "jobs", "list", "-c", "default")
    assert line.split("\t")[:2] == [job["id"], "default"]
    assert line.split("\t")[3:7] == ["done", f"{PICTURES}", f"{PICTURES}", "0"]


def test_a_job_that_is_not_there_is_named(tmp_path: Path) -> None:
    told = problem(tmp_path, "jobs", "show", "abc", code=3)
    assert (told["code"], "abc" in told["message"]) == ("job_not_found", True)


def test_failures_are_shown_with_the_job(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 this is no picture")
    data = tmp_path / "data"
    job = answered(data, "index", folder)["job"]
    out, _ = run(data, "jobs", "show", job["id"][:8])
    assert f"Job {job['id']}: done" in out
    assert "bad.jpg: " in out
    assert "1 cannot be decoded" in out
    (failure,) = answered(data, "failures", "--job", job["id"][:8])
    assert (failure["code"], failure["path"]) == ("undecodable_asset", str(folder / "bad.jpg"))


def test_failures_of_a_job_are_found_in_any_collection(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 this is no picture")
    data = tmp_path / "data"
    job = answered(data, "index", folder, "-c", "photos")["job"]
    run(data, "collections", "create", "default")
    (failure,) = answered(data, "failures", "--job", job["id"][:8])
    assert failure["path"] == str(folder / "bad.jpg")
    assert (
        problem(data, "failures", "default", "--job", job["id"], code=3)["code"] == "job_not_found"
    )

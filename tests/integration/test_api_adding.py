"""Files are added, and each one's fate is told; jobs are followed; what is there is changed."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.conftest import MAX_FILE_BYTES, Live
from tests.lab import png

HTML = b"<html><body><script>alert(1)</script><p>A page about owls.</p></body></html>"


def upload(live: Live, collection: str, *files: tuple[str, bytes], **data: str) -> httpx.Response:
    named = [("files", file) for file in files]
    return live.client.post(f"/v1/collections/{collection}/assets/upload", files=named, data=data)


def test_one_bad_file_does_not_stop_the_good_ones(live: Live, collection: str) -> None:
    answer = upload(
        live,
        collection,
        ("red.png", png((255, 0, 0))),
        ("broken.png", b"\x89PNG\r\n\x1a\n and then nothing"),
        ("owls.txt", b"Owls hunt at night."),
        ("program.exe", b"MZ\x90\x00\x03" + bytes(64)),
    )
    assert answer.status_code == 202
    told = {file["name"]: file for file in answer.json()["files"]}
    assert told["red.png"]["status"] in ("pending", "indexed")
    assert told["owls.txt"]["ids"]
    assert told["broken.png"]["status"] == "failed"
    assert told["broken.png"]["reason"]["message"]
    assert told["program.exe"]["status"] == "skipped"
    totals = live.settled(collection, answer.json()["job"]["id"])["totals"]
    assert (totals["found"], totals["indexed"]) == (4, 2)
    assert totals["failed"] + totals["skipped"] == 2
    failures = live.client.get(f"/v1/collections/{collection}/failures").json()
    assert {failure["path"] for failure in failures} == {"broken.png", "program.exe"}


def test_what_is_sent_twice_is_known(live: Live, collection: str) -> None:
    first = upload(live, collection, ("red.png", png())).json()
    live.settled(collection, first["job"]["id"])
    (again,) = upload(live, collection, ("copy.png", png())).json()["files"]
    assert again["status"] == "indexed"
    assert again["known"] == first["files"][0]["ids"]


def test_a_failed_file_is_tried_again_and_taken_up_when_mended(live: Live, collection: str) -> None:
    path = live.open_folder / "late.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    place = f"/v1/collections/{collection}"
    for retried in (0, 1):
        assert live.client.post(f"{place}/retry").json() == {"retried": retried}
        job = live.client.post(f"{place}/index", json={"path": str(path)}).json()
        live.settled(collection, job["id"])
        # what is tried again belongs to the first job: the second may end before it
        while (stats := live.client.get(f"{place}/stats").json())["pending"]:
            time.sleep(0.05)
        assert stats["failed"] == 1
    path.write_bytes(png((1, 2, 3)))
    job = live.client.post(f"{place}/index", json={"path": str(path)}).json()
    live.settled(collection, job["id"])
    stats = live.client.get(f"{place}/stats").json()
    assert (stats["found"], stats["indexed"]) == (1, 1)


@pytest.mark.parametrize("metadata", ["{", "[]", '"text"', "[" * 10_000])
def test_metadata_that_is_no_object_is_refused(live: Live, collection: str, metadata: str) -> None:
    answer = upload(live, collection, ("red.png", png()), metadata=metadata)
    assert answer.status_code == 422
    assert answer.json()["details"]["field"] == "metadata"


def test_metadata_is_given_to_all_files_and_changed_later(live: Live, collection: str) -> None:
    told = upload(live, collection, ("red.png", png()), metadata='{"place": "Oslo", "year": 1931}')
    id = told.json()["files"][0]["ids"][0]
    place = f"/v1/collections/{collection}/assets/{id}"
    changed = live.client.patch(place, json={"metadata": {"place": None, "by": "A. Krull"}})
    assert changed.json()["metadata"] == {"year": 1931, "by": "A. Krull"}
    assert live.client.get(place).json() == changed.json()


def test_assets_are_deleted_alone_and_together(live: Live, collection: str) -> None:
    files = [(f"{n}.png", png((n, 0, 0))) for n in range(3)]
    told = upload(live, collection, *files).json()
    live.settled(collection, told["job"]["id"])
    first, *rest = [file["ids"][0] for file in told["files"]]
    place = f"/v1/collections/{collection}/assets"
    assert live.client.delete(f"{place}/{first}").status_code == 204
    assert live.client.delete(f"{place}/{first}").status_code == 404
    assert live.client.post(f"{place}/delete", json={"ids": [first, *rest]}).json() == {
        "deleted": 2
    }
    assert live.client.get(place).json() == {"assets": [], "after": None}


def test_a_file_that_is_too_large_is_refused(live: Live, collection: str) -> None:
    answer = upload(live, collection, ("big.txt", bytes(MAX_FILE_BYTES + 1)))
    assert answer.status_code == 413
    assert answer.json()["code"] == "asset_too_large"


def test_a_request_that_is_too_large_is_refused_by_its_length(live: Live, collection: str) -> None:
    answer = upload(live, collection, ("big.txt", bytes(2 * MAX_FILE_BYTES)))
    assert answer.status_code == 413


def test_a_request_that_hides_its_length_is_cut_off(live: Live, collection: str) -> None:
    def endless() -> Any:
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
        for _ in range(3 * MAX_FILE_BYTES // 65536):
            yield bytes(65536)
        yield b"\r\n--x--\r\n"

    answer = live.client.post(
        f"/v1/collections/{collection}/assets/upload",
        content=endless(),
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    assert answer.status_code == 413


@pytest.mark.parametrize("name", ["../../etc/passwd.txt", "/etc/passwd.txt", "a\\..\\b.txt"])
def test_names_lead_nowhere(live: Live, collection: str, name: str) -> None:
    told = upload(live, collection, (name, name.encode())).json()
    id = told["files"][0]["ids"][0]
    path = live.client.get(f"/v1/collections/{collection}/assets/{id}").json()["sources"][0]["path"]
    assert ".." not in path
    assert not path.startswith("/")


def test_a_stored_page_never_runs_in_our_origin(live: Live, collection: str) -> None:
    told = upload(live, collection, ("page.html", HTML)).json()
    job = live.settled(collection, told["job"]["id"])
    assert job["totals"]["found"] == 1
    for asset in live.client.get(f"/v1/collections/{collection}/assets").json()["assets"]:
        content = live.client.get(asset["content_url"])
        assert content.headers["content-type"] == "text/plain; charset=utf-8"
        assert "sandbox" in content.headers["content-security-policy"]
        assert content.headers["x-content-type-options"] == "nosniff"


def test_an_open_folder_is_indexed_and_the_job_followed(live: Live, collection: str) -> None:
    folder = live.open_folder / "followed"
    folder.mkdir()
    (folder / "red.png").write_bytes(png())
    (folder / "note.txt").write_text("A note about boats.")
    started = live.client.post(f"/v1/collections/{collection}/index", json={"path": str(folder)})
    assert started.status_code == 202
    place = f"/v1/collections/{collection}/jobs/{started.json()['id']}"
    events: list[tuple[str, dict[str, Any]]] = []
    with live.client.stream("GET", f"{place}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        name = ""
        for line in stream.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                events.append((name, json.loads(line.removeprefix("data: "))))
    assert [name for name, _ in events[-2:]] == ["progress", "end"]
    end = events[-1][1]
    assert end == live.client.get(place).json()
    assert (end["state"], end["totals"]["indexed"]) == ("done", 2)
    assert end["location"] == str(folder.resolve())
    assert live.client.get(f"{place}/failures").json() == []
    assert live.client.get(f"/v1/collections/{collection}/jobs").json() == [end]


def test_paths_and_texts_are_added_together(live: Live, collection: str) -> None:
    (live.open_folder / "one.txt").write_text("One text in a folder.")
    body = {
        "texts": [{"text": "Another one.", "name": "note"}],
        "paths": [str(live.open_folder / "one.txt"), str(live.open_folder / "none")],
    }
    told = live.client.post(f"/v1/collections/{collection}/assets", json=body).json()
    assert [file["status"] for file in told["files"]] == ["pending", "pending", "failed"]
    assert told["files"][2]["reason"]["code"] == "not_found"
    for file in told["files"][:2]:
        assert live.settled(collection, file["job"])["totals"]["indexed"] == 1


def test_a_location_that_is_not_there_is_said_at_once(live: Live, collection: str) -> None:
    body = {"path": str(live.open_folder / "nowhere")}
    answer = live.client.post(f"/v1/collections/{collection}/index", json=body)
    assert answer.status_code == 404


def test_other_folders_are_the_owners_alone(live: Live, collection: str, tmp_path: Path) -> None:
    (tmp_path / "private.txt").write_text("A private text.")
    body = {"path": str(tmp_path)}
    place = f"/v1/collections/{collection}/index"
    refused = live.client.post(place, json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    many = live.client.post(f"/v1/collections/{collection}/assets", json={"paths": [str(tmp_path)]})
    assert many.status_code == 403
    job = live.owner.post(place, json=body).json()
    assert live.settled(collection, job["id"])["totals"]["indexed"] == 1

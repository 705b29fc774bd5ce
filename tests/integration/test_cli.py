"""The real `semblance` command as a process of its own, on real files and real data folders."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from api.address import published
from api.client import Client

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "api.cli.main"]
PHOTOS = ("chelsea.png", "coffee.png", "rocket.jpg")
WAIT_SECONDS = 120.0


def environment(data: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SEMBLANCE_")}
    return {**kept, "SEMBLANCE_DATA": str(data), "COLUMNS": "80"}


def start(data: Path, *words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *map(str, words)],
        cwd=ROOT,
        env=environment(data),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str], code: int = 0) -> tuple[str, str]:
    with process:
        out, err = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == code, (process.args, out, err)
    return out, err


def run(data: Path, *words: object, code: int = 0) -> tuple[str, str]:
    return finish(start(data, *words), code)


def answered(data: Path, *words: object) -> Any:
    """What the command answers in JSON; it must be all that is on stdout."""
    return json.loads(run(data, *words, "--json")[0])


def problem(data: Path, *words: object, code: int) -> dict[str, Any]:
    """The error of a command that must fail, from its JSON on stderr."""
    out, err = run(data, *words, "--json", code=code)
    assert out == ""
    told: dict[str, Any] = json.loads(err.splitlines()[-1])
    return told


def adds_up(totals: dict[str, Any]) -> bool:
    parts = ("indexed", "failed", "pending", "skipped")
    return bool(totals["found"] == sum(totals[part] for part in parts))


def until(what: str, condition: Any) -> Any:
    patience = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < patience:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen")


def noise(folder: Path, count: int, side: int = 320) -> Path:
    """Pictures that all differ, slow enough to index that a test can cut in."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for number in range(count):
        pixels = random.integers(0, 255, (side, side, 3), dtype=np.uint8)
        PIL.Image.fromarray(pixels).save(folder / f"{number:03}.jpg")
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three photos, a text, a broken picture and a file of an unknown type."""
    skimage = pytest.importorskip("skimage")
    folder = tmp_path_factory.mktemp("photos")
    samples = Path(skimage.__file__).parent / "data"
    for name in PHOTOS:
        (folder / name).write_bytes((samples / name).read_bytes())
    (folder / "lighthouse.txt").write_text("The lighthouse was built in 1884, on a rock at sea.")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 this is no picture")
    (folder / "unknown.xyz").write_bytes(b"\x00\x01\x02")
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Path:
    """A data folder that was filled without a server."""
    folder = tmp_path_factory.mktemp("data")
    told = answered(folder, "index", photos)
    totals = told["totals"]
    assert adds_up(totals)
    assert totals == {
        **totals,
        "found": 6,
        "indexed": 4,
        "failed": 1,
        "skipped": 1,
        "kinds": {"image": 4, "text": 1},  # the broken one is a picture, too
    }
    return folder


@pytest.fixture(scope="module")
def served(data: Path) -> Iterator[Path]:
    """The same data folder, while a server runs on it."""
    server = start(data, "serve", "--port", 0, "--json")
    assert server.stdout is not None
    url = json.loads(server.stdout.readline())["url"]
    assert url.startswith("http://127.0.0.1:")
    yield data
    server.send_signal(signal.SIGINT)
    finish(server)  # for a server, Ctrl-C is the way to end


def test_search_needs_no_server(data: Path) -> None:
    told = answered(data, "search", "a", "cat", "--kind", "image", "--limit", 1)
    assert [Path(hit["source"]["path"]).name for hit in told["hits"]] == ["chelsea.png"]


class TestWithAServer:
    def test_a_second_run_reads_nothing_again(self, served: Path, photos: Path) -> None:
        out, err = run(served, "index", photos)
        assert "Nothing new" in out
        assert "6 = 4 indexed + 1 failed + 0 pending + 1 skipped" in out
        assert "Traceback" not in err

    def test_doctor_finds_everything_in_order(self, served: Path) -> None:
        checks = {check["name"]: check["state"] for check in answered(served, "doctor")}
        assert checks["store"] == checks["data"] == checks["model"] == "ok"

    def test_status_adds_up(self, served: Path) -> None:
        (collection,) = answered(served, "status")["collections"]
        assert adds_up(collection["totals"])
        out, _ = run(served, "status", "default")
        assert "6 = 4 indexed + 1 failed + 0 pending + 1 skipped" in out
        assert max(map(len, out.splitlines()[:-1])) <= 80

    def test_a_piped_search_is_plain(self, served: Path, photos: Path) -> None:
        out, _ = run(served, "search", "lighthouse", "--kind", "text")
        relevance, kind, path, snippet = out.rstrip("\n").split("\t")
        assert (kind, path) == ("text", str(photos / "lighthouse.txt"))
        assert 0.5 <= float(relevance) <= 1
        assert "1884" in snippet

    def test_a_search_says_when_nothing_matches(self, served: Path) -> None:
        out, told = run(served, "search", "xqzv blorp")
        assert out
        assert "Nothing in 'default' clearly matches; the nearest are shown." in told
        out, told = run(served, "search", "xqzv blorp", "--min-relevance", "0.5")
        assert not out
        assert "Nothing in 'default' matches with a relevance of 50% or more." in told

    def test_a_picture_finds_itself_and_conditions_hold(self, served: Path, photos: Path) -> None:
        wanted = ("--image", photos / "coffee.png", "--where", "width>=100", "--limit", 1)
        (hit,) = answered(served, "search", *wanted)["hits"]
        assert Path(hit["source"]["path"]).name == "coffee.png"
        assert hit["score"] == pytest.approx(1.0, abs=0.01)
        away = ("--like", hit["id"], "--not", "a cat", "--not-image", photos / "chelsea.png")
        names = [h["source"]["path"] for h in answered(served, "search", *away)["hits"]]
        assert str(photos / "coffee.png") not in names

    def test_failures_are_named_and_tried_again(self, served: Path, photos: Path) -> None:
        paths = {failure["path"] for failure in answered(served, "failures")}
        assert paths == {str(photos / "broken.jpg"), str(photos / "unknown.xyz")}
        told = answered(served, "retry")
        assert told["retried"] == 1
        assert told["totals"]["failed"] == 1

    def test_export_writes_a_whole_file(self, served: Path, tmp_path: Path) -> None:
        run(served, "export", "--out", tmp_path / "all.csv")
        lines = (tmp_path / "all.csv").read_text().splitlines()
        assert len(lines) == 6  # a header, four assets that are indexed and one that failed
        out, _ = run(served, "export", "--query", "a cat", "--limit", "2")
        assert len([json.loads(line) for line in out.splitlines()]) == 2
        assert list(tmp_path.iterdir()) == [tmp_path / "all.csv"]

    def test_collections_come_and_go(self, served: Path) -> None:
        answered(served, "collections", "create", "art")
        assert problem(served, "collections", "create", "art", code=4)["code"] == (
            "collection_exists"
        )
        assert "art" in run(served, "collections", "list")[0]
        told = problem(served, "collections", "delete", "art", code=2)
        assert "--yes" in told["message"]
        assert answered(served, "collections", "delete", "art", "--yes") == {"deleted": "art"}

    def test_watching_keeps_up(self, served: Path, tmp_path: Path) -> None:
        folder = noise(tmp_path / "watched", 1)
        process = start(served, "index", folder, "--watch", "--prune", "-c", "watched", "--json")
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["totals"]["indexed"] == 1
        assert process.stderr is not None
        assert "Watching" in process.stderr.readline()
        time.sleep(0.5)  # the first look at the folder is what changes are told from
        (folder / "note.txt").write_text("A new note about the harbour.")
        (folder / "000.jpg").unlink()
        told = json.loads(process.stdout.readline())
        assert told["changed"] == 2
        assert told["totals"]["kinds"] == {"text": 1}
        process.send_signal(signal.SIGINT)
        finish(process, 130)
        run(served, "collections", "delete", "watched", "--yes")

    @pytest.mark.parametrize(
        ("words", "code", "name"),
        [
            (("search",), 2, "invalid_query"),
            (("search", "x", "--where", "cat"), 2, "invalid_query"),
            (("search", "x", "--limit", "many"), 2, "invalid_input"),
            (("search", "--image", "nowhere.jpg"), 3, "not_found"),
            (("search", "x", "--collection", "nowhere"), 3, "collection_not_found"),
            (("index", "nowhere"), 3, "not_found"),
            (("index", ".", "--model", "minilm"), 4, "conflict"),
            (("index", ".", "--model", "other"), 3, "model_not_found"),
        ],
    )
    def test_wrong_input_is_named(
        self, served: Path, words: tuple[str, ...], code: int, name: str
    ) -> None:
        assert problem(served, *words, code=code)["code"] == name

    def test_people_get_one_sentence(self, served: Path) -> None:
        out, err = run(served, "search", "x", "--collection", "nowhere", code=3)
        assert out == ""
        assert err.startswith("Error: There is no collection 'nowhere'.")
        assert len(err.splitlines()) == 2  # the error, and the command that helps

    def test_a_reader_that_leaves_early_is_no_error(self, served: Path) -> None:
        process = start(served, "export")
        assert process.stdout is not None
        process.stdout.close()
        process.wait(WAIT_SECONDS)
        assert process.stderr is not None
        assert process.stderr.read() == ""
        process.stderr.close()
        assert process.returncode == 141


def test_two_at_once_on_one_data_folder(tmp_path: Path) -> None:
    folders = [noise(tmp_path / name, 24, side=200 + 8 * place) for place, name in enumerate("ab")]
    processes = [start(tmp_path / "data", "index", folder, "--json") for folder in folders]
    for process in processes:
        assert adds_up(json.loads(finish(process)[0])["totals"])
    (collection,) = answered(tmp_path / "data", "status")["collections"]
    assert collection["totals"]["found"] == collection["totals"]["indexed"] == 48


def half_way(data: Path) -> bool:
    """True once some assets are indexed and others are not."""
    address = published(data)
    if address is None:
        return False
    client = Client(address.url, socket=address.socket, token=address.token)
    try:
        totals = client.totals()
    except Exception:  # not listening yet, or no collection yet
        return False
    finally:
        client.close()
    return 0 < totals["indexed"] < totals["found"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_killed_or_stopped_half_way_the_same_command_continues(tmp_path: Path) -> None:
    data, folder, count = tmp_path / "data", noise(tmp_path / "many", 200, side=64), 200
    killed = start(data, "index", folder)
    until("indexing", lambda: half_way(data))
    killed.kill()
    finish(killed, -signal.SIGKILL)

    stopped = start(data, "index", folder)
    until("indexing", lambda: half_way(data))
    stopped.send_signal(signal.SIGINT)
    _, err = finish(stopped, 130)
    assert "The same command continues." in err
    assert "Traceback" not in err

    told = answered(data, "index", folder)
    assert adds_up(told["totals"])
    assert told["totals"]["found"] == told["totals"]["indexed"] == count
    assert told["totals"]["kinds"] == {"image": count}
    assert told["totals"]["documents"] == count


def test_the_demo_serves_what_it_indexed(tmp_path: Path, photos: Path) -> None:
    process = start(tmp_path, "demo", "--from", photos, "--no-browser", "--port", 0, "--json")
    assert process.stdout is not None
    lines = [json.loads(process.stdout.readline()) for _ in range(4)]
    assert [line["question"].split()[0] for line in lines[:3]] == ["like"] * 3
    assert all(line["hits"] for line in lines[:3])
    assert lines[3]["url"].startswith("http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    finish(process)


def test_a_folder_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    out, err = run(file / "data", "doctor", code=1)
    assert "problem" in out
    assert "SEMBLANCE_DATA" in out
    assert "Traceback" not in err

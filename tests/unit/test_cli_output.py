"""How hits and numbers look, for people and for programs."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from api.answers import Answer, Hit
from api.cli import hits, output
from api.cli.export import hit_rows
from api.cli.following import Stage, Watchdog
from indexer.errors import Unavailable

TEXT = "Valentina Tereshkova was the first woman in space. " * 12


def hit(
    path: str,
    *,
    text: str | None = None,
    page: int | None = None,
    relevance: float | None = 0.8449,
) -> Hit:
    return {
        "id": "7e57",
        "kind": "text" if text else "image",
        "score": 0.31234,
        "relevance": relevance,
        "space": "mini",
        "matched": ["meaning"],
        "source": {
            "path": path,
            "uri": Path(path).as_uri(),
            "page": page,
            "row": None,
            "start": None,
            "end": None,
        },
        "sources": 1,
        "media_type": "text/plain",
        "width": None,
        "height": None,
        "metadata": {"label": "a"},
        "text": text,
        "snippet": text,
        "highlights": [[0, 9]] if text else [],
        "thumbnail_url": None,
        "content_url": None,
        "others": [],
    }


def answer(*found: Hit) -> Answer:
    return {"hits": list(found), "filling": [], "milliseconds": {"total": 3.0}}


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A terminal of 80 columns, without colours."""
    written = io.StringIO()
    console = Console(file=written, width=80, force_terminal=True, color_system=None)
    monkeypatch.setattr(hits, "page", lambda: console)
    monkeypatch.setattr(hits, "for_people", lambda: True)
    return written


def test_people_see_aligned_lines_that_fit(terminal: io.StringIO) -> None:
    long = "/archive/" + "very-long-folder/" * 8 + "photo.jpg"
    hits.show(answer(hit(long), hit("/archive/report.pdf", text=TEXT, page=12)))
    lines = terminal.getvalue().splitlines()
    assert len(lines) == 4
    assert all(len(line) <= 80 for line in lines)
    assert lines[0].startswith("1     84%  image  …")
    assert lines[0].endswith("photo.jpg")
    assert lines[1].startswith("2     84%  text   /archive/report.pdf:12")
    assert lines[2].startswith("                  Valentina Tereshkova")
    assert lines[3].endswith("…")


def test_a_file_name_cannot_steer_the_terminal(terminal: io.StringIO) -> None:
    hits.show(answer(hit("/a/\x1b[2Jgone.jpg")))
    assert "\x1b" not in terminal.getvalue()


def test_programs_get_one_line_a_hit(capsys: pytest.CaptureFixture[str]) -> None:
    hits.show(answer(hit("/a/b.txt", text="two\nlines\tand a tab", page=2)))
    assert capsys.readouterr().out == "0.8449\ttext\t/a/b.txt:2\ttwo lines and a tab\n"


def test_where_relevance_is_not_known_people_see_the_score(terminal: io.StringIO) -> None:
    hits.show(answer(hit("/a.jpg", relevance=None)))
    assert terminal.getvalue().startswith("1   0.312  image  /a.jpg")


@pytest.mark.parametrize(
    ("relevances", "remark"),
    [
        ((0.49, 0.2), "Nothing in 'art' clearly matches; the nearest are shown.\n"),
        ((0.5, 0.2), ""),
        ((None, 0.2), ""),
    ],
)
def test_it_is_said_when_nothing_matches(
    relevances: tuple[float | None, ...], remark: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hits.honest(answer(*(hit("/a.jpg", relevance=each) for each in relevances)), "art")
    assert capsys.readouterr().err == remark


def test_a_cut_off_that_leaves_nothing_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    hits.honest(answer(), "art", min_relevance=0.7)
    assert "Nothing in 'art' matches with a relevance of 70% or more." in capsys.readouterr().err


def test_paths_are_told_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert hits.shortened(str(tmp_path / "a" / "b.jpg"), 60) == "a/b.jpg"
    assert hits.shortened("/elsewhere/b.jpg", 60) == "/elsewhere/b.jpg"
    assert hits.shortened("/elsewhere/b.jpg", 8) == "…e/b.jpg"
    assert hits.shortened(str(Path.home() / "b.jpg"), 60) == "~/b.jpg"


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2.5e9, "2.5 GB")]
)
def test_sizes(count: float, text: str) -> None:
    assert output.size(count) == text


def test_counts_agree_with_their_noun() -> None:
    assert output.number(1, "picture") == "1 picture"
    assert output.number(1024, "picture") == "1,024 pictures"


def test_exported_hits_are_safe_in_a_spreadsheet() -> None:
    lines = b"".join(hit_rows([hit("/a.txt", text="=1+1")], "csv")).decode().splitlines()
    assert lines[0] == "id,score,relevance,kind,path,page,row,text,metadata"
    assert lines[1] == '7e57,0.31234,0.8449,text,/a.txt,,,\'=1+1,"{""label"": ""a""}"'


def test_waiting_ends_when_nothing_moves() -> None:
    watchdog = Watchdog(stall_seconds=0.0)
    stage = Stage(reading=False, found=3, settled=1, failed=0, looked_at=3)
    watchdog.see(stage)
    with pytest.raises(Unavailable, match="Nothing has moved"):
        watchdog.see(stage)

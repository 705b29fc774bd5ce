"""Analyses whose world changes: what they need is gone, full or away, or they are ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import pytest

from indexer.analysis import entries, running
from indexer.analysis.entry import Analysis, State, Within
from indexer.analysis.subject import Access
from indexer.blobs.folder import FolderBlobs
from indexer.content import Content
from indexer.errors import AnalysisNotFound, BlobsUnavailable, DiskFull, SemblanceError
from tests.fakes import ColourEmbedder
from tests.lab import Lab, open_lab, picture_in
from tests.unit.test_analyses import access, asked, done
from worker.analysing import EmbeddedAnalyses


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Three pictures."""
    for lab in open_lab(tmp_path, ColourEmbedder()):
        colours = {"red": (255, 0, 0), "blue": (0, 0, 255), "sky": (9, 9, 240)}
        lab.ingest(*(picture_in(tmp_path / f"{name}.png", colours[name]) for name in colours))
        yield lab


@dataclass
class Interrupted:
    """A blob store in which something happens whenever bytes are put into it."""

    blobs: FolderBlobs
    happens: Callable[[], object]
    kept: list[str] = field(default_factory=list)

    def put(self, content: Content) -> str:
        self.happens()
        self.kept.append(self.blobs.put(content))
        return self.kept[-1]

    def open(self, uri: str) -> BinaryIO:
        return self.blobs.open(uri)

    def delete(self, uris: list[str]) -> None:
        self.blobs.delete(uris)

    def left(self) -> list[str]:
        return [uri for uri in self.kept if self.blobs.has(uri)]


def interrupted(lab: Lab, happens: Callable[[], object]) -> tuple[Access, Interrupted]:
    blobs = Interrupted(lab.blobs, happens)
    return replace(access(lab), blobs=blobs), blobs  # type: ignore[arg-type]


def failing(error: SemblanceError) -> Callable[[], object]:
    def fail() -> None:
        raise error

    return fail


def now(lab: Lab, analysis: Analysis) -> Analysis:
    return entries.get(lab.store, "things", analysis.id)


def test_deleted_while_it_is_saved_it_leaves_no_file(lab: Lab) -> None:
    done(lab)  # the graph is kept: the next run puts its own table alone
    analysis = asked(lab)
    reach, blobs = interrupted(lab, lambda: lab.store.delete("things", [analysis.id]))
    running.run(reach, "things", analysis.id)
    assert blobs.kept
    assert blobs.left() == []
    with pytest.raises(AnalysisNotFound):
        now(lab, analysis)


def test_cancelled_while_it_is_saved_it_keeps_nothing(lab: Lab) -> None:
    done(lab)
    analysis = asked(lab)
    reach, blobs = interrupted(lab, lambda: entries.cancel(lab.store, now(lab, analysis)))
    running.run(reach, "things", analysis.id)
    assert blobs.left() == []
    assert (now(lab, analysis).state, dict(now(lab, analysis).tables)) == (State.CANCELLED, {})


def test_what_it_was_to_look_within_is_gone(lab: Lab) -> None:
    whole = done(lab)
    analysis = asked(lab, within=Within(whole.id, "neighbours", "id", "x"))
    running.remove(access(lab), whole)
    running.run(access(lab), "things", analysis.id)
    told = now(lab, analysis)
    assert told.state is State.FAILED
    assert told.error is not None
    assert told.error.code == "analysis_not_found"


def test_a_full_disk_is_its_end_and_a_store_away_is_not(lab: Lab) -> None:
    done(lab)
    full = asked(lab)
    running.run(interrupted(lab, failing(DiskFull("full")))[0], "things", full.id)
    assert now(lab, full).state is State.FAILED
    away = asked(lab)
    with pytest.raises(BlobsUnavailable):
        running.run(interrupted(lab, failing(BlobsUnavailable("away")))[0], "things", away.id)
    assert (now(lab, away).state, now(lab, away).attempts) == (State.RUNNING, 0)
    running.run(access(lab), "things", away.id)
    assert now(lab, away).state is State.DONE


def test_a_graph_that_cannot_be_kept_is_used_all_the_same(lab: Lab) -> None:
    times = iter([BlobsUnavailable("away")])

    def once() -> None:
        for error in times:
            raise error

    analysis = asked(lab)
    running.run(interrupted(lab, once)[0], "things", analysis.id)
    assert now(lab, analysis).state is State.DONE
    assert entries.every(lab.store, "things", "graph") == []


def test_what_an_earlier_process_left_is_taken_up(lab: Lab) -> None:
    first, second = asked(lab), asked(lab)
    analyses = EmbeddedAnalyses(access(lab))
    analyses.take_up("things")
    until = time.monotonic() + 60
    while {now(lab, one).state for one in (first, second)} != {State.DONE}:
        assert time.monotonic() < until
        time.sleep(0.02)
    analyses.close()
    third = asked(lab)
    analyses.hand_over("things", third.id)  # too late: it stays for the next start
    assert now(lab, third).state is State.WAITING

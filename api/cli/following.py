"""Follows indexing to its end: a progress bar for people, a line now and then for logs.

What is shown are counts over the whole Collection since the command began, so that work taken up
from an interrupted run is seen as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from api.cli.output import number, say, screen
from indexer.errors import SemblanceError, Unavailable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from api.answers import Job, SpaceFilled, Totals
    from api.client import Client

_POLL_SECONDS = 0.4
_LOG_SECONDS = 10.0
_STALL_SECONDS = 180.0
"""A large picture or a model that is being fetched takes long, but not as long as this."""


@dataclass(frozen=True, slots=True)
class Stage:
    """How far it is, as of now: counts since the command began."""

    reading: bool
    found: int
    settled: int
    failed: int
    looked_at: int


Show = Callable[[Stage], None]


@dataclass(slots=True)
class Watchdog:
    """Notices that nothing moves any more; waiting for ever helps nobody."""

    stall_seconds: float = _STALL_SECONDS
    _last: tuple[object, ...] = ()
    _since: float = field(default_factory=time.monotonic)

    def see(self, *state: object) -> None:
        """Raises `Unavailable` if the state has been the same for too long."""
        now = time.monotonic()
        if state != self._last:
            self._last, self._since = state, now
        elif now - self._since > self.stall_seconds:
            raise Unavailable(
                f"Nothing has moved for {self.stall_seconds / 60:.0f} minutes; what is pending "
                "stays recorded. `semblance doctor` says what may be wrong (with Redis: whether a "
                "`semblance worker` runs); then run the same command again."
            )


def settled(totals: Totals) -> int:
    """What needs no more work."""
    return totals["indexed"] + totals["failed"] + totals["skipped"]


def follow(
    client: Client,
    collection: str,
    before: Totals | None,
    job: Job | None,
    *,
    raising: bool = True,
) -> Totals:
    """Return when the job has read everything and nothing is pending in its Collection.

    Raises the error that stopped the job, if one did, unless nobody asks about it any more.
    """
    watchdog = Watchdog()
    with progress() as show:
        while True:
            if job is not None:
                job = client.job(job["id"], collection)
                if raising:
                    raise_for(job)
            now = client.totals(collection)
            reading = job is not None and job["state"] == "reading"
            stage = _stage(before, now, job, reading)
            show(stage)
            if not reading and not now["pending"]:
                return now
            watchdog.see(stage, now["pending"])
            time.sleep(_POLL_SECONDS)


def follow_job(client: Client, job: Job) -> Job:
    """Return the job when it has ended, whatever way."""
    from api.job_calls import ENDED

    watchdog = Watchdog()
    with progress() as show:
        while True:
            job = client.job(job["id"], job["collection"])
            stage = _stage(None, job["totals"], job, job["state"] == "reading")
            show(stage)
            if job["state"] in ENDED:
                return job
            watchdog.see(stage)
            time.sleep(_POLL_SECONDS)


def follow_space(client: Client, name: str, collection: str) -> SpaceFilled:
    """Return the space when no asset waits for its vector any more."""
    watchdog = Watchdog()
    with progress() as show:
        while True:
            space = client.space(name, collection)
            pending = client.totals(collection)["pending"]
            wanted = (space["wanted"] or 0) + pending
            done = space["vectors"] + space["failed"]
            show(Stage(False, wanted, done, space["failed"], looked_at=1))
            if not space["waiting"] and not pending:
                return space
            watchdog.see(done, pending)
            time.sleep(_POLL_SECONDS)


def raise_for(job: Job) -> None:
    """Raise the error that stopped the job, if one did."""
    from api.transport import error_from

    if job["state"] == "failed" and (reason := job["error"]) is not None:
        error: SemblanceError = error_from(reason["code"], reason["message"], {})
        raise error


def _stage(before: Totals | None, now: Totals, job: Job | None, reading: bool) -> Stage:
    done_before = settled(before) if before else 0
    failed_before = before["failed"] if before else 0
    return Stage(
        reading=reading,
        found=max(now["found"] - done_before, 0),
        settled=max(settled(now) - done_before, 0),
        failed=max(now["failed"] - failed_before, 0),
        looked_at=job["tally"]["documents"] if job else 0,
    )


@contextmanager
def progress() -> Iterator[Show]:
    """Shows stages: a bar for people, a line now and then for logs."""
    if not screen().is_terminal:
        yield _Log().show
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.fields[doing]:<8}"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[counts]}"),
        TextColumn("{task.fields[rate]}", style="dim"),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[failed]}", style="yellow"),
    )
    with Progress(*columns, console=screen(), transient=True, expand=True) as progress:
        task = progress.add_task("", total=None, doing="Loading", counts="", rate="", failed="")
        yield lambda stage: _draw(progress, task, stage)


def _draw(progress: Progress, task: TaskID, stage: Stage) -> None:
    # While files are still being found, the end is open: no time left is promised.
    total = None if stage.reading else stage.found
    speed = progress.tasks[0].speed
    progress.update(
        task,
        total=total,
        completed=stage.settled,
        doing=_doing(stage),
        counts=f"{stage.settled:,}/{stage.found:,}{'+' if stage.reading else ''}",
        rate=f"{speed:.0f}/s" if speed else "",
        failed=f"{stage.failed:,} failed" if stage.failed else "",
    )


def _doing(stage: Stage) -> str:
    if not stage.reading:
        return "Indexing"
    # The first thing that reading needs is the model, which counts the words of a passage.
    return "Reading" if stage.looked_at or stage.found else "Loading"


@dataclass(slots=True)
class _Log:
    """For logs and pipes: a line every few seconds, and none for what is quick."""

    _said: float = field(default_factory=time.monotonic)
    _began: float = field(default_factory=time.monotonic)

    def show(self, stage: Stage) -> None:
        now = time.monotonic()
        if now - self._said < _LOG_SECONDS:
            return
        self._said = now
        rate = stage.settled / (now - self._began)
        say(
            f"{_doing(stage)}: {stage.settled:,} of {stage.found:,}{'+' if stage.reading else ''} "
            f"({rate:.0f}/s, {number(stage.failed, 'failure')})"
        )

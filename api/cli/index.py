"""`semblance index`: reads a file or folder to its end, and goes on where it was stopped."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.chosen import made
from api.cli.following import follow
from api.cli.models import full_names
from api.cli.output import emit, for_people, number, page, say
from api.cli.power import BatchOption, DeviceOption, WorkersOption, powered
from api.cli.session import CollectionOption, Session, command
from api.cli.totals import line, show_totals, tally_text
from indexer.errors import NotFound, SemblanceError

if TYPE_CHECKING:
    from api.answers import Job, Totals
    from api.client import Client

_EXAMPLES = (
    "semblance index ~/Pictures",
    "semblance index scans --collection archive --exclude '*.tmp' --watch",
    "semblance index museum.csv --image-column photo --text-column title",
    "semblance index plants --collection plants --model mini --model dinov2-s-14",
)
_LOST_TRIES = 3

PathArgument = Annotated[
    Path, typer.Argument(metavar="PATH", help="A file or a folder; archives and tables too.")
]
ModelOption = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="Model for a new collection; repeat it for several."),
]
WatchOption = Annotated[
    bool, typer.Option("--watch", help="Then keep up with changes until Ctrl-C.")
]
PruneOption = Annotated[bool, typer.Option("--prune", help="Forget assets whose files are gone.")]
LabelsOption = Annotated[
    bool, typer.Option("--labels", help="A picture's folder becomes its label.")
]
CopyOption = Annotated[
    bool, typer.Option("--copy", help="Copy pictures: workers elsewhere do not see this folder.")
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option("--exclude", "-x", metavar="GLOB", help="Leave out what matches."),
]


def _column(help: str) -> Any:
    return typer.Option(metavar="NAME", help=help)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be indexed, and how."""

    path: Path
    collection: str
    models: list[str] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)
    labels: bool = False
    prune: bool = False
    copy: bool = False
    columns: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Indexed:
    """The finished job, and the Collection's counts before and after."""

    job: Job
    before: Totals
    after: Totals
    seconds: float


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, examples=_EXAMPLES)(index)


def index(
    session: Session,
    path: PathArgument,
    collection: CollectionOption = "default",
    model: ModelOption = None,
    watch: WatchOption = False,
    prune: PruneOption = False,
    exclude: ExcludeOption = None,
    labels: LabelsOption = False,
    copy: CopyOption = False,
    text_column: Annotated[str | None, _column("Column of a table that holds text.")] = None,
    image_column: Annotated[str | None, _column("Column that holds paths of pictures.")] = None,
    id_column: Annotated[str | None, _column("Column that names each row.")] = None,
    metadata_columns: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Columns to keep, with commas between.")
    ] = None,
    device: DeviceOption = None,
    workers: WorkersOption = None,
    batch: BatchOption = None,
) -> None:
    """Index a file or folder, so that it can be searched.

    Files stay where they are, and are read there. What has not changed is not read again, so the
    same command continues what was stopped, and keeps up with what was added.
    """
    here = powered(session, device, workers, batch)
    columns = _columns(text_column, image_column, id_column, metadata_columns)
    models = full_names(model)
    left_out = exclude or []
    wanted = Wanted(existing(path), collection, models, left_out, labels, prune, copy, columns)
    if watch:
        from api.cli.watch import keep_up

        keep_up(here, wanted)
        return
    summarise(here, wanted, index_once(here, wanted))


def _columns(
    text: str | None, image: str | None, id: str | None, metadata: str | None
) -> dict[str, object]:
    given: dict[str, object | None] = {"text": text, "image": image, "id": id}
    if metadata:
        given["metadata"] = [name.strip() for name in metadata.split(",")]
    return {name: value for name, value in given.items() if value is not None}


def existing(path: Path) -> Path:
    """The absolute path. Raises `NotFound` before anything is started for it."""
    absolute = path.expanduser().absolute()
    if not absolute.exists():
        raise NotFound(f"There is no file or folder {path}.", path=str(path))
    return absolute


def index_once(session: Session, wanted: Wanted) -> Indexed:
    """Index, taking over if the server that was doing it ends meanwhile."""
    from api.transport import ServerLost

    for _ in range(_LOST_TRIES):
        try:
            return _index_here(session, wanted)
        except ServerLost:
            say("The server that was indexing has ended; going on here.", "dim")
    return _index_here(session, wanted)


def _index_here(session: Session, wanted: Wanted) -> Indexed:
    started = False
    try:
        with session.client("Starting", resume=True) as client:
            started = True
            return run_job(client, wanted)
    except KeyboardInterrupt:
        if not started:  # what an earlier command left may have been going on already
            say("Stopped while starting. The same command continues.")
        raise


def run_job(client: Client, wanted: Wanted) -> Indexed:
    """One job, from its start to the last pending asset; Ctrl-C leaves a clean state."""
    started = time.monotonic()
    try:
        # by its own name from here on: an alias may lead elsewhere before this is done
        wanted = replace(wanted, collection=made(client, wanted.collection, wanted.models))
        before = client.totals(wanted.collection)
        _finish_interrupted(client, wanted, before)
        job = client.index(
            wanted.path,
            wanted.collection,
            exclude=wanted.exclude,
            labels=wanted.labels,
            prune=wanted.prune,
            copy=wanted.copy,
            columns=wanted.columns,
        )
        after = follow(client, wanted.collection, before, job)
        finished = client.job(job["id"], wanted.collection)
    except KeyboardInterrupt:
        _tell_stopped(client, wanted.collection)
        raise
    return Indexed(finished, before, after, time.monotonic() - started)


def _finish_interrupted(client: Client, wanted: Wanted, before: Totals) -> None:
    # An interrupted job of the same path has been taken up by the server: two that read the same
    # files at the same time would only be in each other's way.
    same = {str(wanted.path), os.path.realpath(wanted.path)}
    for job in client.jobs(wanted.collection):
        if job["state"] == "reading" and job["location"] in same:
            say("Continuing where it was stopped.", "dim")
            follow(client, wanted.collection, before, job, raising=False)


def _tell_stopped(client: Client, collection: str) -> None:
    say("Stopping after the assets at hand; Ctrl-C again stops at once.")
    with contextlib.suppress(SemblanceError):
        totals = client.totals(collection)
        say(f"{totals['indexed']:,} of {totals['found']:,} found so far are indexed.")
    if client.url is None:
        say("The same command continues.")
    else:
        say(f"The server at {client.url} goes on with what was found.")


def summarise(session: Session, wanted: Wanted, done: Indexed) -> None:
    """What was done, what there is now, and what to do next."""
    if session.as_json:
        emit({"job": done.job, "totals": done.after, "seconds": round(done.seconds, 3)})
        return
    new = done.after["indexed"] - done.before["indexed"]
    rate = f", {new / done.seconds:.0f}/s" if new > done.seconds > 1 else ""
    what = f"Indexed {new:,} new" if new > 0 else "Nothing new"
    page().print(
        f"{what} in {wanted.path} ({done.seconds:.0f} s{rate})", markup=False, soft_wrap=True
    )
    line("this run", tally_text(done.job["tally"]))
    if done.job["state"] == "cancelled":
        line("", f"cancelled; `semblance jobs retry {done.job['id'][:8]}` takes it up again")
    page().print(f"  Collection {wanted.collection} now:", markup=False)
    show_totals(done.after)
    _suggest(wanted, done.job, done.after)


def _suggest(wanted: Wanted, job: Job, totals: Totals) -> None:
    if not for_people():
        return
    option = "" if wanted.collection == "default" else f" --collection {wanted.collection}"
    name = "" if wanted.collection == "default" else f" {wanted.collection}"
    if totals["failed"]:
        say(f"  Why they failed: semblance failures{name}    Try again: semblance retry{name}")
    if job["tally"]["missing"] and not wanted.prune:
        gone = number(job["tally"]["missing"], "file")
        say(f"  {gone} gone from disk can still be found; --prune forgets what is gone.")
    if totals["indexed"]:
        say(f'  Search: semblance search "…"{option}    In the browser: semblance serve --open')

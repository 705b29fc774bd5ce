"""`semblance jobs`: how far each is, what failed in it; cancel it, or try it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.following import follow_job, raise_for
from api.cli.output import emit, for_people, number, page, rows, say
from api.cli.session import Session, command
from api.cli.totals import line, show_totals, tally_text
from indexer.errors import InvalidInput, JobNotFound, SemblanceError

if TYPE_CHECKING:
    from api.answers import Job
    from api.client import Client

IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="As `jobs list` shows it; its beginning is enough.")
]
CollectionOption = Annotated[
    str | None, typer.Option("--collection", "-c", metavar="NAME", help="Only this collection.")
]
LimitOption = Annotated[
    int, typer.Option("--limit", "-n", metavar="N", min=1, max=1000, help="Jobs to show.")
]

_SHORT = 8
_SHOWN = 10


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        help="Look at jobs, cancel them, try them again.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    command(group, "list", examples=("semblance jobs list",))(list_all)
    command(group, "show", examples=("semblance jobs show 3f2a9c1d",))(show)
    command(group, "follow", examples=("semblance jobs follow 3f2a9c1d",))(follow)
    command(group, "cancel", examples=("semblance jobs cancel 3f2a9c1d",))(cancel)
    command(group, "retry", examples=("semblance jobs retry 3f2a9c1d",))(retry)
    app.add_typer(group, name="jobs")


def list_all(
    session: Session, collection: CollectionOption = None, limit: LimitOption = 20
) -> None:
    """List jobs, newest first, and how far each is."""
    with session.client("Looking") as client:
        told = [
            job for name in _names(client, collection) for job in client.jobs(name, limit=limit)
        ]
    told = sorted(told, key=lambda job: job["created_at"], reverse=True)[:limit]
    if session.as_json:
        emit(told)
        return
    if not told:
        say("There are no jobs yet. `semblance index PATH` makes one.")
        return
    rows(
        ("job", "collection", "started", "state", "found", "indexed", "failed", "left", "what"),
        [
            (
                job["id"][:_SHORT] if for_people() else job["id"],
                job["collection"],
                job["created_at"][:19].replace("T", " "),
                job["state"],
                f"{job['totals']['found']}",
                f"{job['totals']['indexed']}",
                f"{job['totals']['failed']}",
                _time_left(job) or "-",
                _what(job),
            )
            for job in told
        ],
        right=(4, 5, 6, 7),
    )


def show(session: Session, id: IdArgument, collection: CollectionOption = None) -> None:
    """Show one job: how far it is, how fast it goes, what failed in it and why."""
    with session.client("Looking") as client:
        job = named(client, id, collection)
        told = client.failures(job=job, limit=_SHOWN) if not session.as_json else []
    if session.as_json:
        emit(job)
        return
    _show(job)
    for failure in told:
        line("", f"{failure['path']}: {failure['message'] or failure['code']}")
    if job["totals"]["failed"] + job["totals"]["skipped"] > len(told):
        say(
            f"  All of them: semblance failures {job['collection']} --job {job['id'][:_SHORT]}",
            "dim",
        )


def follow(session: Session, id: IdArgument, collection: CollectionOption = None) -> None:
    """Follow a job to its end; Ctrl-C stops looking, not the job of a server."""
    with session.client("Looking", resume=True) as client:
        job = follow_job(client, named(client, id, collection))
    _ended(session, job)
    raise_for(job)


def cancel(session: Session, id: IdArgument, collection: CollectionOption = None) -> None:
    """Stop a job: what is pending is set aside, what is indexed stays."""
    with session.client("Looking") as client:
        job = client.cancel(named(client, id, collection))
    _ended(session, job)


def retry(session: Session, id: IdArgument, collection: CollectionOption = None) -> None:
    """Try again what failed or was cancelled in one job, and follow it to its end.

    What was not read to its end is read again; files that have not changed are passed over.
    """
    with session.client("Starting", resume=True) as client:
        job = named(client, id, collection)
        retried = client.retry(job=job)
        job = follow_job(client, job)
    if session.as_json:
        emit({"retried": retried, "job": job})
        raise_for(job)
        return
    told = f"Tried {number(retried, 'thing')} again." if retried else "Nothing had failed."
    page().print(told, markup=False)
    _show(job)
    raise_for(job)


def _names(client: Client, collection: str | None) -> list[str]:
    if collection is not None:
        return [collection]
    return [one["name"] for one in client.collections() if one["problem"] is None]


def named(client: Client, id: str, collection: str | None) -> Job:
    """The job, in whichever collection it is; its id may be shortened.

    Raises `JobNotFound`, `InvalidInput` if several ids begin so.
    """
    if not id:
        raise InvalidInput("The job's id is empty; `semblance jobs list` shows those there are.")
    found: list[Job] = []
    missing: SemblanceError | None = None
    for name in _names(client, collection):
        try:
            found.append(client.job(id, name))
        except JobNotFound as error:
            missing = error
    if len(found) > 1:
        candidates = [job["id"] for job in found]
        raise InvalidInput(
            f"Several jobs begin with {id}; write more of the id: {', '.join(candidates)}.",
            candidates=candidates,
        )
    if found:
        return found[0]
    if collection is not None and missing is not None:
        raise missing
    raise JobNotFound(f"There is no job {id}; `semblance jobs list` shows those there are.", job=id)


def _ended(session: Session, job: Job) -> None:
    if session.as_json:
        emit(job)
    else:
        _show(job)


def _show(job: Job) -> None:
    page().print(f"Job {job['id']}: {job['state']}", markup=False, soft_wrap=True)
    line("what", f"{_what(job)}, in collection {job['collection']}")
    line("started", job["created_at"])
    for label in ("retried", "cancelled"):
        if moment := job.get(f"{label}_at"):
            line(label, str(moment))
    if job["error"] is not None:
        line("stopped", job["error"]["message"], "red")
    if job["rate"] is not None:
        left = f", about {told} left" if (told := _time_left(job)) else ""
        line("rate", f"{job['rate']:.1f} a second{left}")
    line("this job", tally_text(job["tally"]))
    show_totals(job["totals"])
    for remark in job["remarks"][:_SHOWN]:
        line("", remark)
    if job["state"] == "cancelled" and for_people():
        say(f"  Take it up again: semblance jobs retry {job['id'][:_SHORT]}")


def _what(job: Job) -> str:
    return job["location"] or "upload"


def _time_left(job: Job) -> str:
    """How long it will take, as people say it; empty if that is not known."""
    seconds = job["seconds_left"]
    if seconds is None:
        return ""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"

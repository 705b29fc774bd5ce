"""`semblance status`, `retry` and `failures`: what became of everything, and why."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.chosen import chosen
from api.cli.following import follow, follow_space
from api.cli.jobs import named
from api.cli.output import emit, for_people, number, page, rows, say, size
from api.cli.session import Session, command
from api.cli.totals import line, show_totals
from indexer.errors import QueueUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.answers import Collection, Space, Worker
    from api.client import Client

NameArgument = Annotated[str, typer.Argument(metavar="[COLLECTION]", help="Collection to look at.")]

LimitOption = Annotated[
    int, typer.Option("--limit", "-n", metavar="N", min=1, help="Rows to show.")
]

TAKEN_UP_HERE = "`semblance serve`, or by the next `semblance index`"
TAKEN_UP_BY_WORKERS = "workers: `semblance worker`, on this machine or another"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(app, examples=("semblance status", "semblance status archive --json"))(status)
    command(app, examples=("semblance failures", "semblance failures | cut -f 1"))(failures)
    command(app, examples=("semblance retry",))(retry)


def status(
    session: Session,
    collection: Annotated[
        str | None, typer.Argument(metavar="[COLLECTION]", help="Only this collection.")
    ] = None,
) -> None:
    """Show what was found, and what became of it.

    found = indexed + failed + pending + skipped, always.
    """
    settings = session.settings()
    with session.client("Looking") as client:
        told = client.collections() if collection is None else [client.collection(collection)]
        workers = _workers(client) if settings.redis_url is not None else []
    bytes_used = folder_bytes(settings.data)
    if session.as_json:
        summary = {"data": str(settings.data), "bytes": bytes_used, "collections": told}
        emit(summary if settings.redis_url is None else {**summary, "workers": workers})
        return
    taken_up_by = TAKEN_UP_HERE if settings.redis_url is None else TAKEN_UP_BY_WORKERS
    for each in told:
        on_disk = folder_bytes(settings.data / "collections" / each["name"])
        show_collection(each, on_disk, taken_up_by)
    if not told:
        page().print("There are no collections yet.")
        say("`semblance index PATH` makes the first one.")
    if settings.redis_url is not None:
        show_workers(workers)
    page().print(
        f"Data folder {settings.data}: {size(bytes_used)}",
        style="dim",
        markup=False,
        soft_wrap=True,
    )


def _workers(client: Client) -> Sequence[Worker] | None:
    """The workers that live; None if Redis, which alone knows them, does not answer."""
    try:
        return client.workers()
    except QueueUnavailable:
        return None


def show_workers(workers: Sequence[Worker] | None) -> None:
    """Who works for the servers, and what there is to do if nobody does."""
    if workers is None:
        page().print("workers: Redis does not answer", style="yellow")
        say("Check SEMBLANCE_REDIS_URL and that Redis runs; what is pending waits for it.")
        return
    for worker in workers:
        queues = ", ".join(worker["queues"])
        told = f"{worker['name']}  {worker['device']}  {queues}  {worker['in_hand']} in hand"
        page().print(f"worker {told}", markup=False, soft_wrap=True)
    if not workers:
        page().print("No worker runs: what is pending waits.", style="yellow")
        say("`semblance worker` starts one, on this machine or another.")


def show_collection(
    collection: Collection, bytes_used: int | None = None, taken_up_by: str = TAKEN_UP_HERE
) -> None:
    """One Collection: its name, model, counts and reasons."""
    from rich.text import Text

    page().print(Text(collection["name"], "bold"))
    if collection["spaces"]:
        models = ", ".join(
            f"{model_of(space)} ({space['dimension']} dimensions)" for space in collection["spaces"]
        )
        line("model" if len(collection["spaces"]) == 1 else "models", models)
    if (problem := collection.get("problem")) is not None:
        line("problem", problem["message"], "red")
    if (totals := collection["totals"]) is not None:
        show_totals(totals)
        if totals["pending"]:
            line("", f"pending is indexed by {taken_up_by}")
    if bytes_used:
        line("on disk", f"{size(bytes_used)} of vectors and texts")


def model_of(space: Space) -> str:
    """The model that fills a space; of imported vectors the space's own name."""
    model = space["embedder"]
    return f"{space['name']}, imported" if model == "imported" else model


def folder_bytes(folder: Path) -> int:
    """Bytes that the folder takes on disk; files that vanish meanwhile count for nothing."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                # The engine's files are sparse: what counts is what the disk holds.
                total += os.lstat(os.path.join(parent, name)).st_blocks * 512
            except OSError:
                continue
    return total


def failures(
    session: Session,
    collection: Annotated[
        str | None,
        typer.Argument(
            metavar="[COLLECTION]",
            help="Collection to look at; by default `default`, with --job that of the job.",
            show_default=False,
        ),
    ] = None,
    limit: LimitOption = 100,
    job: Annotated[
        str | None, typer.Option("--job", metavar="ID", help="Only those of this job.")
    ] = None,
) -> None:
    """List files that failed or were skipped, with the reason."""
    from api.asset_calls import DEFAULT

    with session.client("Looking") as client:
        if job is not None:
            told = client.failures(job=named(client, job, collection), limit=limit)
        else:
            told = client.failures(chosen(client, collection or DEFAULT), limit=limit)
    if session.as_json:
        emit(told)
        return
    if not told:
        say("Nothing failed and nothing was skipped.")
        return
    rows(
        ("file", "why"),
        [(each["path"], each["message"] or each["code"]) for each in told],
    )
    if len(told) == limit and for_people():
        say(f"These are the first {limit:,}; --limit shows more.", "dim")


def retry(session: Session, collection: NameArgument = "default") -> None:
    """Try everything that failed again."""
    with session.client("Starting", resume=True) as client:
        collection = chosen(client, collection)
        before = client.totals(collection)
        gaps = sum(space["failed"] for space in client.spaces(collection))
        retried = client.retry(collection)
        after = follow(client, collection, before, None)
        for space in client.spaces(collection):
            gaps -= follow_space(client, space["name"], collection)["failed"]
    if session.as_json:
        emit({"retried": retried, "totals": after})
        return
    if not retried:
        page().print("Nothing had failed.")
        return
    gained = max(after["indexed"] - before["indexed"], 0) + max(gaps, 0)
    page().print(f"Tried {number(retried, 'failure')} again: {gained:,} more indexed.")
    show_totals(after)

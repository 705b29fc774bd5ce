"""`semblance worker`: gives assets their vectors, for servers on this machine or others."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from api.cli.output import say
from api.cli.power import BatchOption, DeviceOption, WorkersOption
from api.cli.session import Session, command


class Queue(StrEnum):
    """What a worker may take."""

    IMAGES = "images"
    TEXTS = "texts"
    ANALYSIS = "analysis"


QueuesOption = Annotated[
    list[Queue] | None,
    typer.Option("--queue", help="Take jobs of this queue alone; repeat it for several."),
]
ConcurrencyOption = Annotated[
    int, typer.Option(metavar="N", min=1, max=64, help="Batches that are worked on at once.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = ("semblance worker", "semblance worker --device cuda --queue images")
    command(app, examples=examples)(worker)


def worker(
    session: Session,
    queue: QueuesOption = None,
    concurrency: ConcurrencyOption = 2,
    device: DeviceOption = None,
    workers: WorkersOption = None,
    batch: BatchOption = None,
) -> None:
    """Work for servers that share SEMBLANCE_REDIS_URL and SEMBLANCE_QDRANT_URL with it.

    Ctrl-C ends it after the batches at hand; a second one at once. Start as many as you like, on
    as many machines.
    """
    here = session.using(device=device, workers=workers, batch_size=batch)
    settings = here.settings()
    settings.check_scaled_out()
    say("Starting …", "dim")
    from worker.logs import set_up_logs
    from worker.process import run_worker

    set_up_logs(settings, verbose=session.verbose)
    queues = [one.value for one in queue or Queue]
    status = run_worker(
        settings,
        queues=queues,
        threads=concurrency,
        on_ready=lambda: say(f"Working on {', '.join(queues)}. Ctrl-C ends it.", "dim"),
    )
    raise typer.Exit(status)

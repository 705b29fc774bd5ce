"""The options that say how much of this machine the models may have."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from api.cli.output import say
from api.cli.session import Session

DeviceOption = Annotated[
    Literal["auto", "cpu", "cuda", "mps"] | None,
    typer.Option(help="Where models run; else SEMBLANCE_DEVICE."),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, max=256, help="Threads that decode; else one a processor."),
]
BatchOption = Annotated[
    int | None,
    typer.Option(
        "--batch-size", metavar="N", min=1, max=4096, help="Assets a pass; else what suits."
    ),
]


def powered(
    session: Session, device: str | None, workers: int | None, batch: int | None
) -> Session:
    """The session with what the options choose; a server that runs already has chosen."""
    from api.address import published

    here = session.using(device=device, workers=workers, batch_size=batch)
    if here.chosen and published(here.settings().data) is not None:
        say("A server runs on this data folder and does the work, with its own settings.", "dim")
    return here

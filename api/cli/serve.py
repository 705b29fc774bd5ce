"""`semblance serve`: the web page and the API, until Ctrl-C."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import emit, page, say
from api.cli.power import BatchOption, DeviceOption, WorkersOption
from api.cli.session import Session, command

if TYPE_CHECKING:
    from api.address import Address

HostOption = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Address to listen on.")]
PortOption = Annotated[
    int | None,
    typer.Option(metavar="PORT", min=0, max=65535, help="Port to listen on; 0 takes a free one."),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = ("semblance serve --open", "semblance serve --port 8080")
    command(app, examples=examples)(serve)


def serve(
    session: Session,
    host: HostOption = None,
    port: PortOption = None,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the page in the browser.")
    ] = False,
    device: DeviceOption = None,
    workers: WorkersOption = None,
    batch: BatchOption = None,
) -> None:
    """Serve the search page and the API.

    Other commands on the same data folder use this server while it runs.
    """
    here = session.using(host=host, port=port, device=device, workers=workers, batch_size=batch)
    from worker.logs import set_up_logs

    settings = here.settings()
    set_up_logs(settings, verbose=session.verbose)
    for_programs = session.as_json or settings.log_format == "json"
    if not for_programs:
        say("Starting …", "dim")
    from api.server import serve as serve_until_interrupted

    def ready(address: Address) -> None:
        if for_programs:
            emit({"url": address.url})
        else:
            announce(address)

    serve_until_interrupted(settings, open_browser=open_browser, on_ready=ready)


def announce(address: Address) -> None:
    """Say where the page is."""
    page().print(f"Semblance is at {address.url}", markup=False, soft_wrap=True)
    say("Ctrl-C ends it.", "dim")
    page().file.flush()

"""`semblance`: the command line. It is a client of the HTTP API, as the web page is.

Heavy imports (torch, the web framework, the HTTP client) happen inside the commands, so that
help and mistakes are answered at once.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import warnings
from typing import Annotated, NoReturn

import typer

from api.cli import (
    analyses,
    assets,
    backup,
    classify,
    clusters,
    collections,
    comparing,
    compiling,
    demo,
    doctor,
    duplicates,
    exits,
    export,
    index,
    interrupts,
    jobs,
    label_errors,
    labels,
    map,
    models,
    outliers,
    probe,
    propagate,
    quality,
    search,
    serve,
    spaces,
    status,
    worker,
)
from api.cli.session import report
from api.cli.start import start
from indexer.errors import InvalidInput

app = typer.Typer(
    name="semblance",
    help="Semantic search over pictures and texts, on your own machine.",
    epilog="\b\nStart here:\n  semblance demo            sample pictures and texts to play with\n"
    "  semblance index PATH      index your own\n  semblance search a red boat",
    rich_markup_mode=None,  # plain help: calm, quick, and fit to be piped
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 88},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"semblance {version('semblance')}")
        except PackageNotFoundError:
            print("semblance, run from a checkout that was never installed")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    _: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        start()


_GROUPS = (
    *(demo, index, search, serve, worker, status, jobs, export),
    *(collections, spaces, assets),
    *(analyses, duplicates, outliers, quality, clusters, map, comparing),
    *(classify, propagate, label_errors, probe, labels),
    *(models, backup, compiling, doctor),
)
for group in _GROUPS:
    group.register(app)


def main() -> NoReturn:
    """Run the command line; ends the process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Names of files need not be UTF-8; printing one must not be an error.
            stream.reconfigure(errors="backslashreplace")
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # of libraries; they mean nothing to who reads this
    interrupts.install()
    _end(_run())


def _run() -> int:
    try:
        return app(standalone_mode=False, prog_name="semblance") or 0
    except typer.Abort:
        return 1
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except typer.TyperException as error:  # wrong use
        return _wrong_use(error)


def _wrong_use(error: typer.TyperException) -> int:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "semblance"
    message = error.format_message()
    stop = "" if message.endswith((".", "?")) else "."
    told = InvalidInput(f"{message}{stop} `{command} --help` shows what it takes.")
    report(told, as_json="--json" in sys.argv, verbose=False)
    return exits.WRONG_INPUT


def _end(code: int) -> NoReturn:
    interrupts.end_at_once()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = exits.BROKEN_PIPE
    if code == exits.BROKEN_PIPE:
        # Or the interpreter would try to flush again, and complain.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if code == exits.INTERRUPTED:
        # Whoever presses Ctrl-C wants to be gone: threads that still compute lose nothing.
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()

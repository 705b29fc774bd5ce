"""What every command has: a data folder, how to answer, and one way for all errors to end."""

from __future__ import annotations

import functools
import inspect
import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import exits
from api.cli.output import say, screen
from indexer.errors import InvalidInput, SemblanceError

if TYPE_CHECKING:
    from api.client import Client
    from indexer.settings import Settings

DataOption = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Data folder to use; else SEMBLANCE_DATA."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON on stdout.")]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", help="Say more, and show tracebacks of errors.")
]
CollectionOption = Annotated[
    str, typer.Option("--collection", "-c", metavar="NAME", help="Collection to use.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@dataclass(frozen=True, slots=True)
class Session:
    """The options that all commands share."""

    data: Path | None = None
    as_json: bool = False
    verbose: bool = False
    chosen: Mapping[str, object] = field(default_factory=dict)

    def using(self, **chosen: object | None) -> Session:
        """The same with settings that options give; None stands for the setting in force."""
        given = {name: value for name, value in chosen.items() if value is not None}
        return replace(self, chosen={**self.chosen, **given})

    def settings(self) -> Settings:
        """The settings in force. Raises `InvalidInput` naming the one that is wrong."""
        from pydantic import ValidationError

        from indexer.settings import Settings

        try:
            settings = Settings()
            if self.data is not None:
                settings = Settings(data=self.data.expanduser().absolute())
            return settings.model_copy(update=dict(self.chosen))
        except ValidationError as error:
            first = error.errors()[0]
            name = "SEMBLANCE_" + "_".join(str(part) for part in first["loc"]).upper()
            raise InvalidInput(
                f"{name} is set to {first['input']!r}: {first['msg']}.", setting=name
            ) from error

    @contextmanager
    def client(self, doing: str = "Starting", *, resume: bool = False) -> Iterator[Client]:
        """The API on this data folder; while it starts, people see what is going on."""
        from api.client import connect

        with ExitStack() as stack:
            with screen().status(f"{doing} …", spinner_style="dim"):
                client = stack.enter_context(connect(self.settings(), resume=resume))
            yield client


def command(
    app: typer.Typer, name: str | None = None, *, examples: Sequence[str] = (), **options: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function whose first parameter is the Session; it gets the shared options."""
    # \b keeps the lines as they are
    epilog = "\n".join(["\b", "Examples:", *(f"  {line}" for line in examples)])

    def register(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def run(*args: Any, data: Path | None, as_json: bool, verbose: bool, **given: Any) -> None:
            session = Session(data, as_json, verbose)
            with _ended_well(session):
                function(session, *args, **given)

        _take_shared_options(run, function)
        app.command(name, epilog=epilog if examples else None, **options)(run)
        return function

    return register


def _take_shared_options(run: Callable[..., None], function: Callable[..., None]) -> None:
    # Typer reads parameters off the signature, so the shared ones are written into it.
    signature = inspect.signature(function, eval_str=True)
    keyword = inspect.Parameter.KEYWORD_ONLY
    shared = [
        inspect.Parameter("data", keyword, default=None, annotation=DataOption),
        inspect.Parameter("as_json", keyword, default=False, annotation=JsonOption),
        inspect.Parameter("verbose", keyword, default=False, annotation=VerboseOption),
    ]
    parameters = [*list(signature.parameters.values())[1:], *shared]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}


@contextmanager
def _ended_well(session: Session) -> Iterator[None]:
    """Errors end as one sentence and an exit code."""
    if session.verbose:
        logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
        for name in ("httpx", "api.access"):  # that a command asks its own server is no news
            logging.getLogger(name).setLevel(logging.WARNING)
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(exits.INTERRUPTED) from None
    except BrokenPipeError:
        raise typer.Exit(exits.BROKEN_PIPE) from None
    except SemblanceError as error:
        report(error, as_json=session.as_json, verbose=session.verbose)
        raise typer.Exit(exits.exit_code(error)) from None
    except (typer.Exit, typer.Abort, typer.TyperException):
        raise
    except Exception as error:
        report(_unexpected(error, session.verbose), as_json=session.as_json, verbose=False)
        raise typer.Exit(exits.UNEXPECTED) from None


def report(error: SemblanceError, *, as_json: bool, verbose: bool) -> None:
    """The error on stderr: a sentence with its remedy, or the API's JSON shape."""
    if verbose:
        screen().print_exception()
    if as_json:
        shape = {"code": error.code, "message": error.message, "details": dict(error.details)}
        sys.stderr.write(json.dumps(shape, ensure_ascii=False, default=str) + "\n")
        return
    from rich.text import Text

    told = Text.assemble(("Error: ", "bold red"), error.message)
    screen().print(told, soft_wrap=not screen().is_terminal)
    if hint := exits.hint(error):
        say(hint, "dim")


def _unexpected(error: Exception, verbose: bool) -> SemblanceError:
    if verbose:
        screen().print_exception()
    kind = type(error).__name__
    remedy = "" if verbose else " Run it again with --verbose to see where."
    return SemblanceError(f"Something went wrong in Semblance itself ({kind}: {error}).{remedy}")


def confirmed(question: str, yes: bool) -> None:
    """Ask before something is lost. Raises `InvalidInput` where nobody can answer."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidInput(f"{question} Nobody is here to answer; --yes does it without asking.")
    typer.confirm(question, abort=True, err=True)

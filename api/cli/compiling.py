"""`semblance compile`: a model made fast for this processor now, not in the background."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from api.cli.models import full_names
from api.cli.output import emit, rows, say, screen
from api.cli.session import Session, command
from indexer.errors import InvalidInput


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = ("semblance compile", "semblance compile clip-vit-b-32")
    command(app, "compile", examples=examples)(compile_model)


def compile_model(
    session: Session,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Model; by default that of collections.")
    ] = None,
) -> None:
    """Compile a model for this processor, where that makes it faster.

    It takes a minute or two, once. Semblance does it by itself in the background when a model is
    in use for long; this does it before.
    """
    from indexer.embedders.compiled import CompiledTowers, available
    from indexer.embedders.loading import LoadedEmbedders

    settings = session.settings()
    (model,) = full_names([name or settings.model])
    if not available():
        raise InvalidInput("OpenVINO is not installed: pip install openvino")
    with screen().status(f"Compiling {model} …", spinner_style="dim"):
        fingerprint = LoadedEmbedders("cpu").space_of(model).fingerprint
        verdicts = CompiledTowers(settings.cache / "compiled").compile(model, fingerprint)
    if session.as_json:
        emit({tower: asdict(verdict) for tower, verdict in verdicts.items()})
        return
    if not verdicts:
        say(f"Model {model} has nothing to compile; it runs as it is.")
        return
    rows(
        ("tower", "runs in", "times torch", "cosine"),
        [
            (
                tower,
                f"OpenVINO, {verdict.precision}" if verdict.precision else "torch",
                f"{verdict.speedup:.1f}" if verdict.precision else "1.0",
                f"{verdict.cosine:.4f}" if verdict.precision else "",
            )
            for tower, verdict in verdicts.items()
        ],
        right=(2, 3),
    )
    if not settings.compile:
        say("SEMBLANCE_COMPILE is off: compiled models are not used.")

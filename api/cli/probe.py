"""`semblance probe`: how well vectors tell labels apart, and what is typical of each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.analysing import (
    KindOption,
    LimitOption,
    Scope,
    SpaceOption,
    WhereOption,
    WithinOption,
    analyse,
    heading,
    place,
)
from api.cli.labelling import (
    AtLeastOption,
    FieldArgument,
    SaveOption,
    StrengthOption,
    ValueOption,
    save_found,
    share,
    tell_saved,
)
from api.cli.output import emit, rows, say
from api.cli.session import CollectionOption, Session, command
from indexer.errors import InvalidInput

if TYPE_CHECKING:
    from api.analysis_answers import Analysis
    from api.client import Client

_SHOWN = 10


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(
        app,
        "probe",
        examples=(
            "semblance probe label",
            "semblance probe label --space clip-vit-b-32",
            "semblance probe label --like rose --out rose.npy",
        ),
    )(probe)


def probe(
    session: Session,
    field: FieldArgument,
    value: ValueOption = None,
    like: Annotated[
        str | None,
        typer.Option(metavar="LABEL", help="Show what is most and least like this label."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write what is typical of --like as a vector (.npy) to search with.",
        ),
    ] = None,
    strength: StrengthOption = None,
    save: SaveOption = None,
    at_least: AtLeastOption = 0.0,
    collection: CollectionOption = "default",
    space: SpaceOption = None,
    kind: KindOption = None,
    where: WhereOption = None,
    within: WithinOption = None,
    limit: LimitOption = _SHOWN,
) -> None:
    """Learn labels on most assets and see how many of the others are told right.

    A linear model on the vectors: the higher, the more of these labels the space knows. With --save
    assets that have no label get the one it says.
    """
    parameters = {"label": field, "value": value, "strength": strength, "shown": min(limit, 1000)}
    if out is not None and (like is None or out.suffix != ".npy"):
        raise InvalidInput("--out takes a file that ends in .npy, and needs --like LABEL.")
    scope = Scope(space, kind, where, within)
    with session.client("Starting") as client:
        told = analyse(client, "probe", collection, scope, parameters)
        classes = told["summary"]["classes"]
        if like is not None and like not in classes:
            raise InvalidInput(f"{like!r} is no value of {field!r}; there are: {_some(classes)}.")
        found = _like(client, told, like) if like is not None else _classes(client, told, limit)
        if out is not None and like is not None:
            _write(client, told, like, out)
        saved = save_found(client, told, save, at_least)
        if session.as_json:
            emit({"analysis": told, "rows": found["rows"], "saved": saved})
            return
        _tell(told)
        _tell_like(found) if like is not None else _tell_classes(found)
        tell_saved(told, save, saved)


def _like(client: Client, told: Analysis, like: str) -> Any:
    equals = ("label", like)
    return client.table_page(told["id"], "extremes", told["collection"], limit=2000, equals=equals)


def _classes(client: Client, told: Analysis, limit: int) -> Any:
    return client.table_page(told["id"], "classes", told["collection"], limit=limit)


def _write(client: Client, told: Analysis, like: str, out: Path) -> None:
    """Write the label's prototype as a NumPy file. Raises `InvalidInput` if it cannot be."""
    import numpy as np

    equals = ("label", like)
    found = client.table_page(told["id"], "prototypes", told["collection"], equals=equals)
    try:
        np.save(out, np.array(found["rows"][0]["vector"], np.float32))
    except OSError as error:
        raise InvalidInput(f"{out} cannot be written ({error}); name another file.") from error
    say(f"Search with it: semblance search --vector {out} -c {told['collection']}", "dim")


def _tell(told: Analysis) -> None:
    summary = told["summary"]
    low, high = summary["accuracy_between"]
    say(heading(told, "Looked at"))
    say(
        f"{summary['accuracy']:.1%} of {summary['validated']:,} labels it had not seen are told "
        f"right ({low:.0%} to {high:.0%}, 95 % sure); always the most frequent: "
        f"{summary['most_frequent']:.1%}. Macro F1 {summary['macro_f1']:.3f}."
    )


def _tell_classes(found: Any) -> None:
    rows(
        ("label", "labels", "judged", "precision", "recall", "F1"),
        [
            (
                row["label"],
                f"{row['labelled']}",
                f"{row['validated']}",
                *(share(row[name]) for name in ("precision", "recall", "f1")),
            )
            for row in found["rows"]
        ],
        right=(1, 2, 3, 4, 5),
    )


def _tell_like(found: Any) -> None:
    rows(
        ("end", "rank", "cosine", "where"),
        [
            (
                row["end"],
                f"{row['rank']}",
                share(row["cosine"]),
                place(found["assets"].get(row["id"])),
            )
            for row in found["rows"]
        ],
        right=(1, 2),
    )


def _some(classes: list[str]) -> str:
    return ", ".join(classes[:20]) + (", …" if len(classes) > 20 else "")

"""`semblance spaces import`: vectors made elsewhere, as a space of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.cli.chosen import chosen
from api.cli.following import follow
from api.cli.index import existing
from api.cli.output import emit, number, page, say
from api.cli.session import CollectionOption, Session, command
from api.cli.totals import line, show_totals
from indexer.errors import CollectionNotFound, InvalidInput

if TYPE_CHECKING:
    from api.answers import Job, Totals
    from api.client import Client

_SHOWN = 5

_EXAMPLES = (
    "semblance spaces import dino.npy --space dino --match path",
    "semblance spaces import rows.parquet --space spectra --new -c spectra",
)

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="Vectors: .npy, .parquet or .jsonl.")
]
SpaceOption = Annotated[str, typer.Option("--space", metavar="NAME", help="Space to import into.")]
MatchOption = Annotated[
    Literal["path", "id", "sha256"] | None,
    typer.Option(
        help="Give the vectors to assets that are there: found by path (or its end, such as the "
        "file's name), id, or SHA-256 of the content."
    ),
]
NewOption = Annotated[bool, typer.Option("--new", help="Make each row a text asset of its own.")]
IdsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Ids of a .npy's rows: .txt (one a line), .csv, .jsonl or .parquet; else the one of "
        "the same name beside it.",
    ),
]
ReplaceOption = Annotated[
    bool, typer.Option("--replace", help="Vectors that are there already may change.")
]


def register(group: typer.Typer) -> None:
    """Add the command."""
    command(group, "import", examples=_EXAMPLES)(import_file)


def import_file(
    session: Session,
    file: FileArgument,
    space: SpaceOption,
    match: MatchOption = None,
    new: NewOption = False,
    ids: IdsOption = None,
    replace: ReplaceOption = False,
    vector_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Column that holds the vectors.")
    ] = None,
    id_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Column that names each row or asset.")
    ] = None,
    text_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Column of texts, with --new.")
    ] = None,
    metadata_columns: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Columns to keep, with --new.")
    ] = None,
    collection: CollectionOption = "default",
) -> None:
    """Import vectors made elsewhere, as a space of their own.

    They are brought to length 1 and compared by cosine. Say either --match, for what is in the
    collection already, or --new.
    """
    if (match is None) == (not new):
        raise InvalidInput(
            "Say what the rows are for: --match path, id or sha256 gives their vectors to assets "
            "that are there, --new makes each row an asset of its own."
        )
    named = {"vector": vector_column, "id": id_column, "text": text_column}
    columns: dict[str, object] = {name: value for name, value in named.items() if value}
    if metadata_columns:
        columns["metadata"] = [name.strip() for name in metadata_columns.split(",")]
    with session.client("Starting", resume=True) as client:
        collection = collection if new else chosen(client, collection)
        before = _totals(client, collection)
        job = client.import_vectors(
            existing(file),
            space,
            collection,
            match=match,
            ids=existing(ids) if ids is not None else None,
            replace=replace,
            columns=columns,
        )
        after = follow(client, job["collection"], before, job)
        finished = client.job(job["id"], job["collection"])
    if session.as_json:
        emit({"job": finished, "totals": after})
        return
    _summarise(finished, after, space, collection, new=new)


def _totals(client: Client, collection: str) -> Totals | None:
    try:
        return client.totals(collection)
    except CollectionNotFound:  # it is made by the import
        return None


def _summarise(job: Job, totals: Totals, space: str, collection: str, *, new: bool) -> None:
    tally = job["tally"]
    told = f"Imported {number(tally['vectors'], 'vector')} into space {space} of {collection}."
    page().print(told, markup=False, soft_wrap=True)
    if tally["unmatched"]:
        line(
            "left out",
            f"{number(tally['unmatched'], 'row')} without an asset of their own",
            "yellow",
        )
    if tally["refused"]:
        line("left out", f"{number(tally['refused'], 'row')} that cannot be used", "yellow")
    for remark in job["remarks"][:_SHOWN]:
        line("", remark)
    if new:
        show_totals(totals)
        if totals["failed"]:
            say(f"Why they failed: semblance failures {collection}")
    say(f"Search in it: semblance search --like ID --space {space} -c {collection}", "dim")

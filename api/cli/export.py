"""`semblance export`: everything, or what a search finds, as a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.cli import hits
from api.cli.chosen import chosen
from api.cli.files import write
from api.cli.output import emit, say, size
from api.cli.search import WhereOption
from api.cli.session import CollectionOption, Session, command
from api.cli.where import parse_where
from indexer.spreadsheets import safe_cell

if TYPE_CHECKING:
    from api.answers import Hit

_EXAMPLES = (
    "semblance export --format csv --out archive.csv",
    "semblance export --where 'year<1950' | jq .path",
    "semblance export --query 'a red boat' --limit 50",
)
_COLUMNS = ("id", "score", "relevance", "kind", "path", "page", "row", "text", "metadata")


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, examples=_EXAMPLES)(export)


def export(
    session: Session,
    query: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only what this search finds, best first.")
    ] = None,
    limit: Annotated[
        int, typer.Option(metavar="N", min=1, max=1000, help="Hits of --query.")
    ] = 100,
    where: WhereOption = None,
    format: Annotated[
        Literal["csv", "jsonl"] | None,
        typer.Option("--format", help="By default what --out ends in, else jsonl."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="File to write, else stdout.")
    ] = None,
    collection: CollectionOption = "default",
) -> None:
    """Write assets with their metadata as CSV or JSON lines."""
    condition = parse_where(where or [])
    form = format or ("csv" if out is not None and out.suffix.lower() == ".csv" else "jsonl")
    with session.client("Exporting") as client:
        collection = chosen(client, collection)
        if query is None:
            pieces = client.export(collection, format=form, where=condition)
        else:
            found = client.search(query, collection=collection, where=condition, limit=limit)
            pieces = hit_rows(found["hits"], form)
        written = write(pieces, out)
    if out is not None and session.as_json:
        emit({"out": str(out), "bytes": written})
    elif out is not None:
        say(f"Wrote {out} ({size(written)}).")


def hit_rows(found: Sequence[Hit], form: str) -> Iterator[bytes]:
    """Hits as the rows of a file; metadata stays one JSON column."""
    if form == "csv":
        yield _csv_line(_COLUMNS)
    for hit in found:
        row = _row(hit)
        if form == "csv":
            metadata = json.dumps(hit["metadata"], ensure_ascii=False)
            yield _csv_line([*list(row.values())[:-1], metadata])
        else:
            yield json.dumps(row, ensure_ascii=False).encode() + b"\n"


def _row(hit: Hit) -> Mapping[str, object]:
    source = hit["source"]
    return {
        "id": hit["id"],
        "score": round(hit["score"], 6),
        "relevance": None if hit["relevance"] is None else round(hit["relevance"], 4),
        "kind": hit["kind"],
        "path": source["path"] if source else hits.place(None),
        "page": source["page"] if source else None,
        "row": source["row"] if source else None,
        "text": hit["text"],
        "metadata": hit["metadata"],
    }


def _csv_line(cells: Sequence[object]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow([safe_cell(cell) for cell in cells])
    return buffer.getvalue().encode()

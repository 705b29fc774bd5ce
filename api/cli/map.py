"""`semblance map`: draws a collection so that similar assets lie together."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

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
from api.cli.files import write
from api.cli.output import clean, emit, rows, say
from api.cli.session import CollectionOption, Session, command
from indexer.errors import InvalidInput

if TYPE_CHECKING:
    from api.analysis_answers import Analysis, Rows
    from api.client import Client

_EXAMPLES = (
    "semblance map --png map.png",
    "semblance map --by pca --png axes.png --colour label",
    "semblance map --out map.parquet",
)
_FORMATS: dict[str, Literal["parquet", "csv", "jsonl", "arrow"]] = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".arrow": "arrow",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "map", examples=_EXAMPLES)(draw)


def draw(
    session: Session,
    by: Annotated[
        Literal["umap", "pca", "lda", "tsne"],
        typer.Option(
            help="umap: neighbours together; pca: axes of largest variance; lda: axes that tell "
            "the classes of --colour apart; tsne: as umap, up to 20,000 assets."
        ),
    ] = "umap",
    png: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw it as a picture into FILE.")
    ] = None,
    side: Annotated[
        int, typer.Option("--size", metavar="PIXELS", min=200, max=8000, help="Side of --png.")
    ] = 1600,
    colour: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD",
            help="Metadata field to colour and name by, or ID:TABLE.COLUMN of an analysis; by "
            "default the latest clusters.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Write all rows as .csv, .parquet, .jsonl, .arrow."
        ),
    ] = None,
    neighbours: Annotated[
        int | None,
        typer.Option(metavar="N", min=2, max=200, help="umap: few show detail, many the whole."),
    ] = None,
    redraw: Annotated[
        bool, typer.Option("--redraw", help="Draw anew; else new assets go into the last map.")
    ] = False,
    limit: LimitOption = 10,
    collection: CollectionOption = "default",
    space: SpaceOption = None,
    kind: KindOption = None,
    where: WhereOption = None,
    within: WithinOption = None,
) -> None:
    """Draw a map: similar assets lie together. As a picture, as a table, and for the page."""
    form = None if out is None else table_format(out)
    label = colour if by == "lda" else None
    parameters = {
        "by": by,
        "neighbours": neighbours,
        "label": label,
        "redraw": redraw or None,
    }
    with session.client("Starting") as client:
        scope = Scope(space, kind, where, within)
        told = analyse(client, "map", collection, scope, parameters)
        if png is not None:
            write([_png(client, told, colour, side)], png)
        if out is not None and form is not None:
            write(client.export_table(told["id"], "map", told["collection"], format=form), out)
        shown = client.table_page(told["id"], "map", told["collection"], limit=limit)
    _tell(session, told, shown, [file for file in (png, out) if file is not None])


def _tell(session: Session, told: Analysis, shown: Rows, written: Sequence[Path]) -> None:
    if session.as_json:
        files = [str(file) for file in written]
        emit({"analysis": told, "rows": shown["rows"], "files": files})
        return
    say(heading(told, "Drew"))
    for line in remarks(told["summary"]):
        say(line)
    rows(
        ("x", "y", "asset"),
        [
            (f"{row['x']:.3f}", f"{row['y']:.3f}", place(shown["assets"].get(row["id"])))
            for row in shown["rows"]
        ],
        right=(0, 1),
    )
    for file in written:
        say(f"Wrote {file}.")
    if not written:
        say("`--png map.png` draws it, `--out map.csv` writes all rows.", "dim")


def remarks(summary: dict[str, Any]) -> list[str]:
    """What is to be known of a map before it is looked at."""
    lines = [summary["note"]] if summary.get("note") else []
    if summary.get("explained"):
        shares = ", ".join(f"{share:.1%}" for share in summary["explained"][:2])
        what = "variance" if summary["by"] == "pca" else "difference between classes"
        lines.append(f"The two axes show {shares} of the {what}.")
    trust = summary.get("trustworthiness")
    if trust is not None:
        lines.append(
            f"Trustworthiness {trust:.3f}: 1 where all that lie together are truly alike, about "
            "0.5 where they are any."
        )
    if summary["drawn"] == "kept":
        lines.append(
            f"The last map is kept; {summary['placed']:,} assets were placed into it since it was "
            "drawn. --redraw draws it anew."
        )
    return lines


def _png(client: Client, told: Analysis, colour: str | None, side: int) -> bytes:
    """The map as a PNG, coloured and named by a field, or by clusters if there are any."""
    import numpy as np
    import pyarrow as pa

    from indexer.analysis.maps.picture import Name, picture
    from indexer.analysis.maps.points import name_places

    groups = colour or _latest_clusters(client, told)
    by_analysis = groups is not None and ":" in groups
    fields = [groups] if groups is not None and not by_analysis else []
    colours = [groups] if groups is not None and by_analysis else []
    content = client.map_points(told["id"], told["collection"], colours=colours, fields=fields)
    points = pa.ipc.open_stream(content).read_all()
    positions = np.stack([points["x"].to_numpy(), points["y"].to_numpy()], axis=1)
    codes = np.zeros(len(positions), np.int64)
    names: list[Name] = []
    if groups is not None:
        column = points.column_names[-1]
        if points[column].null_count == len(points):
            raise InvalidInput(
                f"None of these assets has anything in {groups!r} to colour the map by; choose a "
                "metadata field that they have, or a column of an analysis as ID:TABLE.COLUMN.",
                colour=groups,
            )
        places = name_places(points, column).to_pylist()
        numbers = {place["group"]: number for number, place in enumerate(places)}
        codes = np.array([numbers.get(group, -1) for group in points[column].to_pylist()])
        called = _names(client, told, groups) if by_analysis else {}
        names = [
            Name(clean(called.get(str(one["group"]), str(one["group"]))), one["x"], one["y"])
            for one in places
        ]
    file = io.BytesIO()
    picture(positions, codes, names, side).save(file, "PNG", optimize=True)
    return file.getvalue()


def _names(client: Client, told: Analysis, colour: str) -> dict[str, str]:
    found = client.map_names(told["id"], colour, told["collection"])
    return {one["group"]: one["name"] for one in found}


def _latest_clusters(client: Client, told: Analysis) -> str | None:
    """The last clusters of the same assets in the same space, if there are any."""
    for one in client.analyses(told["collection"], name="clusters"):
        alike = one["space"] == told["space"] and one["fingerprint"] == told["fingerprint"]
        same = alike and told["kind"] in (None, one["kind"])
        if one["state"] == "done" and same and any(t["name"] == "members" for t in one["tables"]):
            return f"{one['id']}:members.cluster"
    return None


def table_format(out: Path) -> Literal["parquet", "csv", "jsonl", "arrow"]:
    """What the ending of the file says. Raises `InvalidInput` for one that is not known."""
    if out.suffix.lower() not in _FORMATS:
        raise InvalidInput(
            f"{out} does not say how to write it; name a file that ends in "
            f"{', '.join(_FORMATS)}. A picture is drawn by --png.",
            path=str(out),
        )
    return _FORMATS[out.suffix.lower()]

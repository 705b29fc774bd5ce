"""`semblance search`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.cli import hits
from api.cli.chosen import chosen
from api.cli.output import emit, say
from api.cli.session import CollectionOption, Session, command
from api.cli.vector_files import read_vector
from api.cli.where import parse_where

if TYPE_CHECKING:
    from api.answers import Answer, Hit

WhereOption = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        "-w",
        metavar="COND",
        help="Only what fulfils COND: 'year>=1900', 'label=cat|dog', 'title~barn', 'caption?'; "
        "several must all hold.",
    ),
]
QueryArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[QUERY]", help="What to look for, in words.")
]
ImageOption = Annotated[
    list[Path] | None,
    typer.Option("--image", "-i", metavar="FILE", help="Look for what is like this picture."),
]
LikeOption = Annotated[
    list[str] | None, typer.Option(metavar="ID", help="Look for what is like this asset.")
]
VectorOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Look for what is near this vector: .npy, or a JSON list."),
]
NotOption = Annotated[
    list[str] | None, typer.Option("--not", metavar="TEXT", help="But unlike this text.")
]
NotImageOption = Annotated[
    list[Path] | None,
    typer.Option("--not-image", metavar="FILE", help="But unlike this picture."),
]
KindOption = Annotated[
    Literal["image", "text"] | None, typer.Option(help="Only images, or only texts.")
]
LimitOption = Annotated[
    int, typer.Option("--limit", "-n", metavar="N", min=1, help="Hits to show.")
]
OffsetOption = Annotated[int, typer.Option(metavar="N", min=0, help="Hits to pass over.")]
MinScoreOption = Annotated[
    float | None, typer.Option(metavar="COSINE", help="Least score, from -1 to 1.")
]
MinRelevanceOption = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        min=0,
        max=1,
        help="Least relevance; 0.5 shows clear matches only.",
    ),
]
NoHybridOption = Annotated[
    bool, typer.Option("--no-hybrid", help="By meaning alone, without matching words.")
]
SpaceOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Space to compare in; bm25 is by words alone."),
]
OpenOption = Annotated[bool, typer.Option("--open", help="Also open the best hit's file.")]

_EXAMPLES = (
    "semblance search a red boat",
    "semblance search --image photo.jpg --kind image",
    "semblance search a green parrot --min-relevance 0.5",
    "semblance search harbour --not fog --where 'year>=1900'",
    "semblance search invoice --json | jq -r '.hits[].source.path'",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, examples=_EXAMPLES)(search)


def search(
    session: Session,
    query: QueryArgument = None,
    image: ImageOption = None,
    like: LikeOption = None,
    vector: VectorOption = None,
    unlike: NotOption = None,
    unlike_image: NotImageOption = None,
    kind: KindOption = None,
    where: WhereOption = None,
    limit: LimitOption = 20,
    offset: OffsetOption = 0,
    min_relevance: MinRelevanceOption = None,
    min_score: MinScoreOption = None,
    group: Annotated[bool, typer.Option("--group", help="One hit a document.")] = False,
    least: Annotated[bool, typer.Option("--least", help="The least similar first.")] = False,
    no_hybrid: NoHybridOption = False,
    space: SpaceOption = None,
    open_best: OpenOption = False,
    collection: CollectionOption = "default",
) -> None:
    """Find images and texts by what they mean.

    Words, pictures and assets given together are added up; --not pushes away.
    """
    condition = parse_where(where or [])  # before a server is started for nothing
    numbers = read_vector(vector) if vector is not None else None
    with session.client("Searching") as client:
        collection = chosen(client, collection)
        answer = client.search(
            " ".join(query) if query else None,
            image=image or [],
            like=like or [],
            vector=numbers,
            unlike=unlike or [],
            unlike_image=unlike_image or [],
            collection=collection,
            where=condition,
            kind=kind,
            limit=limit,
            offset=offset,
            min_score=min_score,
            min_relevance=min_relevance,
            group=group or None,
            least=least or None,
            hybrid=False if no_hybrid else None,
            space=space,
        )
    if session.as_json:
        emit(answer)
    else:
        hits.show(answer, first=offset + 1)
        _remark(answer, collection, offset, least, min_relevance)
        hits.footer(answer, limit=limit, offset=offset)
        hits.note_filling(answer)
    if open_best and answer["hits"]:
        _open(answer["hits"][0])


def _remark(
    answer: Answer, collection: str, offset: int, least: bool, min_relevance: float | None
) -> None:
    if not answer["hits"] and not min_relevance:
        say("Nothing was found. `semblance status` shows what there is to find.")
    elif not offset and not least:  # what comes later, or from the far end, need not match
        hits.honest(answer, collection, min_relevance=min_relevance)


def _open(hit: Hit) -> None:
    from indexer.errors import InvalidInput

    uri = hits.file_uri(hit)
    if uri is None:
        raise InvalidInput(
            f"{hits.place(hit['source'])} is no file of its own, so it cannot be opened here; "
            "`semblance serve --open` shows it.",
            id=hit["id"],
        )
    typer.launch(uri)

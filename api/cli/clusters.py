"""`semblance clusters`: groups of assets that belong together, found, named and edited."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.cli.analysing import (
    IdArgument,
    KindOption,
    LimitOption,
    Scope,
    SpaceOption,
    WhereOption,
    WithinOption,
    analyse,
    short,
)
from api.cli.chosen import chosen
from api.cli.cluster_list import tell
from api.cli.cluster_tree import lines
from api.cli.finding import FIND, FindsByDefault
from api.cli.output import clean, emit, number, page, say
from api.cli.session import CollectionOption, Session, command

if TYPE_CHECKING:
    from api.analysis_answers import Analysis

NumberArgument = Annotated[int, typer.Argument(metavar="N", help="The cluster's number.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        cls=FindsByDefault,
        help="Find groups, name and change them; without a command: find.",
        rich_markup_mode=None,
    )
    examples = (
        "semblance clusters",
        "semblance clusters --by density",
        "semblance clusters -k 12 --vocabulary aat.csv",
        "semblance clusters --within 3f2a9c1d:4",
    )
    command(group, FIND, examples=examples)(find)
    command(group, "show", examples=("semblance clusters show 3f2a9c1d",))(show)
    command(group, "tree", examples=("semblance clusters tree 3f2a9c1d --groups 5",))(tree)
    command(group, "rename", examples=("semblance clusters rename 3f2a9c1d 4 Boats",))(rename)
    command(group, "merge", examples=("semblance clusters merge 3f2a9c1d 4 7",))(merge)
    command(group, "assign", examples=("semblance clusters assign 3f2a9c1d",))(assign)
    command(group, "label", examples=("semblance clusters label 3f2a9c1d motif",))(label)
    app.add_typer(group, name="clusters")


def find(
    session: Session,
    by: Annotated[
        Literal["kmeans", "density"],
        typer.Option(help="kmeans takes in everything; density leaves out what stands alone."),
    ] = "kmeans",
    k: Annotated[
        int | None, typer.Option("-k", metavar="N", min=1, help="How many; else it is chosen.")
    ] = None,
    smallest: Annotated[
        int | None,
        typer.Option(metavar="N", min=2, help="The fewest assets density calls a cluster."),
    ] = None,
    vocabulary: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Terms to name clusters by: text, CSV or TSV."),
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", min=0, help="For chance.")] = None,
    collection: CollectionOption = "default",
    space: SpaceOption = None,
    kind: KindOption = None,
    where: WhereOption = None,
    within: WithinOption = None,
    limit: LimitOption = 50,
) -> None:
    """Find groups of assets that belong together, and name them."""
    parameters = {
        "by": by,
        "k": k,
        "smallest": smallest,
        "vocabulary": None if vocabulary is None else str(vocabulary.expanduser().absolute()),
        "seed": seed,
    }
    with session.client("Starting") as client:
        told = analyse(
            client, "clusters", collection, Scope(space, kind, where, within), parameters
        )
        tell(session, client, told, limit)


def show(
    session: Session,
    id: IdArgument,
    collection: CollectionOption = "default",
    limit: LimitOption = 50,
) -> None:
    """Show the clusters of an analysis, largest first."""
    with session.client("Looking") as client:
        tell(session, client, client.analysis(id, chosen(client, collection)), limit)


def tree(
    session: Session,
    id: IdArgument,
    groups: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Show N groups of like clusters.")
    ] = None,
    collection: CollectionOption = "default",
) -> None:
    """Show which clusters are like which: a tree, or cut into groups."""
    with session.client("Looking") as client:
        collection = chosen(client, collection)
        nodes = list(client.table_rows(id, "hierarchy", collection))
    if session.as_json:
        emit(nodes)
        return
    for line in lines(nodes, groups):
        page().print(clean(line), markup=False, soft_wrap=True)


def rename(
    session: Session,
    id: IdArgument,
    cluster: NumberArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    collection: CollectionOption = "default",
) -> None:
    """Call a cluster something else; the name outlives the next run."""
    with session.client("Looking") as client:
        told = client.rename_cluster(id, cluster, name, chosen(client, collection))
    _changed(session, told, f"Cluster {cluster} is called {name} now.")


def merge(
    session: Session,
    id: IdArgument,
    clusters: Annotated[list[int], typer.Argument(metavar="N...", help="Two numbers or more.")],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="By default the largest one's.")
    ] = None,
    collection: CollectionOption = "default",
) -> None:
    """Make clusters one, which keeps the number of the first."""
    with session.client("Looking") as client:
        told = client.merge_clusters(id, clusters, chosen(client, collection), name=name)
    _changed(session, told, f"{number(len(clusters), 'cluster')} are cluster {clusters[0]} now.")


def assign(session: Session, id: IdArgument, collection: CollectionOption = "default") -> None:
    """Put assets that were added since into the clusters there are."""
    with session.client("Looking") as client:
        told = client.assign_to_clusters(id, chosen(client, collection))
    noise = number(int(told["summary"]["noise"]), "asset")
    _changed(session, told, f"The clusters are up to date; {noise} in none of them.")


def label(
    session: Session,
    id: IdArgument,
    field: Annotated[str, typer.Argument(metavar="FIELD", help="Metadata field.")] = "cluster",
    only: Annotated[
        list[int] | None, typer.Option(metavar="N", help="Only this cluster; may be repeated.")
    ] = None,
    collection: CollectionOption = "default",
) -> None:
    """Save the names of clusters as metadata of their members; nothing is overwritten."""
    with session.client("Looking") as client:
        collection = chosen(client, collection)
        count = client.label_by_clusters(id, field, collection, clusters=only)
    if session.as_json:
        emit({"labelled": count, "field": field})
        return
    page().print(f"{number(count, 'asset')} labelled.", markup=False, soft_wrap=True)
    say(
        f"Search within one: semblance search … --where '{field}=NAME' -c {collection}    "
        f"Undo: semblance labels drop {id} {field} -c {collection}",
        "dim",
    )


def _changed(session: Session, told: Analysis, sentence: str) -> None:
    if session.as_json:
        emit(told)
        return
    page().print(clean(sentence), markup=False, soft_wrap=True)
    say(f"See them: semblance clusters show {short(told)} -c {told['collection']}", "dim")

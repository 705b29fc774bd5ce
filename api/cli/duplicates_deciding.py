"""What people say of pairs of duplicates: the open ones, decisions, and what each is called."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from api.cli.analysing import LimitOption, place
from api.cli.chosen import chosen
from api.cli.output import emit, number, page, rows, say
from api.cli.session import CollectionOption, Session, command

_DECISIONS = Literal["duplicate", "not_duplicate", "keep_both"]

_WORDS = {
    "same_pixels": "same pixels in another file",
    "reencoded": "re-encoded",
    "recoloured": "other colours or tones",
    "overlaid": "written over",
    "same_text": "same text",
    "same_scene": "same scene",
}


def register(group: typer.Typer) -> None:
    """Add the commands to those of `duplicates`."""
    command(group, "open", examples=("semblance duplicates open 3f2a9c1d",))(open_pairs)
    command(
        group,
        "decide",
        examples=("semblance duplicates decide duplicate ID OTHER --keep ID",),
    )(decide)
    command(group, "decisions", examples=("semblance duplicates decisions",))(decisions)
    command(group, "reopen", examples=("semblance duplicates reopen PAIR",))(reopen)


def open_pairs(
    session: Session,
    id: Annotated[str, typer.Argument(metavar="ANALYSIS", help="A run of `duplicates`.")],
    soft: Annotated[
        bool, typer.Option("--soft", help="With the same scene, and re-worded texts.")
    ] = False,
    collection: CollectionOption = "default",
    limit: LimitOption = 50,
) -> None:
    """List pairs of a run that nobody has decided on, the surest first."""
    with session.client("Looking") as client:
        told = client.open_pairs(id, chosen(client, collection), limit=limit, soft=soft)
    if session.as_json:
        emit(told)
        return
    say(f"{number(told['total'], 'open pair')}, {told['decided']:,} decided.")
    for row in told["rows"]:
        page().print(
            f"{said(row['verdict'])}  {_evidence(row)}\n"
            f"  {row['id']}  {place(told['assets'].get(row['id']))}\n"
            f"  {row['other_id']}  {place(told['assets'].get(row['other_id']))}",
            markup=False,
            soft_wrap=True,
        )


def decide(
    session: Session,
    decision: Annotated[_DECISIONS, typer.Argument(metavar="DECISION", help="What they are.")],
    assets: Annotated[
        list[str], typer.Argument(metavar="ID...", help="Two assets, or the first with several.")
    ],
    keep: Annotated[str | None, typer.Option(help="Of two duplicates, the one to keep.")] = None,
    note: Annotated[str | None, typer.Option(help="Why, for those who come later.")] = None,
    collection: CollectionOption = "default",
) -> None:
    """Say what a pair is: duplicate, not_duplicate or keep_both.

    It holds for good, after a rescan and with other models, and the pair
    is not asked about again. Of several, each is paired with the first.
    """
    pairs = [[assets[0], other] for other in assets[1:] or assets[:1]]
    said = [{"assets": pair, "decision": decision, "keep": keep, "note": note} for pair in pairs]
    with session.client("Writing") as client:
        told = client.decide(said, chosen(client, collection))
    if session.as_json:
        emit(told)
        return
    say(f"Noted: {number(len(told), 'pair')}. `semblance duplicates plan` makes a plan of it.")


def decisions(
    session: Session,
    collection: CollectionOption = "default",
    only: Annotated[_DECISIONS | None, typer.Option(help="Only these.")] = None,
) -> None:
    """List what was decided."""
    with session.client("Looking") as client:
        told = [*client.decisions(chosen(client, collection), decision=only)]
    if session.as_json:
        emit(told)
        return
    rows(
        ("pair", "decision", "decided", "keep", "assets", "note"),
        [
            (
                one["pair"],
                one["decision"],
                one["decided_at"][:19].replace("T", " "),
                one["keep"] or "-",
                " ".join(one["assets"]),
                one["note"] or "",
            )
            for one in told
        ],
    )


def reopen(
    session: Session,
    pairs: Annotated[
        list[str], typer.Argument(metavar="PAIR...", help="As `duplicates decisions` lists them.")
    ],
    collection: CollectionOption = "default",
) -> None:
    """Forget decisions: their pairs are open again."""
    with session.client("Writing") as client:
        undone = client.undo_decisions(pairs, chosen(client, collection))
    if session.as_json:
        emit({"undone": undone})
        return
    say(f"{number(undone, 'decision')} forgotten.")


def said(verdict: str) -> str:
    """What a verdict is called."""
    return _WORDS.get(verdict, verdict)


def _evidence(row: dict[str, Any]) -> str:
    told = [f"cosine {row['cosine']:.3f}"]
    if row["hash_distance"] is not None:
        told.append(f"hash {row['hash_distance']}")
    if row["inliers"]:
        told.append(f"{row['inliers']} of {row['matches']} details agree")
    if row["correlation"] is not None:
        told.append(f"correlation {row['correlation']:.3f}")
    return ", ".join(told)

"""How counts are told: they always add up, and say why and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from api.cli.output import for_people, number, page

if TYPE_CHECKING:
    from api.answers import Tally, Totals

_LABEL = 10

_REASONS = {
    "asset_too_large": "over the limits on size",
    "cancelled": "cancelled; `semblance jobs retry` takes them up again",
    "disk_full": "the disk was full",
    "internal": "an error in Semblance itself",
    "invalid_input": "cannot be used as they are",
    "not_found": "gone when they were read",
    "undecodable_asset": "cannot be decoded",
    "unsupported_media": "of a type that is not read",
}


def line(label: str, text: str, style: str | None = None) -> None:
    """A label and what is to be said under it, wrapped below itself where it is long."""
    from rich.table import Table
    from rich.text import Text

    if not for_people():
        page().print(f"  {label:<{_LABEL}}{text}", markup=False, soft_wrap=True)
        return
    grid = Table.grid(padding=0)
    grid.add_column(width=_LABEL + 2)
    grid.add_column(overflow="fold")
    grid.add_row(Text(f"  {label}", "dim"), Text(text, style or ""))
    page().print(grid)


def show_totals(totals: Totals) -> None:
    """What became of everything that was found, with the reasons."""
    line(
        "found",
        f"{totals['found']:,} = {totals['indexed']:,} indexed + {totals['failed']:,} failed"
        f" + {totals['pending']:,} pending + {totals['skipped']:,} skipped",
    )
    if totals["kinds"]:
        kinds = ", ".join(number(n, kind) for kind, n in sorted(totals["kinds"].items()))
        line("kinds", f"{kinds}, from {number(totals['documents'], 'file')}")
    for status, style in (("failed", "yellow"), ("skipped", None)):
        line_of_reasons(status, totals["reasons"].get(status, {}), style)


def line_of_reasons(status: str, reasons: Mapping[str, int], style: str | None) -> None:
    """One line for each reason, the most frequent first."""
    for code, count in sorted(reasons.items(), key=lambda each: -each[1]):
        why = _REASONS.get(code, code.replace("_", " "))
        line(status, f"{count:,} {why}", style)
        status = ""


def tally_text(tally: Tally) -> str:
    """What a job met, without what it met none of."""
    said = [number(tally["documents"], "file") + " looked at"]
    words = {
        "unchanged": "unchanged",
        "known": "already known",
        "moved": "moved",
        "missing": "gone from disk",
        "pruned": "removed",
    }
    counts: Mapping[str, object] = tally
    said += [f"{counts[key]:,} {word}" for key, word in words.items() if counts[key]]
    return ", ".join(said)

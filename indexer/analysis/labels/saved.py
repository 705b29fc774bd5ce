"""Saves labels as metadata for an analysis, which remembers what it wrote: its table `saved`.

saved    id, field, label

The table is written before the metadata are, so that what was cut off in between can be taken out
or gone on with; it is put right afterwards, and never has a value that was there before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from indexer import collections
from indexer.analysis import artefacts, entries
from indexer.analysis.entry import Analysis
from indexer.analysis.labels.saving import (
    Written,
    cleaned,
    metadata_key,
    take_out,
    without_theirs,
    write_labels,
)
from indexer.analysis.method import Outcome
from indexer.analysis.running import amend
from indexer.analysis.subject import Access
from indexer.domain import AssetId
from indexer.errors import NotFound

if TYPE_CHECKING:
    import pyarrow as pa

TABLE: Final = "saved"


def save(access: Access, analysis: Analysis, labels: Mapping[AssetId, str], field: str) -> int:
    """Give assets their labels as metadata, so that filters find them; returns how many have them.

    Other metadata stay; the field is indexed. Assets that are gone are passed over. Saving the same
    again changes nothing; what this analysis saved itself is replaced. Raises `Conflict`, with
    nothing written, if an asset has another value in the field or the field holds other things than
    words; `InvalidInput` for a field that is no metadata field of the first level.
    """
    key, store = metadata_key(field), access.store
    collection = collections.get(store, analysis.collection)
    own = _written(access, analysis, key)
    wanted = cleaned(labels, key)
    missing = without_theirs(store, collection, wanted, key, own)
    if not missing:
        return len(wanted)
    _remember(access, analysis, key, own | missing.items())
    written = write_labels(store, collection, missing, key, own)
    replaced = {(id, label) for id, label in own if id in written}
    _remember(access, analysis, key, (own - replaced) | written.items())
    store.flush(analysis.collection)
    return len(wanted) - len(missing) + len(written)


def drop(access: Access, analysis: Analysis, field: str) -> int:
    """Undo `save`: take the field out wherever the analysis wrote it; returns of how many assets.

    A value that was there before, or that somebody has changed since, stays. Raises `NotFound` if
    the analysis has saved nothing in this field.
    """
    key, store = metadata_key(field), access.store
    own = _written(access, analysis, key)
    if not own:
        raise NotFound(
            f"Analysis {analysis.id} has saved no labels in {key!r}; there is nothing to take out.",
            analysis=analysis.id,
            field=key,
        )
    count = take_out(store, collections.get(store, analysis.collection), own, key)
    _remember(access, analysis, key, frozenset())
    store.flush(analysis.collection)
    return count


def _written(access: Access, analysis: Analysis, key: str) -> Written:
    return {(id, label) for id, field, label in _rows(access, analysis) if field == key}


def _rows(access: Access, analysis: Analysis) -> list[tuple[AssetId, str, str]]:
    if TABLE not in analysis.tables:
        return []
    table = artefacts.load(access.blobs, analysis, TABLE)
    columns = (table.column(name).to_pylist() for name in ("id", "field", "label"))
    return list(zip(*columns, strict=True))


def _remember(access: Access, analysis: Analysis, key: str, written: Written) -> None:
    """Put this in the place of what is remembered of the field."""
    now = entries.get(access.store, analysis.collection, analysis.id)  # as edits have made it
    rows = _rows(access, now)
    others = [row for row in rows if row[1] != key]
    wanted = others + sorted((id, key, label) for id, label in written)
    if rows != wanted:
        amend(access, now, Outcome(now.summary, {TABLE: _table(wanted)}))


def _table(rows: list[tuple[AssetId, str, str]]) -> pa.Table:
    import pyarrow as pa

    schema = pa.schema([("id", pa.string()), ("field", pa.string()), ("label", pa.string())])
    names = schema.names
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema)

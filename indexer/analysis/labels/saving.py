"""Writes labels that an analysis found into a metadata field, and takes them out again.

What people wrote is never lost: neither other fields nor another value in this one is overwritten,
and what is taken out is what was written here, not what somebody gave before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import replace

from indexer import collections
from indexer.batches import batches
from indexer.collections import Collection
from indexer.domain import Asset, AssetId, FieldType
from indexer.errors import Conflict, InvalidInput
from indexer.filter_json import payload_field
from indexer.filters import Exists
from indexer.ledger import PAGE, assets_where, scroll_all
from indexer.merging import Step, settle
from indexer.metadata import clean
from indexer.ports import VectorStore

Written = Set[tuple[AssetId, str]]
"""Assets, each with a label that was written into one field of it."""

Changed = Callable[[AssetId, dict[str, object]], dict[str, object]]
"""An asset's metadata as they are to be, from what they are."""


def metadata_key(field: str) -> str:
    """The key that labels saved in this field have. Raises `InvalidInput` unless it is a metadata
    field of the first level."""
    place, _, key = payload_field(field).partition(".")
    if place != "metadata" or "." in key:
        raise InvalidInput(
            f"Labels cannot be saved in {field!r}: name a metadata field, such as 'subject', that "
            "is none of the asset's own and lies in no other.",
            field=field,
        )
    return key


def cleaned(labels: Mapping[AssetId, str], key: str) -> dict[AssetId, str]:
    """The labels as metadata hold them; one that is empty then is left out."""
    values = {id: clean({key: label}).get(key) for id, label in labels.items()}
    return {id: str(value) for id, value in values.items() if value is not None}


def without_theirs(
    store: VectorStore,
    collection: Collection,
    labels: Mapping[AssetId, str],
    key: str,
    own: Written = frozenset(),
) -> dict[AssetId, str]:
    """Those of the labels that their assets do not have yet; the others are there already.

    Raises `Conflict` if an asset has another value, unless it is one of our `own`, or if the field
    holds other things than words.
    """
    known = collection.fields.get(key, FieldType.KEYWORD)
    if known is not FieldType.KEYWORD:
        raise Conflict(
            f"The field {key!r} of collection {collection.name!r} holds values of type "
            f"{known.value!r}; save labels into another field.",
            collection=collection.name,
            field=key,
        )
    missing, others = dict(labels), 0
    for id, value in _values(store, collection, key):
        if id not in labels:
            continue
        if value == labels[id]:
            del missing[id]
        else:
            others += not _is_own(id, value, own)
    if others:
        raise Conflict(
            f"{others:,} of these assets have another value in {key!r} already, and no value is "
            "overwritten; choose another field, or take out what was saved there before.",
            collection=collection.name,
            field=key,
        )
    return missing


def write_labels(
    store: VectorStore,
    collection: Collection,
    labels: Mapping[AssetId, str],
    key: str,
    own: Written = frozenset(),
) -> dict[AssetId, str]:
    """Write labels where the field is empty or holds our `own`, and index it for filters.

    Returns those that were written: not those of assets that are gone, or that others have given a
    value meanwhile. Other metadata stay.
    """

    def labelled(id: AssetId, before: dict[str, object]) -> dict[str, object]:
        free = key not in before or _is_own(id, before[key], own)
        return {**before, key: labels[id]} if free else before

    collections.remember_fields(store, collection, {key: FieldType.KEYWORD})
    return {id: labels[id] for id in _changed(store, collection, labels, labelled)}


def take_out(store: VectorStore, collection: Collection, own: Written, key: str) -> int:
    """Take the field out of assets where it still holds our `own`; returns of how many.

    A value that somebody has changed since stays.
    """

    def cleared(id: AssetId, before: dict[str, object]) -> dict[str, object]:
        ours = key in before and _is_own(id, before[key], own)
        return {name: value for name, value in before.items() if not (ours and name == key)}

    return sum(1 for _ in _changed(store, collection, {id for id, _ in own}, cleared))


def _is_own(id: AssetId, value: object, own: Written) -> bool:
    return isinstance(value, str) and (id, value) in own


def _values(
    store: VectorStore, collection: Collection, key: str
) -> Iterator[tuple[AssetId, object]]:
    having = assets_where(Exists(f"metadata.{key}"))
    for point in scroll_all(store, collection.name, having, fields=("metadata",)):
        metadata = point.payload.get("metadata")
        if isinstance(metadata, Mapping) and key in metadata:
            yield point.id, metadata[key]


def _changed(
    store: VectorStore, collection: Collection, ids: Iterable[AssetId], changed: Changed
) -> Iterator[AssetId]:
    """Change metadata of assets that are there, though others may be merging into them.

    Which were changed, by us.
    """

    def plan(assets: Mapping[AssetId, Asset | None]) -> dict[AssetId, Step]:
        return {
            id: Step(asset, replace(asset, metadata=changed(id, dict(asset.metadata))))
            for id, asset in assets.items()
            if asset is not None
        }

    for batch in batches(ids, PAGE):
        steps = settle(store, collection.name, batch, plan)
        yield from (id for id, step in steps.items() if not step.is_idle)

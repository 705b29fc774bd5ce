"""Writes labels that an analysis found into a metadata field, and takes them out again.

Nothing that is there is overwritten: neither other fields nor another value in this one. That is
why taking out needs no memory of what was before: it removes the very values that were saved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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

Changed = Callable[[dict[str, object], str], dict[str, object]]
"""Metadata as they are to be, from what they are and the label of the asset."""


def save_label(
    store: VectorStore, collection: Collection, labels: Mapping[AssetId, str], field: str
) -> int:
    """Give assets their labels as metadata, so that filters find them; returns how many have them.

    Other metadata stay; the field is indexed. Assets that are gone are passed over. Saving the same
    again changes nothing. Raises `Conflict`, with nothing written, if an asset has another value in
    the field or the field holds other things than words; `InvalidInput` for a field that is no
    metadata field of the first level.
    """
    key = _key(field)
    known = collection.fields.get(key, FieldType.KEYWORD)
    if known is not FieldType.KEYWORD:
        raise Conflict(
            f"The field {key!r} of collection {collection.name!r} holds values of type "
            f"{known.value!r}; save labels into another field.",
            collection=collection.name,
            field=key,
        )
    cleaned = {id: str(clean({key: label}).get(key, "")) for id, label in labels.items()}
    wanted = {id: label for id, label in cleaned.items() if label}
    _refuse_others(store, collection, wanted, key)
    collections.remember_fields(store, collection, {key: FieldType.KEYWORD})
    steps = _change(store, collection, wanted, lambda before, label: {key: label, **before})
    return sum(step.after.metadata[key] == wanted[step.after.id] for step in steps)


def drop_label(
    store: VectorStore, collection: Collection, labels: Mapping[AssetId, str], field: str
) -> int:
    """Undo `save_label`: take the field out wherever it holds this label; returns from how many.

    A value that somebody has changed since stays.
    """
    key = _key(field)

    def without(before: dict[str, object], label: str) -> dict[str, object]:
        same = key in before and before[key] == clean({key: label}).get(key)
        return {name: value for name, value in before.items() if not (same and name == key)}

    steps = _change(store, collection, labels, without)
    return sum(not step.is_idle for step in steps)


def _key(field: str) -> str:
    place, _, key = payload_field(field).partition(".")
    if place != "metadata" or "." in key:
        raise InvalidInput(
            f"Labels cannot be saved in {field!r}: name a metadata field, such as 'subject', that "
            "is none of the asset's own and lies in no other.",
            field=field,
        )
    return key


def _refuse_others(
    store: VectorStore, collection: Collection, labels: Mapping[AssetId, str], key: str
) -> None:
    having = assets_where(Exists(f"metadata.{key}"))
    other = 0
    for point in scroll_all(store, collection.name, having, fields=("metadata",)):
        metadata = point.payload.get("metadata")
        value = metadata.get(key) if isinstance(metadata, Mapping) else None
        other += labels.get(point.id, value) != value
    if other:
        raise Conflict(
            f"{other:,} of these assets have another value in {key!r} already, and no value is "
            "overwritten; choose another field, or take out what was saved there before.",
            collection=collection.name,
            field=key,
        )


def _change(
    store: VectorStore, collection: Collection, labels: Mapping[AssetId, str], changed: Changed
) -> Iterator[Step]:
    """Change metadata of assets that are there, though others may be merging into them."""

    def plan(assets: Mapping[AssetId, Asset | None]) -> dict[AssetId, Step]:
        there = {id: asset for id, asset in assets.items() if asset is not None}
        return {
            id: Step(asset, replace(asset, metadata=changed(dict(asset.metadata), labels[id])))
            for id, asset in there.items()
        }

    for batch in batches(labels, PAGE):
        yield from settle(store, collection.name, batch, plan).values()

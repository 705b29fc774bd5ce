"""What becomes of an asset, noted in the ledger: indexed, failed, skipped, or with a gap.

An asset that is indexed already stays so, whatever a further Space makes of it: there it has a
gap, with the reason, and everywhere else it is found as before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from indexer.collections import Collection
from indexer.domain import Asset, AssetId, Payload, Status
from indexer.ledger import gaps_payload, now, reason_of, reason_payload, status_is
from indexer.ports import VectorStore

NO_MODEL = "no_model"
"""The reason's code of assets that are set aside for want of a model."""

Failures = Mapping[str, Exception]
"""What went wrong, by Space."""


def mark_indexed(store: VectorStore, collection: str, ids: Iterable[AssetId]) -> None:
    """Note that pending assets have all their vectors."""
    mark: Payload = {
        "status": Status.INDEXED.value,
        "indexed_at": now(),
        "reason": None,
        "lost": None,
    }
    marks = dict.fromkeys(ids, mark)
    if marks:
        store.set_payload(collection, marks)


def mark_failed(
    store: VectorStore, collection: str, failures: Iterable[tuple[Asset, Failures]]
) -> None:
    """Note why assets could not be embedded: a pending one failed, an indexed one has gaps."""
    failed = [(asset, errors) for asset, errors in failures if errors]
    pending = {a.id: _failure(a, errors) for a, errors in failed if a.status is Status.PENDING}
    gaps = {a.id: _failure(a, errors) for a, errors in failed if a.status is not Status.PENDING}
    # Not what somebody else has finished in the meantime.
    store.set_payload(collection, pending, only=status_is(Status.PENDING, Status.SKIPPED))
    store.set_payload(collection, gaps)


def skip(store: VectorStore, collection: Collection, assets: Sequence[Asset]) -> None:
    """Set aside assets of a Kind that no model of the Collection takes."""
    reason = {
        "code": NO_MODEL,
        "message": f"No model of collection {collection.name!r} takes this kind of asset; "
        "`semblance spaces add MODEL` gives it one.",
    }
    if assets:
        mark: Payload = {"status": Status.SKIPPED.value, "reason": reason}
        store.set_payload(collection.name, {asset.id: mark for asset in assets})


def _failure(asset: Asset, errors: Failures) -> Payload:
    if asset.status is Status.PENDING:
        (error, *_) = errors.values()
        reason = reason_payload(reason_of(error))
        return {"status": Status.FAILED.value, "failed_at": now(), "reason": reason}
    gaps = {space: reason_of(error) for space, error in errors.items()}
    return gaps_payload({**asset.gaps, **gaps})

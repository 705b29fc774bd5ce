"""Which of several duplicates is the one to keep, and why, in words."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from indexer.domain import Asset

_LOSSLESS = {"image/tiff": 3, "image/png": 2, "image/jp2": 2, "image/bmp": 2}
_POOR = {"image/gif": -1, "image/x-icon": -1}


def rank(asset: Asset, *, is_derived: bool) -> tuple[object, ...]:
    """Sorts what is to be kept first: the original, the larger, the better kept, the better known.

    Ties go to what was added first, then to the smaller id, so that the answer is always the same.
    """
    return (
        is_derived,
        -_extent(asset),
        -_format(asset),
        -len(asset.metadata),
        -asset.bytes,
        asset.added_at,
        asset.id,
    )


def reason(keeper: Asset, others: Sequence[Asset], derived: Collection[str]) -> str:
    """Why the keeper is suggested: all that it has over every one of the others."""
    said = []
    if others and all(other.id in derived for other in others):
        said.append("the others were made of it or are smaller copies")
    best = max((_extent(other) for other in others), default=0)
    if _extent(keeper) > best:
        said.append(f"largest: {_size(keeper)}")
    if all(_format(keeper) > _format(other) for other in others):
        said.append(f"better format: {keeper.media_type}")
    if all(len(keeper.metadata) > len(other.metadata) for other in others):
        said.append(f"most metadata: {len(keeper.metadata)} fields")
    if not said and all(keeper.bytes > other.bytes for other in others):
        said.append(f"least compressed: {keeper.bytes} bytes")
    return "; ".join(said) or "as good as the others, and added first"


def _extent(asset: Asset) -> int:
    if asset.width is not None and asset.height is not None:
        return asset.width * asset.height
    return len(asset.text or "")


def _format(asset: Asset) -> int:
    return _LOSSLESS.get(asset.media_type, _POOR.get(asset.media_type, 0))


def _size(asset: Asset) -> str:
    if asset.width is None or asset.height is None:
        return f"{_extent(asset)} characters"
    return f"{asset.width} × {asset.height} pixels"

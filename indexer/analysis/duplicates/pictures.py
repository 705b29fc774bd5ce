"""Pictures of a Subject, decoded small, in parallel, a bounded number of them at a time."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import numpy as np

from indexer import images
from indexer.analysis.duplicates.views import SIDE, View, view_of
from indexer.analysis.gathering import payloads
from indexer.analysis.subject import Access
from indexer.domain import Asset, AssetId
from indexer.ledger import asset_from
from indexer.originals import open_original
from indexer.pipeline import overlapped

FIELDS = (
    "kind", "status", "sha256", "media_type", "bytes", "blob", "width", "height", "page",
    "sources", "metadata", "added_at",
)  # fmt: skip
"""What has to be known of a picture to open it, and to choose between two."""

_AHEAD = 32
_KEPT = 1024


@contextmanager
def decoding() -> Iterator[ThreadPoolExecutor]:
    """Threads that decode and compare: libraries of pictures let others run meanwhile."""
    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="compare") as pool:
        yield pool


def assets(access: Access, collection: str, ids: Sequence[AssetId]) -> dict[AssetId, Asset]:
    """What the ledger knows of these; those deleted meanwhile are not in it."""
    known = payloads(access.store, collection, ids, FIELDS)
    return {
        id: asset_from(id, payload)
        for id, payload in zip(ids, known, strict=True)
        if payload.get("kind") is not None
    }


def open_view(access: Access, asset: Asset) -> View:
    """A picture's view. Raises as `open_original` and `images.decode` do."""
    with open_original(access.blobs, asset) as file:
        image = images.decode(file, page=asset.page, min_side=SIDE // 2, limits=access.limits)
    known = asset.width is not None and asset.height is not None
    return view_of(image, (asset.width or 0, asset.height or 0) if known else None)


def views(
    access: Access, found: Iterable[Asset], pool: ThreadPoolExecutor
) -> Iterator[tuple[Asset, View | Exception]]:
    """Each picture's view, or why it cannot be had, in order; a few are decoded ahead."""
    return overlapped(pool, partial(open_view, access), found, ahead=_AHEAD)


def same_pixels(access: Access, first: Asset, second: Asset) -> bool:
    """Whether two pictures are equal pixel by pixel, whatever their files are made of."""
    if (first.width, first.height) != (second.width, second.height):
        return False
    pixels = []
    for asset in (first, second):
        with open_original(access.blobs, asset) as file:
            image = images.decode(file, page=asset.page, limits=access.limits)
        pixels.append(np.asarray(image))
    return np.array_equal(pixels[0], pixels[1])


class Views:
    """The views of pictures last looked at; others are decoded when they are asked for."""

    def __init__(self, access: Access, collection: str, pool: ThreadPoolExecutor) -> None:
        self._access = access
        self._collection = collection
        self._pool = pool
        self._kept: OrderedDict[AssetId, View | Exception] = OrderedDict()
        self.problems: dict[AssetId, Exception] = {}

    def of(self, ids: Sequence[AssetId]) -> dict[AssetId, View]:
        """The views of these; without those that cannot be opened, which are in `problems`."""
        wanted = list(dict.fromkeys(ids))
        for id in wanted:
            if id in self._kept:
                self._kept.move_to_end(id)
        missing = [id for id in wanted if id not in self._kept]
        known = assets(self._access, self._collection, missing)
        for asset, outcome in views(self._access, known.values(), self._pool):
            self._kept[asset.id] = outcome
            if isinstance(outcome, Exception):
                self.problems[asset.id] = outcome
        there = {id: self._kept.get(id) for id in wanted}
        while len(self._kept) > max(_KEPT, len(wanted)):
            self._kept.popitem(last=False)
        return {id: view for id, view in there.items() if isinstance(view, View)}

"""The client's calls about assets: listing, describing, forgetting, exporting them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, cast

from api.answers import Asset, FacetValue
from api.asking import Where, filter_params
from api.transport import Transport, segment

DEFAULT = "default"
"""The Collection that is meant when none is named."""


class AssetCalls:
    """What can be done with assets that are there."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def assets(
        self, collection: str = DEFAULT, *, where: Where = None, **options: object
    ) -> Iterator[Asset]:
        """All assets, fetched page by page. Options: kind, status."""
        params = {**options, **filter_params(where), "limit": 250}
        while True:
            page = self._json("GET", collection, "/assets", params=params)
            yield from page["assets"]
            if not page.get("after"):
                return
            params["after"] = page["after"]

    def asset(self, id: str, collection: str = DEFAULT) -> Asset:
        """One asset. Raises `AssetNotFound`."""
        return cast("Asset", self._json("GET", collection, f"/assets/{segment(id)}"))

    def describe(self, id: str, metadata: Mapping[str, object], collection: str = DEFAULT) -> Asset:
        """Merge metadata into an asset's own; None removes a key."""
        body = {"metadata": dict(metadata)}
        return cast("Asset", self._json("PATCH", collection, f"/assets/{segment(id)}", json=body))

    def delete(self, ids: Sequence[str], collection: str = DEFAULT) -> int:
        """Forget assets; files stay where they are. Returns how many there were."""
        answer = self._json("POST", collection, "/assets/delete", json={"ids": list(ids)})
        return int(answer["deleted"])

    def content(self, id: str, collection: str = DEFAULT) -> bytes:
        """The original bytes of an asset."""
        path = f"/v1/collections/{segment(collection)}/assets/{segment(id)}/content"
        return self._transport.send("GET", path).content

    def thumbnail(self, id: str, collection: str = DEFAULT, *, size: int = 256) -> bytes:
        """A small WebP of a picture; `size` is its longer side: 128, 256 or 512 pixels."""
        path = f"/v1/collections/{segment(collection)}/assets/{segment(id)}/thumbnail"
        return self._transport.send("GET", path, params={"size": size}).content

    def facets(
        self, field: str, collection: str = DEFAULT, *, where: Where = None, limit: int = 20
    ) -> list[FacetValue]:
        """The most frequent values of a field (`kind`, `label`), with their counts."""
        params = {"field": field, "limit": limit, **filter_params(where)}
        answer = self._json("GET", collection, "/facets", params=params)
        return cast("list[FacetValue]", answer["values"])

    def export(
        self,
        collection: str = DEFAULT,
        *,
        format: Literal["csv", "jsonl"] = "jsonl",
        where: Where = None,
    ) -> Iterator[bytes]:
        """All assets with their metadata as a file, in pieces."""
        path = f"/v1/collections/{segment(collection)}/export"
        return self._transport.stream(path, {"format": format, **filter_params(where)})

    def _json(self, method: str, collection: str, path: str, **options: Any) -> Any:
        whole = f"/v1/collections/{segment(collection)}{path}"
        return self._transport.json(method, whole, **options)

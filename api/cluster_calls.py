"""The client's calls about clusters: renamed, merged, brought up to date, saved as labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from api.analysis_answers import Analysis
from api.asset_calls import DEFAULT, AssetCalls
from api.transport import segment


class ClusterCalls(AssetCalls):
    """What can be changed in the clusters of an analysis. Ids may be shortened."""

    def rename_cluster(
        self, id: str, cluster: int, name: str, collection: str = DEFAULT
    ) -> Analysis:
        """Call a cluster something else; the name stays when the analysis is run again."""
        path = f"/analyses/{segment(id)}/clusters/{cluster}"
        return cast("Analysis", self._json("PATCH", collection, path, json={"name": name}))

    def merge_clusters(
        self,
        id: str,
        clusters: Sequence[int],
        collection: str = DEFAULT,
        *,
        name: str | None = None,
    ) -> Analysis:
        """Make clusters one, with the number of the first of them."""
        path = f"/analyses/{segment(id)}/clusters/merge"
        body = {"clusters": list(clusters), "name": name}
        return cast("Analysis", self._json("POST", collection, path, json=body))

    def assign_to_clusters(self, id: str, collection: str = DEFAULT) -> Analysis:
        """Put assets that were added since into the clusters there are."""
        path = f"/analyses/{segment(id)}/clusters/assign"
        return cast("Analysis", self._json("POST", collection, path))

    def label_by_clusters(
        self,
        id: str,
        field: str = "cluster",
        collection: str = DEFAULT,
        *,
        clusters: Sequence[int] | None = None,
    ) -> int:
        """Save the clusters' names as a metadata field of their members; returns how many."""
        path = f"/analyses/{segment(id)}/clusters/label"
        only = None if clusters is None else list(clusters)
        answer = self._json("POST", collection, path, json={"field": field, "clusters": only})
        return int(cast("dict[str, int]", answer)["labelled"])

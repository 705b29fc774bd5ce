"""The client's calls about labels that analyses found."""

from __future__ import annotations

from typing import cast

from api.asset_calls import DEFAULT, AssetCalls
from api.transport import segment


class LabelCalls(AssetCalls):
    """Labels saved as metadata. Ids may be shortened."""

    def save_labels(
        self, id: str, field: str, collection: str = DEFAULT, *, at_least: float = 0.0
    ) -> int:
        """Save the labels of an analysis in a metadata field; returns how many assets have them.

        `at_least` is the score below which a label is left out. Raises `Conflict` if an asset has
        another value there.
        """
        body = {"field": field, "at_least": at_least}
        answer = self._json("POST", collection, f"/analyses/{segment(id)}/labels", json=body)
        return cast("int", answer["assets"])

    def drop_labels(self, id: str, field: str, collection: str = DEFAULT) -> int:
        """Undo `save_labels` or `label_by_clusters`; returns from how many assets it was taken.

        Only what the analysis wrote is taken out. Raises `NotFound` if it wrote nothing there.
        """
        path = f"/analyses/{segment(id)}/labels"
        answer = self._json("DELETE", collection, path, params={"field": field})
        return cast("int", answer["assets"])

"""The client's calls about Spaces: several models, or vectors of one's own, in one Collection."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, cast

from api.answers import Job, SpaceFilled
from api.asset_calls import DEFAULT, AssetCalls
from api.transport import segment


class SpaceCalls(AssetCalls):
    """What can be done with the Spaces of a Collection."""

    def spaces(self, collection: str = DEFAULT) -> list[SpaceFilled]:
        """Every Space with its model and its counts."""
        return cast("list[SpaceFilled]", self._json("GET", collection, "/spaces"))

    def space(self, name: str, collection: str = DEFAULT) -> SpaceFilled:
        """One Space as of now. Raises `SpaceNotFound`."""
        return cast("SpaceFilled", self._json("GET", collection, f"/spaces/{segment(name)}"))

    def add_space(self, model: str, collection: str = DEFAULT) -> SpaceFilled:
        """Give a Collection another model, which is then filled; see `wait_for_space`."""
        answer = self._json("POST", collection, "/spaces", json={"model": model})
        return cast("SpaceFilled", answer)

    def wait_for_space(
        self,
        name: str,
        collection: str = DEFAULT,
        on_progress: Callable[[SpaceFilled], object] = lambda _: None,
        *,
        seconds_between: float = 0.5,
    ) -> SpaceFilled:
        """Return the Space when nothing waits for its vector; `on_progress` sees it on the way."""
        while True:
            space = self.space(name, collection)
            on_progress(space)
            if not space["waiting"]:
                return space
            time.sleep(seconds_between)

    def switch_space(
        self,
        name: str,
        collection: str = DEFAULT,
        *,
        kinds: Sequence[str] = (),
        force: bool = False,
    ) -> list[SpaceFilled]:
        """Let a Space answer from now on wherever it can, or for these Kinds; tells all Spaces.

        Raises `Conflict` while assets wait for their vectors there, unless it is forced.
        """
        body = {"kinds": list(kinds), "force": force}
        answer = self._json("POST", collection, f"/spaces/{segment(name)}/switch", json=body)
        return cast("list[SpaceFilled]", answer)

    def switch_back(self, collection: str = DEFAULT) -> list[SpaceFilled]:
        """Undo the last switch. Raises `Conflict` if there was none."""
        return cast("list[SpaceFilled]", self._json("POST", collection, "/spaces/switch-back"))

    def drop_space(self, name: str, collection: str = DEFAULT, *, force: bool = False) -> None:
        """Remove a Space with its vectors, for good.

        Raises `Conflict` for the last one; for one that was switched to, or that switching back
        would need, unless it is forced.
        """
        params = {"force": "true"} if force else {}
        self._json("DELETE", collection, f"/spaces/{segment(name)}", params=params)

    def import_vectors(
        self,
        path: str | Path,
        space: str,
        collection: str = DEFAULT,
        *,
        match: Literal["path", "id", "sha256"] | None = None,
        ids: str | Path | None = None,
        replace: bool = False,
        columns: Mapping[str, object] | None = None,
    ) -> Job:
        """Start to import a file of vectors (.npy, .parquet, .jsonl) as a Space; see `wait`.

        With `match` the vectors are given to assets that are there; without, each row becomes a
        text asset, and a Collection that is missing is made. `ids` names the rows of a `.npy`;
        `columns` of tables: vector, id, text, and a list for metadata.
        """
        body = {
            "path": str(Path(path).expanduser().absolute()),
            "match": match,
            "ids": None if ids is None else str(Path(ids).expanduser().absolute()),
            "replace": replace,
            "columns": dict(columns or {}),
        }
        answer = self._json("POST", collection, f"/spaces/{segment(space)}/import", json=body)
        return cast("Job", answer)

"""The client's calls about backups, in folders of the server's machine."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from api.answers import Backup, Restored
from api.asset_calls import DEFAULT
from api.space_calls import SpaceCalls


class BackupCalls(SpaceCalls):
    """Collections written to a folder, and made anew from it."""

    def back_up(self, folder: str | Path, collection: str = DEFAULT) -> Backup:
        """Back a Collection up, in place of an earlier backup there; returns when it is done."""
        return cast("Backup", self._with_folder(collection, "/backup", folder))

    def restore(self, folder: str | Path, collection: str = DEFAULT) -> Restored:
        """Make a Collection from its backup; says of how many assets the original is missing.

        Raises `CollectionExists`, `InvalidInput`.
        """
        return cast("Restored", self._with_folder(collection, "/restore", folder))

    def _with_folder(self, collection: str, path: str, folder: str | Path) -> object:
        body = {"folder": str(Path(folder).expanduser().absolute())}
        # it takes as long as it takes: much is written
        return self._json("POST", collection, path, json=body, timeout=None)

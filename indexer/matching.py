"""Which asset a row of imported vectors is for: by its path, its id or the hash of its content."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from indexer.batches import batches
from indexer.collections import Collection
from indexer.domain import Asset, AssetId, Kind, Status, asset_id, document_id
from indexer.errors import InvalidInput
from indexer.filters import AnyOf
from indexer.jobs import Job, Request
from indexer.ledger import PAGE, asset_from, assets_where, scroll_all
from indexer.ports import VectorStore
from indexer.readers.uris import file_uri
from indexer.readers.vector_rows import VectorFile, VectorRow
from indexer.recording import Recorded

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Match(StrEnum):
    """What a row names its asset by; a path may be the end of one, such as the file's name."""

    PATH = "path"
    ID = "id"
    SHA256 = "sha256"


MOST_REMARKS = 20

KEY_COLUMNS: Mapping[Match, Sequence[str]] = {
    Match.PATH: ("path", "file_path", "file", "filename", "file_name", "name", "id"),
    Match.ID: ("id", "asset", "asset_id"),
    Match.SHA256: ("sha256", "sha", "id"),
}
"""Columns that are taken for the key, in this order, unless one is named."""


@dataclass(frozen=True, slots=True)
class Matched:
    """A row and the asset it is for, or why there is none."""

    row: VectorRow
    asset: Asset | None
    why: str = ""


def key_column(file: VectorFile, match: Match, asked: str | None) -> str:
    """The column that names the assets. Raises `InvalidInput` listing those there are."""
    names = KEY_COLUMNS[match] if asked is None else (asked,)
    for name in names:
        if name in file.columns:
            return name
    listed = ", ".join(file.columns) or "none beside the vectors"
    raise InvalidInput(
        f"{file.path} has no column {' or '.join(map(repr, names[:2]))} to match assets by "
        f"{match.value}; its columns: {listed}.",
        path=str(file.path),
    )


@dataclass(slots=True)
class Noted:
    """What has become of the rows so far."""

    taken: int = 0
    unmatched: int = 0
    refused: int = 0
    remarks: tuple[str, ...] = ()

    def record(self, recorded: Recorded) -> None:
        """Count a row that became an asset; those that failed are told with the other failures."""
        self.refused += recorded.status is Status.FAILED
        self.taken += recorded.status is not Status.FAILED

    def remark(self, why: str) -> None:
        """Keep an example of a row that was left out."""
        if len(self.remarks) < MOST_REMARKS:
            self.remarks = (*self.remarks, why)

    def on(self, job: Job) -> Job:
        """The job with these counts."""
        counts = {"unmatched": self.unmatched, "refused": self.refused}
        tally = replace(job.tally, vectors=self.taken, **counts)
        return replace(job, tally=tally, remarks=self.remarks)


@dataclass(slots=True)
class Matcher:
    """Finds assets batch by batch; one asset is given to one row of a file only."""

    store: VectorStore
    collection: Collection
    file: VectorFile
    match: Match
    column: str
    _seen: set[AssetId] = field(default_factory=set)
    _ends: dict[str, list[tuple[str, AssetId]]] = field(default_factory=dict)

    def __call__(self, rows: Sequence[VectorRow]) -> Iterator[Matched]:
        """Each row with its asset, in order."""
        keys = {row.number: _key(row.values.get(self.column)) for row in rows}
        ids = self._ids(sorted({key for key in keys.values() if key}))
        wanted = sorted({id for found in ids.values() for id in found})
        points = self.store.get(self.collection.name, wanted) if wanted else []
        assets = {point.id: asset_from(point.id, point.payload) for point in points}
        for row in rows:
            key = keys[row.number]
            found = [assets[id] for id in ids.get(key, ()) if id in assets]
            why = self._problem(key, found)
            if why:
                yield Matched(row, None, f"Row {row.number} {why}.")
                continue
            self._seen.add(found[0].id)
            yield Matched(row, found[0])

    def _problem(self, key: str, found: Sequence[Asset]) -> str:
        if not key:
            return f"has nothing in column {self.column!r}"
        if not found:
            return f"({key}) matches no asset"
        if len(found) > 1:
            return f"({key}) matches {len(found)} assets; say more of the path, or match by id"
        if found[0].status is Status.FAILED:
            return f"({key}) is for an asset that failed"
        return f"({key}) is for the asset of an earlier row" if found[0].id in self._seen else ""

    def _ids(self, keys: Sequence[str]) -> dict[str, set[AssetId]]:
        if self.match is Match.ID:
            return {key: {key.lower()} for key in keys if _UUID.fullmatch(key.lower())}
        if self.match is Match.SHA256:
            return {key: {asset_id(kind, key.lower()) for kind in Kind} for key in keys}
        found = self._at_paths(keys)
        return found | {key: self._ending_in(key) for key in keys if key not in found}

    def _at_paths(self, keys: Sequence[str]) -> dict[str, set[AssetId]]:
        """Assets of the very files: paths are absolute, or start at the folder of the vectors."""
        folder = self.file.path.parent
        documents = {document_id(file_uri(folder / key)): key for key in keys if "\0" not in key}
        condition = assets_where(AnyOf("documents", tuple(documents)))
        found: dict[str, set[AssetId]] = {}
        for point in scroll_all(self.store, self.collection.name, condition, fields=("documents",)):
            listed = point.payload.get("documents")
            for document in listed if isinstance(listed, list) else ():
                if document in documents:
                    found.setdefault(documents[document], set()).add(point.id)
        return found

    def _ending_in(self, key: str) -> set[AssetId]:
        """Assets whose path ends in these steps."""
        if not self._ends:
            self._ends = _paths_by_name(self.store, self.collection.name)
        end = os.path.normpath(key).lstrip("/")
        while end.startswith("../"):
            end = end[3:]
        return {
            id
            for path, id in self._ends.get(Path(end).name, ())
            if path == end or path.endswith("/" + end)
        }


def matched_rows(
    store: VectorStore,
    collection: Collection,
    file: VectorFile,
    request: Request | None,
    noted: Noted,
) -> Iterator[list[Matched]]:
    """The rows that have a vector and an asset, batch by batch; the others are noted."""
    assert request is not None
    match = Match(request.match or Match.PATH)
    matcher = Matcher(store, collection, file, match, key_column(file, match, request.id))
    for rows in batches(file.rows(), PAGE):
        good = [row for row in rows if row.vector is not None]
        for row in rows:
            if row.problem is not None:
                noted.refused += 1
                noted.remark(row.problem.message)
        matched = list(matcher(good))
        for one in matched:
            if one.asset is None:
                noted.unmatched += 1
                noted.remark(one.why)
        if taken := [one for one in matched if one.asset is not None]:
            yield taken


def _paths_by_name(store: VectorStore, collection: str) -> dict[str, list[tuple[str, AssetId]]]:
    ends: dict[str, list[tuple[str, AssetId]]] = {}
    for point in scroll_all(store, collection, assets_where(), fields=("sources",)):
        listed = point.payload.get("sources")
        for source in listed if isinstance(listed, list) else ():
            path = str(source.get("path", ""))
            ends.setdefault(Path(path).name, []).append((path, point.id))
    return ends


def _key(value: object) -> str:
    return "" if value is None else str(value).strip()

"""Tables of analyses, kept as Parquet files in the blob store.

Each file says in its schema what it is: the analysis, Space and fingerprint, parameters, seed,
number of assets, and the version of Semblance that wrote it. It can be read by itself, anywhere.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from indexer.analysis.entry import Analysis, Kept
from indexer.blob_store import BlobStore
from indexer.content import of_file, room_in
from indexer.errors import AnalysisNotFound, AssetNotFound, InvalidInput, SemblanceError

if TYPE_CHECKING:
    import pyarrow as pa

ABOUT = b"semblance"
"""The key of the schema's metadata under which a table says what it is, as JSON."""

_ROWS_A_GROUP = 16_384
"""A page of rows is read without the rest of the file."""


def save(
    blobs: BlobStore, analysis: Analysis, tables: Mapping[str, pa.Table], assets: int
) -> dict[str, Kept]:
    """Write the tables. Raises `DiskFull`, `BlobsUnavailable`."""
    kept: dict[str, Kept] = {}
    try:
        for name, table in tables.items():
            kept[name] = _save(blobs, _about(analysis, name, assets), table)
    except BaseException:
        with suppress(SemblanceError):
            blobs.delete([one.blob for one in kept.values()])
        raise
    return kept


def _save(blobs: BlobStore, about: Mapping[str, object], table: pa.Table) -> Kept:
    import pyarrow.parquet as pq

    metadata = {**(table.schema.metadata or {}), ABOUT: json.dumps(about).encode()}
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
        with room_in(tempfile.gettempdir(), "TMPDIR names another folder for temporary files"):
            pq.write_table(
                table.replace_schema_metadata(metadata),
                file.name,
                compression="zstd",
                row_group_size=_ROWS_A_GROUP,
            )
        content = of_file(lambda: cast("BinaryIO", open(file.name, "rb")), 2**62)  # noqa: SIM115
        return Kept(blobs.put(content), table.num_rows, content.size)


def load(blobs: BlobStore, analysis: Analysis, name: str) -> pa.Table:
    """A whole table. Raises `AnalysisNotFound` if it is gone, `InvalidInput` for another name."""
    with opened(blobs, analysis, name) as file:
        return file.read()


def load_all(blobs: BlobStore, analysis: Analysis) -> dict[str, pa.Table]:
    """Every table of the analysis, by name."""
    return {name: load(blobs, analysis, name) for name in analysis.tables}


def page(blobs: BlobStore, analysis: Analysis, name: str, offset: int, limit: int) -> pa.Table:
    """Some of a table's rows; the rest of the file is not read."""
    with opened(blobs, analysis, name) as file:
        first, before = 0, 0
        groups: list[int] = []
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if before + rows > offset and before < offset + limit:
                if not groups:
                    first = before
                groups.append(group)
            before += rows
        return file.read_row_groups(groups).slice(offset - first, limit)


@contextmanager
def opened(blobs: BlobStore, analysis: Analysis, name: str) -> Iterator[Any]:
    """The table's `pyarrow.parquet.ParquetFile`."""
    import pyarrow.parquet as pq

    with original(blobs, analysis, name) as file, pq.ParquetFile(file) as parquet:
        yield parquet


def original(blobs: BlobStore, analysis: Analysis, name: str) -> BinaryIO:
    """The table's file as it is kept."""
    if name not in analysis.tables:
        have = ", ".join(analysis.tables) or "none"
        raise InvalidInput(
            f"Analysis {analysis.id} ({analysis.request.name}) has no table {name!r}; it has: "
            f"{have}.",
            analysis=analysis.id,
            table=name,
        )
    try:
        return blobs.open(analysis.tables[name].blob)
    except AssetNotFound as error:
        raise AnalysisNotFound(
            f"The tables of analysis {analysis.id} are gone (backups hold none); run it again: "
            f"`semblance analyses rerun {analysis.id[:8]}`.",
            analysis=analysis.id,
        ) from error


def forget(blobs: BlobStore, analysis: Analysis) -> None:
    """Delete the analysis' files."""
    blobs.delete([kept.blob for kept in analysis.tables.values()])


def program_version() -> str:
    """The version of Semblance that runs."""
    try:
        return version("semblance")
    except PackageNotFoundError:
        return "0"  # run from a checkout that was never installed


def _about(analysis: Analysis, table: str, assets: int) -> dict[str, object]:
    asked = analysis.request
    return {
        "table": table,
        "analysis": asked.name,
        "id": analysis.id,
        "collection": analysis.collection,
        "space": asked.space,
        "fingerprint": analysis.fingerprint,
        "kind": asked.kind,
        "filter": asked.filter,
        "within": None if asked.within is None else str(asked.within),
        "parameters": asked.parameters,
        "seed": asked.parameters.get("seed", 0),
        "assets": assets,
        "created_at": analysis.created_at,
        "version": program_version(),
    }

"""What both stores refuse before an engine sees it.

Engines write an operation to their log before they look at it: one ragged sparse vector can
make a collection unopenable for ever. So nothing unchecked may reach them. Every check raises
`InvalidInput` (or a subclass) naming the input and the remedy, and returns the plain value that
the engine may have.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.domain import (
    SPARSE,
    AssetId,
    PointVectors,
    Space,
    SparseVector,
)
from indexer.errors import InvalidInput, SpaceMismatch

MAX_INTEGER = 2**63 - 1
_MAX_SPARSE_INDEX = 2**32 - 1
_MAX_DIMENSION = 65_536
_MAX_FLOAT32 = float(np.finfo(np.float32).max)
_NAME = re.compile(r"(?!\.)[A-Za-z0-9._-]{1,64}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NAME_RULE = "Use 1 to 64 letters (a-z, A-Z), digits, dots, _ or -, and no dot in front."


def check_collection_name(name: str) -> str:
    """A name that is safe as a folder's name and as a server's collection."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"{name!r} is no collection name. {_NAME_RULE}", collection=name)
    return name


def check_spaces(spaces: Sequence[Space]) -> dict[str, int]:
    """Dimension by Space name."""
    dimensions: dict[str, int] = {}
    for space in spaces:
        if not _NAME.fullmatch(space.name):
            raise InvalidInput(f"{space.name!r} is no Space name. {_NAME_RULE}", space=space.name)
        if space.name == SPARSE or space.name in dimensions:
            raise InvalidInput(
                f"The Space name {space.name!r} is taken; choose another.", space=space.name
            )
        if not 1 <= space.dimension <= _MAX_DIMENSION:
            raise InvalidInput(
                f"Space {space.name!r} has dimension {space.dimension}; it must lie between "
                f"1 and {_MAX_DIMENSION}.",
                space=space.name,
            )
        dimensions[space.name] = space.dimension
    return dimensions


def check_new_space(space: Space, dimensions: Mapping[str, int]) -> bool:
    """True if the Collection has no such Space yet, False if it has the very same.

    Raises `SpaceMismatch` if it has one of that name with another dimension.
    """
    check_spaces([space])
    there = dimensions.get(space.name)
    if there is not None and there != space.dimension:
        raise SpaceMismatch(
            f"The Collection has a Space {space.name!r} of dimension {there}, not "
            f"{space.dimension}; drop it first, or choose another name.",
            space=space.name,
        )
    return there is None


def check_ids(ids: Sequence[AssetId]) -> list[AssetId]:
    """Ids that are lower-case UUID text, the one form in which ids are compared."""
    for id in ids:
        if not _is_text(id) or not _UUID.fullmatch(id):
            raise InvalidInput(
                f"{id!r} is no asset id. Ids are lower-case UUIDs with hyphens, like "
                "0f8fad5b-d9cb-469f-a165-70867728950e.",
                id=repr(id),
            )
    return list(ids)


def check_rows(
    rows: Sequence[PointVectors], dimensions: Mapping[str, int]
) -> dict[AssetId, dict[str, list[float] | SparseVector]]:
    """Vectors by Space name by id; where an id comes twice, the later vector of a Space counts."""
    check_ids([row.id for row in rows])
    checked: dict[AssetId, dict[str, list[float] | SparseVector]] = {}
    for row in rows:
        named = checked.setdefault(row.id, {})
        for space, vector in row.vectors.items():
            named[space] = check_vector(vector, space, dimensions, f"Point {row.id}").tolist()
        if row.sparse is not None:
            named[SPARSE] = check_sparse(row.sparse, f"Point {row.id}")
    return {id: named for id, named in checked.items() if named}


def check_vector(
    vector: NDArray[np.float32], space: str, dimensions: Mapping[str, int], where: str
) -> NDArray[np.float32]:
    """The vector as float32, of the Space's dimension, with a finite length."""
    check_space(space, dimensions, where)
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            plain = np.asarray(vector, dtype=np.float32)
            squared_length = float(np.vdot(plain, plain))
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{where}: the vector for Space {space!r} is not numeric.") from error
    if plain.shape != (dimensions[space],):
        raise SpaceMismatch(
            f"{where}: the vector for Space {space!r} has shape {plain.shape}, the Space has "
            f"({dimensions[space]},). It comes from another model; index with this Space's own.",
            space=space,
        )
    if not math.isfinite(squared_length):
        raise InvalidInput(
            f"{where}: the vector for Space {space!r} holds NaN, infinity or numbers too large "
            "for float32; check what the model was given.",
            space=space,
        )
    return plain


def check_space(space: str, dimensions: Mapping[str, int], where: str) -> str:
    """A Space that the Collection has."""
    if space not in dimensions:
        known = ", ".join(sorted(dimensions)) or "none"
        raise InvalidInput(
            f"{where}: the Collection has no Space {space!r}; its Spaces are: {known}.",
            space=space,
        )
    return space


def check_sparse(sparse: SparseVector, where: str) -> SparseVector:
    """Terms in index order: unique 32-bit indices, each with one finite weight."""
    if len(sparse.indices) != len(sparse.values):
        raise InvalidInput(
            f"{where}: the sparse vector has {len(sparse.indices)} indices and "
            f"{len(sparse.values)} values; give one value an index."
        )
    pairs = sorted(
        (_sparse_index(index, where), float(value))
        for index, value in zip(sparse.indices, sparse.values, strict=True)
    )
    indices = [index for index, _ in pairs]
    values = [value for _, value in pairs]
    if len(set(indices)) < len(indices):
        raise InvalidInput(f"{where}: the sparse vector names an index twice; add up its values.")
    if not all(abs(value) <= _MAX_FLOAT32 for value in values):
        raise InvalidInput(f"{where}: the sparse vector holds NaN or infinity; leave those out.")
    return SparseVector(indices, values)


def _sparse_index(index: int, where: str) -> int:
    if not _is_whole(index) or not 0 <= index <= _MAX_SPARSE_INDEX:
        raise InvalidInput(
            f"{where}: the sparse index {index!r} is not a whole number from 0 to 2^32 - 1."
        )
    return int(index)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)

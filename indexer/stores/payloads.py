"""What both stores refuse of payloads, beside what `validation` refuses of everything else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import cast

from indexer.batches import batches
from indexer.domain import AssetId, Payload, Point
from indexer.errors import InvalidInput
from indexer.stores.validation import MAX_INTEGER, check_ids

MAX_NESTING = 64


def check_points(points: Sequence[Point]) -> dict[AssetId, dict[str, object]]:
    """Payload by id; where an id comes twice the first counts, as when it were there already."""
    check_ids([point.id for point in points])
    payloads: dict[AssetId, dict[str, object]] = {}
    for point in points:
        if point.id not in payloads:
            payloads[point.id] = check_payload(point.payload, point.id)
    return payloads


def check_payload(payload: Payload, id: AssetId) -> dict[str, object]:
    """A deep copy of the payload in plain JSON types."""
    for key in payload:
        if not _is_text(key) or not key or '"' in key or "\\" in key:
            raise InvalidInput(
                f"Point {id}: {key!r} cannot be a payload key. Keys are text that is not empty "
                "and has no double quote or backslash.",
                id=id,
            )
    return cast(dict[str, object], _plain(payload, f"Point {id}: payload", 1))


def check_payloads(
    payloads: Mapping[AssetId, Payload], most: int
) -> list[tuple[list[AssetId], dict[str, object]]]:
    """Payloads that say something, each with the points it is for, `most` of them at a time.

    Points that are given the very same mapping are written together: it is one operation.
    """
    check_ids([*payloads])
    sharing: dict[int, list[AssetId]] = {}
    for asset, payload in payloads.items():
        sharing.setdefault(id(payload), []).append(asset)
    checked = [(ids, check_payload(payloads[ids[0]], ids[0])) for ids in sharing.values()]
    return [(part, plain) for ids, plain in checked if plain for part in batches(ids, most)]


def _plain(value: object, where: str, depth: int) -> object:
    if isinstance(value, str):
        return check_text(value, where)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if not -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
            raise InvalidInput(f"{where} is {value}, over 64 bits; keep it as text instead.")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidInput(f"{where} is {value}, which JSON does not know; use null instead.")
        return float(value)
    return _plain_nested(value, where, depth)


def _plain_nested(value: object, where: str, depth: int) -> object:
    if depth > MAX_NESTING:
        raise InvalidInput(f"{where[:120]} is nested over {MAX_NESTING} deep; flatten it.")
    if isinstance(value, Mapping):
        plain: dict[str, object] = {}
        for key, inner in value.items():
            if not isinstance(key, str):
                raise InvalidInput(f"{where} has the key {key!r}; keys must be text.")
            plain[check_text(key, where)] = _plain(inner, f"{where}.{key}", depth + 1)
        return plain
    if isinstance(value, list | tuple):
        return [_plain(inner, f"{where}[{n}]", depth + 1) for n, inner in enumerate(value)]
    raise InvalidInput(
        f"{where} is a {type(value).__name__}; payloads hold text, bool, numbers, null, lists "
        "and mappings. Convert it first."
    )


def check_text(text: str, where: str) -> str:
    """Text that UTF-8 can hold; file names with stray bytes cannot be stored as they are."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidInput(
                f"{where} {text!r} holds half a character (a surrogate) and has no UTF-8 form; "
                "percent-encode the bytes or replace it.",
            ) from error
    return str(text)


def _is_text(value: object) -> bool:
    return isinstance(value, str)

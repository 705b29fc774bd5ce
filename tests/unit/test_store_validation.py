"""Nothing that could harm an engine gets past validation."""

from __future__ import annotations

import numpy as np
import pytest

from indexer.domain import Kind, Point, PointVectors, Space, SparseVector, Status
from indexer.errors import InvalidInput, InvalidQuery, SemblanceError, SpaceMismatch
from indexer.filters import All, Any, AnyOf, Equals, Filter, Not, Range
from indexer.stores.fields import parse_field
from indexer.stores.payloads import check_payload, check_points
from indexer.stores.queries import check_filter
from indexer.stores.validation import (
    check_collection_name,
    check_ids,
    check_rows,
    check_spaces,
)

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
DIMENSIONS = {"look": 3}


def nested(depth: int) -> dict[str, object]:
    payload: dict[str, object] = {}
    for _ in range(depth - 1):
        payload = {"in": payload}
    return payload


def space(name: str, dimension: int = 3) -> Space:
    return Space(name, dimension, "mini", "f", frozenset({Kind.IMAGE}))


@pytest.mark.parametrize("name", ["a", "photos", "Köln"[0] + "-2024_v1.2", "x" * 64, "0", "-"])
def test_good_collection_names(name: str) -> None:
    assert check_collection_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".hidden", "x" * 65, "a/b", "a\\b", "a b", "a\n", "Köln", "a\0", "a:b", "*"],
)
def test_bad_collection_names(name: str) -> None:
    with pytest.raises(InvalidInput, match="letters"):
        check_collection_name(name)


def test_spaces() -> None:
    assert check_spaces([space("look"), space("words", 384)]) == {"look": 3, "words": 384}
    for bad in ([space("bm25")], [space("a"), space("a")], [space("a", 0)], [space("a/b")]):
        with pytest.raises(InvalidInput):
            check_spaces(bad)


@pytest.mark.parametrize("id", ["", "1", ID.upper(), ID.replace("-", ""), f"{ID}\n", "é" * 36, 7])
def test_ids_are_uuids_in_one_spelling(id: str) -> None:
    with pytest.raises(InvalidInput, match="UUID"):
        check_ids([ID, id])


@pytest.mark.parametrize(
    ("payload", "named"),
    [
        ({"a": float("nan")}, "a"),
        ({"a": {"b": [0, float("-inf")]}}, r"a\.b\[1\]"),
        ({"a": 2**63}, "64 bits"),
        ({"a": -(2**63) - 1}, "64 bits"),
        ({"a": "\udc80.jpg"}, "percent-encode"),
        ({"a": {"\udc80": 1}}, "surrogate"),
        ({"a": {1: 2}}, "keys must be text"),
        ({1: 2}, "payload key"),
        ({"": 1}, "payload key"),
        ({'a"b': 1}, "payload key"),
        ({"a\\b": 1}, "payload key"),
        ({"a": b"bytes"}, "bytes"),
        ({"a": {1, 2}}, "set"),
        ({"a": np.float32(1)}, "float32"),
        (nested(65), "64 deep"),
        ({"a": [nested(63)]}, "64 deep"),
    ],
)
def test_payloads_that_no_engine_may_see(payload: dict[str, object], named: str) -> None:
    with pytest.raises(InvalidInput, match=named) as caught:
        check_points([Point(ID, payload)])
    assert ID in caught.value.message


def test_payloads_come_out_as_plain_copies() -> None:
    inner = [1, (2, 3)]
    payload = {"status": Status.PENDING, "list": inner, "big": 2**63 - 1, "deep": nested(62)}
    checked = check_payload(payload, ID)
    assert checked == {
        "status": "pending",
        "list": [1, [2, 3]],
        "big": 2**63 - 1,
        "deep": nested(62),
    }
    assert type(checked["status"]) is str
    assert checked["list"] is not inner


@pytest.mark.parametrize(
    ("row", "error"),
    [
        (PointVectors(ID, {"look": np.ones(2, np.float32)}), SpaceMismatch),
        (PointVectors(ID, {"look": np.ones((1, 3), np.float32)}), SpaceMismatch),
        (PointVectors(ID, {"smell": np.ones(3, np.float32)}), InvalidInput),
        (PointVectors(ID, {"bm25": np.ones(3, np.float32)}), InvalidInput),
        (PointVectors(ID, {"look": np.array([1, np.nan, 0], np.float32)}), InvalidInput),
        (PointVectors(ID, {"look": np.array([1, np.inf, 0], np.float32)}), InvalidInput),
        (PointVectors(ID, {"look": np.array([3e30, 0, 0], np.float32)}), InvalidInput),
        (PointVectors(ID, {"look": np.array(["a", "b", "c"])}), InvalidInput),
        (PointVectors("1", {}), InvalidInput),
        (PointVectors(ID, {}, SparseVector([1, 2], [1.0])), InvalidInput),
        (PointVectors(ID, {}, SparseVector([1, 1], [1.0, 2.0])), InvalidInput),
        (PointVectors(ID, {}, SparseVector([-1], [1.0])), InvalidInput),
        (PointVectors(ID, {}, SparseVector([2**32], [1.0])), InvalidInput),
        (PointVectors(ID, {}, SparseVector([1], [float("nan")])), InvalidInput),
        (PointVectors(ID, {}, SparseVector([1], [1e39])), InvalidInput),
    ],
)
def test_vectors_that_no_engine_may_see(row: PointVectors, error: type[SemblanceError]) -> None:
    with pytest.raises(error):
        check_rows([row], DIMENSIONS)


def test_rows_of_one_id_are_joined_and_empty_rows_left_out() -> None:
    rows = [
        PointVectors(ID, {"look": np.zeros(3, np.float32)}),
        PointVectors(ID, {"look": np.array([1, 2, 3], np.float16)}, SparseVector([9, 2], [1, 2])),
        PointVectors(ID.replace("0", "1"), {}),
    ]
    assert check_rows(rows, DIMENSIONS) == {
        ID: {"look": [1.0, 2.0, 3.0], "bm25": SparseVector([2, 9], [2.0, 1.0])}
    }


@pytest.mark.parametrize(
    ("field", "engine"),
    [
        ("status", "status"),
        ("metadata.year", "metadata.year"),
        ("metadata.my camera", 'metadata."my camera"'),
        ('metadata."f.stop"', 'metadata."f.stop"'),
        ("größe", '"größe"'),
        ("sources[].uri", "sources[].uri"),
    ],
)
def test_field_paths(field: str, engine: str) -> None:
    assert parse_field(field).engine == engine
    assert parse_field(engine).engine == engine


@pytest.mark.parametrize("field", ["", ".", "a.", ".a", "a..b", 'a"b', '"', "a[0]", "a[", "\udc80"])
def test_what_is_no_field_path(field: str) -> None:
    with pytest.raises(InvalidQuery, match="dots"):
        parse_field(field)


def test_numbers_become_ranges_and_dates_utc() -> None:
    def simple(condition: Filter) -> Filter | None:
        return check_filter(condition, DIMENSIONS)

    assert simple(Equals("n", 1)) == Range("n", gte=1.0, lte=1.0)
    assert simple(Equals("n", True)) == Equals("n", True)
    assert simple(AnyOf("n", ("a", 2, "b"))) == Any(
        (AnyOf("n", ("a", "b")), Range("n", gte=2.0, lte=2.0))
    )
    assert simple(Range("d", gte="1954-03-01T02:00:00+02:00")) == Range(
        "d", gte="1954-03-01T00:00:00+00:00"
    )


@pytest.mark.parametrize("wrap", [Not, lambda inner: All((inner,)), lambda inner: Any((inner,))])
def test_filters_are_not_nested_without_end(wrap) -> None:  # type: ignore[no-untyped-def]
    condition: Filter = Equals("a", "b")
    for _ in range(500):
        condition = wrap(condition)
    with pytest.raises(InvalidQuery, match="nested"):
        check_filter(condition, DIMENSIONS)

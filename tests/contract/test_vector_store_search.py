"""Nearest points, scores and facets, by hand-made vectors."""

from __future__ import annotations

import math
import uuid

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.domain import FieldType, NearestQuery, Point, PointVectors, ScoredPoint, SparseVector
from indexer.errors import InvalidQuery
from indexer.filters import Contains, Equals, Not
from indexer.ports import VectorStore

IDS = [str(uuid.UUID(int=n)) for n in range(1, 300)]


def unit(degrees: float) -> NDArray[np.float32]:
    """A vector of the Space `look` that many degrees away from (1, 0, 0, 0)."""
    angle = math.radians(degrees)
    return np.array([math.cos(angle), math.sin(angle), 0, 0], dtype=np.float32)


def look(degrees: float = 0.0, limit: int = 10, **more: object) -> NearestQuery:
    return NearestQuery("look", unit(degrees), limit, **more)  # type: ignore[arg-type]


def ids(hits: list[ScoredPoint]) -> list[str]:
    return [hit.id for hit in hits]


@pytest.fixture
def fan(store: VectorStore, collection: str) -> str:
    """Seven points at 0, 15, ... 90 degrees, three times as long as they need be; one pending."""
    store.insert(
        collection,
        [Point(IDS[n], {"n": n, "even": n % 2 == 0, "text": f"point {n}"}) for n in range(8)],
    )
    store.write_vectors(
        collection, [PointVectors(IDS[n], {"look": 3 * unit(15 * n)}) for n in range(7)]
    )
    return collection


def test_nearest_are_best_first_with_cosine_scores(store: VectorStore, fan: str) -> None:
    (hits,) = store.nearest(fan, [look(limit=3)])
    assert ids(hits) == IDS[:3]
    expected = [1.0, math.cos(math.radians(15)), math.cos(math.radians(30))]
    assert [hit.score for hit in hits] == pytest.approx(expected, abs=1e-5)
    assert hits[1].payload == {"n": 1, "even": False, "text": "point 1"}
    assert hits[1].vectors == {}


def test_without_payload_there_are_ids_and_scores_alone(store: VectorStore, fan: str) -> None:
    (full, bare) = store.nearest(fan, [look(limit=3), look(limit=3, payload=False)])
    assert [(hit.id, hit.score) for hit in bare] == [(hit.id, hit.score) for hit in full]
    assert [hit.payload for hit in bare] == [{}, {}, {}]


def test_the_length_of_a_query_does_not_matter(store: VectorStore, fan: str) -> None:
    long = NearestQuery("look", 1000 * unit(0), 7)
    (hits,) = store.nearest(fan, [long])
    assert hits[0].score == pytest.approx(1.0, abs=1e-5)


def test_points_without_a_vector_are_not_found(store: VectorStore, fan: str) -> None:
    (hits,) = store.nearest(fan, [look(limit=100)])
    assert sorted(ids(hits)) == IDS[:7]
    assert store.nearest(fan, [NearestQuery("words", np.ones(3, np.float32), 5)]) == [[]]


def test_offset_and_min_score_and_filter(store: VectorStore, fan: str) -> None:
    queries = [
        look(limit=2, offset=2),
        look(min_score=math.cos(math.radians(31))),
        look(limit=2, filter=Equals("even", False)),
        look(limit=2, filter=Not(Contains("text", "0"))),
        look(filter=Equals("n", 99)),
    ]
    pages = [ids(hits) for hits in store.nearest(fan, queries)]
    assert pages == [IDS[2:4], IDS[:3], [IDS[1], IDS[3]], IDS[1:3], []]


def test_hits_carry_the_vectors_asked_for(store: VectorStore, fan: str) -> None:
    (hits,) = store.nearest(fan, [look(limit=1, spaces=("look", "words"))])
    assert list(hits[0].vectors) == ["look"]
    np.testing.assert_allclose(hits[0].vectors["look"], unit(0), atol=1e-6)


def test_equal_scores_come_in_id_order(store: VectorStore, collection: str) -> None:
    store.insert(collection, [Point(id, {}) for id in reversed(IDS[:20])])
    store.write_vectors(collection, [PointVectors(id, {"look": unit(0)}) for id in IDS[:20]])
    (hits,) = store.nearest(collection, [look(limit=20)])
    assert ids(hits) == IDS[:20]


def test_a_batch_answers_each_query_in_turn(store: VectorStore, fan: str) -> None:
    queries = [look(15 * (n % 7), limit=1) for n in range(230)]
    assert [ids(hits) for hits in store.nearest(fan, queries)] == [[IDS[n % 7]] for n in range(230)]
    assert store.nearest(fan, []) == []


def test_rare_terms_score_higher(store: VectorStore, collection: str) -> None:
    """Term 1 is in all of four passages, term 2 in one: idf = ln(1 + (N - n + 0.5) / (n + 0.5))."""
    store.insert(collection, [Point(id, {}) for id in IDS[:6]])
    rows = [PointVectors(id, {}, SparseVector([1], [1.0])) for id in IDS[:3]]
    rows.append(PointVectors(IDS[3], {}, SparseVector([2, 1], [0.5, 1.0])))
    store.write_vectors(collection, rows)
    common, rare = math.log(1 + 0.5 / 4.5), math.log(1 + 3.5 / 1.5)
    (hits,) = store.nearest(
        collection, [NearestQuery("bm25", SparseVector([1, 2], [1.0, 2.0]), 10)]
    )
    assert ids(hits) == [IDS[3], IDS[0], IDS[1], IDS[2]]
    assert hits[0].score == pytest.approx(common + rare, abs=1e-4)
    assert hits[1].score == pytest.approx(common, abs=1e-4)


def test_unknown_terms_find_nothing(store: VectorStore, collection: str) -> None:
    store.insert(collection, [Point(IDS[0], {})])
    store.write_vectors(collection, [PointVectors(IDS[0], {}, SparseVector([5], [1.0]))])
    queries = [NearestQuery("bm25", SparseVector(i, [1.0] * len(i)), 5) for i in ([6], [])]
    assert store.nearest(collection, queries) == [[], []]


SENSELESS = [
    look(limit=0),
    look(limit=10**9),
    look(offset=-1),
    look(min_score=float("nan")),
    NearestQuery("smell", unit(0), 1),
    NearestQuery("bm25", unit(0), 1),
    NearestQuery("look", SparseVector([1], [1.0]), 1),
    NearestQuery("look", np.ones(3, np.float32), 1),
    NearestQuery("look", np.array([1, 0, 0, np.nan], np.float32), 1),
    NearestQuery("bm25", SparseVector([1, 1], [1.0, 1.0]), 1),
    look(spaces=("smell",)),
]


def test_queries_that_make_no_sense_are_refused(store: VectorStore, collection: str) -> None:
    for query in SENSELESS:
        with pytest.raises(InvalidQuery):
            store.nearest(collection, [query])


@pytest.fixture
def counted(store: VectorStore, collection: str) -> str:
    payloads: list[dict[str, object]] = [
        {"status": "indexed", "tags": ["b", "a", "a"], "year": 1900, "ok": True},
        {"status": "indexed", "tags": ["b"], "year": 1900.0, "ok": True},
        {"status": "failed", "tags": "c", "year": 1950.5, "ok": False},
        {"status": "pending", "tags": [], "year": None, "meta": {"my key": "x"}},
    ]
    store.insert(collection, [Point(IDS[n], payload) for n, payload in enumerate(payloads)])
    return collection


def test_facets_count_points_by_value(store: VectorStore, counted: str) -> None:
    expected = {
        "status": {"indexed": 2, "failed": 1, "pending": 1},
        "tags": {"b": 2, "a": 1, "c": 1},
        "year": {"1900": 2, "1950.5": 1},
        "ok": {"true": 2, "false": 1},
        'meta."my key"': {"x": 1},
        "nowhere": {},
    }
    for field, counts in expected.items():
        for _ in range(2):  # the second time an index may be there
            facet = store.facet(counted, field)
            assert facet == counts
            assert list(facet) == list(counts), "most frequent first, ties by value"


@pytest.mark.parametrize(
    ("field", "type"),
    [("tags", FieldType.KEYWORD), ("year", FieldType.NUMBER), ("ok", FieldType.BOOL)],
)
def test_facets_are_the_same_with_an_index(
    store: VectorStore, counted: str, field: str, type: FieldType
) -> None:
    before = store.facet(counted, field)
    store.index_field(counted, field, type)
    assert store.facet(counted, field) == before


def test_facets_take_a_filter_and_a_limit(store: VectorStore, counted: str) -> None:
    assert store.facet(counted, "tags", Equals("status", "indexed")) == {"b": 2, "a": 1}
    assert store.facet(counted, "status", Equals("ok", False)) == {"failed": 1}
    assert list(store.facet(counted, "status", limit=2)) == ["indexed", "failed"]
    assert list(store.facet(counted, "year", limit=1)) == ["1900"]

"""The stand-in for a Qdrant server answers as qdrant-client's own engine in memory does."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse

from tests.qdrant_stand_in import StandIn

IDS = [str(uuid.UUID(int=n)) for n in range(1, 5)]
PAYLOADS: list[dict[str, object]] = [
    {"name": "red barn", "year": 1950, "tags": ["a", "b"], "flag": True, "none": None},
    {"name": "old sea", "year": 1960.5, "tags": [], "taken": "1954-03-01T12:00:00Z"},
    {"name": "red sea", "flag": False, "parts": [{"a": 1, "b": 2}, {"a": 2, "b": 3}]},
    {"tags": "c", "parts": [{"a": 1, "b": 3}], "year": None},
]
FIELD = models.FieldCondition
EMPTY = models.IsEmptyCondition(is_empty=models.PayloadField(key="tags"))
RED = FIELD(key="name", match=models.MatchText(text="red"))
FLAG = FIELD(key="flag", match=models.MatchValue(value=True))
LATE = FIELD(key="year", range=models.Range(gt=1950))
EXACTLY = [FIELD(key="a", match=models.MatchValue(value=1)), FIELD(key="b", range={"gte": 3.0})]
CONDITIONS: list[models.Condition] = [
    RED,
    FLAG,
    LATE,
    EMPTY,
    FIELD(key="flag", match=models.MatchValue(value=False)),
    FIELD(key="tags", match=models.MatchAny(any=["b", "c"])),
    FIELD(key="tags", match=models.MatchExcept(**{"except": ["a", "c"]})),
    FIELD(key="tags", values_count=models.ValuesCount(gte=2)),
    FIELD(key="taken", range=models.DatetimeRange(gte=datetime(1954, 3, 1, 12, tzinfo=UTC))),
    models.IsNullCondition(is_null=models.PayloadField(key="none")),
    models.HasIdCondition(has_id=IDS[1:3]),
    models.HasIdCondition(has_id=[]),
    models.HasVectorCondition(has_vector="look"),
    models.NestedCondition(nested=models.Nested(key="parts", filter=models.Filter(must=EXACTLY))),
    models.Filter(should=[FLAG, LATE], must_not=[EMPTY]),
    models.Filter(min_should=models.MinShould(conditions=[RED, FLAG, LATE, EMPTY], min_count=2)),
]


@pytest.fixture(scope="module")
def clients() -> Iterator[list[QdrantClient]]:
    """Of the stand-in, and of the engine in memory, each with the same Collection."""
    with StandIn() as server:
        both = [QdrantClient(server.url, check_compatibility=False), QdrantClient(":memory:")]
        for client in both:
            _fill(client)
        yield both
        for client in both:
            client.close()


def _fill(client: QdrantClient) -> None:
    cosine = models.VectorParams(size=2, distance=models.Distance.COSINE)
    idf = models.SparseVectorParams(modifier=models.Modifier.IDF)
    client.create_collection("c", {"look": cosine}, sparse_vectors_config={"words": idf})
    points = [
        models.PointStruct(id=id, vector={}, payload=payload)
        for id, payload in zip(IDS, PAYLOADS, strict=True)
    ]
    client.upsert("c", points)
    vectors = [([1.0, 0.0], [1], [1.0]), ([0.6, 0.8], [1, 7], [0.5, 2.0]), ([0.0, 1.0], [7], [1.0])]
    rows = [
        models.PointVectors(
            id=id,
            vector={"look": look, "words": models.SparseVector(indices=indices, values=values)},
        )
        for id, (look, indices, values) in zip(IDS, vectors, strict=False)
    ]
    client.update_vectors("c", rows)


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda one: str(one)[:60])
def test_a_condition_and_its_opposite_find_the_same(
    clients: list[QdrantClient], condition: models.Condition
) -> None:
    for wanted in (models.Filter(must=[condition]), models.Filter(must_not=[condition])):
        found = [client.scroll("c", wanted, with_payload=["name"]) for client in clients]
        assert _plain(found[0][0]) == _plain(found[1][0])


@pytest.mark.parametrize(
    ("using", "vector"),
    [("look", [0.8, 0.6]), ("words", models.SparseVector(indices=[1, 7], values=[1.0, 2.0]))],
)
def test_the_nearest_are_the_same(
    clients: list[QdrantClient], using: str, vector: list[float] | models.SparseVector
) -> None:
    request = models.QueryRequest(
        query=vector, using=using, limit=2, offset=1, with_vector=[using], with_payload=True
    )
    (stand_in,), (memory,) = (client.query_batch_points("c", [request]) for client in clients)
    scores = [point.score for point in memory.points]
    assert [point.score for point in stand_in.points] == pytest.approx(scores, abs=1e-6)
    assert _plain(stand_in.points) == _plain(memory.points)


def test_the_same_writes_leave_the_same(clients: list[QdrantClient]) -> None:
    red = models.Filter(must=[RED])
    by_you = models.SetPayload(payload={"by": "you"}, points=[IDS[0]], key="seen")
    less = models.DeletePayload(keys=["none"], points=[IDS[0]])
    empty = models.FilterSelector(filter=models.Filter(must=[EMPTY]))
    new = models.PointsList(points=[models.PointStruct(id=7, vector={}, payload={"tags": "x"})])
    writes: list[models.UpdateOperation] = [
        models.SetPayloadOperation(
            set_payload=models.SetPayload(payload={"seen": {"by": "me"}}, filter=red)
        ),
        models.SetPayloadOperation(set_payload=by_you),
        models.DeletePayloadOperation(delete_payload=less),
        models.UpsertOperation(upsert=new),
        models.DeleteOperation(delete=empty),
    ]
    for client in clients:
        client.batch_update_points("c", writes)
    left = [client.scroll("c", with_vectors=True)[0] for client in clients]
    assert _plain(left[0]) == _plain(left[1])
    assert {str(point.id) for point in left[0]} == {"7", IDS[0], IDS[3]}
    seen = {str(point.id): (point.payload or {}).get("seen") for point in left[0]}
    assert seen[IDS[0]] == {"by": "you"}


UNEQUAL = models.SparseVector(indices=[1, 2], values=[1.0])
REFUSED: list[tuple[int, str, Callable[[QdrantClient], object]]] = [
    (404, "Collection `nowhere`", lambda client: client.count("nowhere")),
    (409, "already exists", lambda client: client.create_collection("c", {})),
    (400, "No appropriate index", lambda client: client.facet("c", "name")),
    (400, "expected dim: 2, got 1", lambda client: _nearest(client, "look")),
    (400, "Not existing vector name", lambda client: _nearest(client, "nowhere")),
    (
        404,
        "No point with id",
        lambda client: client.update_vectors("c", [_row(99, "look", [1, 1])]),
    ),
    (400, "UUID", lambda client: client.upsert("c", [models.PointStruct(id="a", vector={})])),
    (422, "unique", lambda client: client.update_vectors("c", [_row(1, "words", UNEQUAL)])),
]


@pytest.mark.parametrize(("status", "words", "call"), REFUSED)
def test_refusals_have_the_status_and_words_of_a_servers(
    clients: list[QdrantClient], status: int, words: str, call: Callable[[QdrantClient], object]
) -> None:
    with pytest.raises(UnexpectedResponse, match=words) as refused:
        call(clients[0])
    assert refused.value.status_code == status


def _nearest(client: QdrantClient, using: str) -> object:
    return client.query_batch_points("c", [models.QueryRequest(query=[1.0], using=using)])


def _row(id: int, name: str, vector: list[float] | models.SparseVector) -> models.PointVectors:
    return models.PointVectors(id=str(uuid.UUID(int=id)), vector={name: vector})


def test_another_name_leads_to_the_collection_until_it_leads_elsewhere() -> None:
    with StandIn() as server:
        client = QdrantClient(server.url, check_compatibility=False)
        for name in ("old", "new"):
            client.create_collection(name, {})
        client.upsert("new", [models.PointStruct(id=1, vector={})])
        to_old, to_new = (
            models.CreateAlias(collection_name=name, alias_name="current")
            for name in ("old", "new")
        )
        client.update_collection_aliases([models.CreateAliasOperation(create_alias=to_old)])
        assert client.count("current").count == 0
        gone = models.DeleteAlias(alias_name="current")
        client.update_collection_aliases(
            [
                models.DeleteAliasOperation(delete_alias=gone),
                models.CreateAliasOperation(create_alias=to_new),
            ]
        )
        assert client.count("current").count == 1
        assert [one.alias_name for one in client.get_collection_aliases("new").aliases] == [
            "current"
        ]
        assert client.get_collection_aliases("old").aliases == []
        client.delete_collection("new")
        assert client.get_aliases().aliases == []
        client.close()


def _plain(points: list[models.Record] | list[models.ScoredPoint]) -> list[object]:
    """What must be the same, vectors rounded."""
    return [(str(point.id), point.payload, _rounded(point.vector)) for point in points]


def _rounded(vector: object) -> object:
    match vector:
        case dict():
            return {name: _rounded(one) for name, one in vector.items()}
        case models.SparseVector():
            return dict(zip(vector.indices, vector.values, strict=True))
        case list():
            return [round(number, 6) for number in vector]
    return vector

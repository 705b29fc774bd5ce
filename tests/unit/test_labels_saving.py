"""Labels that an analysis found become metadata, and can be taken out again."""

from __future__ import annotations

import pytest

from indexer import assets, collections
from indexer.analysis.labels.saving import drop_label, save_label
from indexer.domain import AssetId, FieldType
from indexer.errors import Conflict, InvalidInput
from indexer.filters import Equals
from indexer.ledger import assets_where, scroll_all
from tests.lab import Lab, found_text

GONE = "00000000-0000-5000-8000-000000000000"


def ids_by_text(lab: Lab) -> dict[str, AssetId]:
    points = scroll_all(lab.store, lab.collection.name, assets_where())
    return {str(point.payload["text"]): point.id for point in points}


def metadata(lab: Lab, id: AssetId) -> dict[str, object]:
    return dict(assets.get_asset(lab.store, lab.collection.name, id).metadata)


@pytest.fixture
def ids(lab: Lab) -> dict[str, AssetId]:
    lab.ingest(found_text("/a.txt", "red", metadata={"year": 1900}))
    lab.ingest(found_text("/b.txt", "green", metadata={"year": 1901, "mood": "calm"}))
    lab.ingest(found_text("/c.txt", "blue"))
    return ids_by_text(lab)


def test_a_label_joins_the_metadata_that_are_there(lab: Lab, ids: dict[str, AssetId]) -> None:
    saved = save_label(
        lab.store, lab.collection, {ids["red"]: "warm", ids["blue"]: "cold", GONE: "cold"}, "Tone"
    )

    assert saved == 2
    assert metadata(lab, ids["red"]) == {"year": 1900, "Tone": "warm"}
    assert metadata(lab, ids["green"]) == {"year": 1901, "mood": "calm"}
    assert metadata(lab, ids["blue"]) == {"Tone": "cold"}


def test_a_saved_label_is_found_by_filters_and_survives_another_ingest(
    lab: Lab, ids: dict[str, AssetId]
) -> None:
    save_label(lab.store, lab.collection, {ids["red"]: "warm"}, "tone")
    lab.ingest(found_text("/a.txt", "red", metadata={"year": 1999}, mtime_ns=2))

    fields = collections.get(lab.store, lab.collection.name).fields
    assert fields["tone"] is FieldType.KEYWORD
    assert lab.store.count(lab.collection.name, Equals("metadata.tone", "warm")) == 1
    assert metadata(lab, ids["red"]) == {"year": 1999, "tone": "warm"}


def test_saving_is_undone(lab: Lab, ids: dict[str, AssetId]) -> None:
    labels = {ids["red"]: "warm", ids["green"]: "cold"}
    save_label(lab.store, lab.collection, labels, "tone")

    assert drop_label(lab.store, lab.collection, labels, "tone") == 2
    assert metadata(lab, ids["red"]) == {"year": 1900}
    assert metadata(lab, ids["green"]) == {"year": 1901, "mood": "calm"}


def test_undoing_leaves_what_somebody_has_changed_since(lab: Lab, ids: dict[str, AssetId]) -> None:
    save_label(lab.store, lab.collection, {ids["red"]: "warm", ids["blue"]: "cold"}, "tone")

    drop_label(lab.store, lab.collection, {ids["red"]: "cold", ids["blue"]: "cold"}, "tone")

    assert metadata(lab, ids["red"]) == {"year": 1900, "tone": "warm"}
    assert metadata(lab, ids["blue"]) == {}


def test_another_value_is_never_overwritten(lab: Lab, ids: dict[str, AssetId]) -> None:
    with pytest.raises(Conflict, match=r"1 of these assets have another value in 'mood'"):
        save_label(lab.store, lab.collection, {ids["green"]: "wild", ids["red"]: "wild"}, "mood")

    assert metadata(lab, ids["red"]) == {"year": 1900}
    assert metadata(lab, ids["green"])["mood"] == "calm"


def test_the_same_value_is_no_conflict(lab: Lab, ids: dict[str, AssetId]) -> None:
    labels = {ids["green"]: "calm", ids["red"]: "calm"}
    assert save_label(lab.store, lab.collection, labels, "mood") == 2
    assert metadata(lab, ids["red"]) == {"year": 1900, "mood": "calm"}


def test_a_field_of_numbers_takes_no_words(lab: Lab, ids: dict[str, AssetId]) -> None:
    collection = collections.get(lab.store, lab.collection.name)
    with pytest.raises(Conflict, match=r"'year'.*'number'"):
        save_label(lab.store, collection, {ids["blue"]: "late"}, "year")


@pytest.mark.parametrize("field", ["status", "path", "camera.model"])
def test_only_a_plain_metadata_field_takes_labels(lab: Lab, field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        save_label(lab.store, lab.collection, {}, field)

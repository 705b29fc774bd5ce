"""Labels that an analysis found become metadata, and can be taken out again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from indexer import assets, collections
from indexer.analysis import artefacts, entries
from indexer.analysis.entry import Analysis, Request
from indexer.analysis.labels import saved
from indexer.analysis.labels.saving import write_labels
from indexer.domain import AssetId, FieldType, Payload
from indexer.errors import Conflict, InvalidInput, NotFound, StoreUnavailable
from indexer.filters import Equals
from indexer.ledger import assets_where, scroll_all
from indexer.ports import VectorStore
from tests.lab import Lab, engine_of, found_text

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


@pytest.fixture
def analysis(lab: Lab) -> Analysis:
    """One that the ledger holds; what it found is what a test says."""
    asked = Request("classification", lab.collection.spaces[0].name)
    return entries.keep(lab.store, entries.new("things", asked, "as it was"))


def save(lab: Lab, analysis: Analysis, labels: Mapping[AssetId, str], field: str) -> int:
    there = entries.get(lab.store, "things", analysis.id)
    return saved.save(engine_of(lab).access, there, labels, field)


def drop(lab: Lab, analysis: Analysis, field: str) -> int:
    return saved.drop(engine_of(lab).access, entries.get(lab.store, "things", analysis.id), field)


def remembered(lab: Lab, analysis: Analysis) -> list[dict[str, object]]:
    there = entries.get(lab.store, "things", analysis.id)
    rows: list[dict[str, object]] = artefacts.load(lab.blobs, there, "saved").to_pylist()
    return rows


def test_a_label_joins_the_metadata_that_are_there(
    lab: Lab, ids: dict[str, AssetId], analysis: Analysis
) -> None:
    labels = {ids["red"]: "warm", ids["blue"]: "cold", GONE: "cold"}

    assert save(lab, analysis, labels, "Tone") == 2
    assert metadata(lab, ids["red"]) == {"year": 1900, "Tone": "warm"}
    assert metadata(lab, ids["green"]) == {"year": 1901, "mood": "calm"}
    assert metadata(lab, ids["blue"]) == {"Tone": "cold"}
    assert remembered(lab, analysis) == sorted(
        (
            {"id": ids["red"], "field": "Tone", "label": "warm"},
            {"id": ids["blue"], "field": "Tone", "label": "cold"},
        ),
        key=lambda row: row["id"],
    )


def test_a_saved_label_is_found_by_filters_and_survives_another_ingest(
    lab: Lab, ids: dict[str, AssetId], analysis: Analysis
) -> None:
    save(lab, analysis, {ids["red"]: "warm"}, "tone")
    lab.ingest(found_text("/a.txt", "red", metadata={"year": 1999}, mtime_ns=2))

    fields = collections.get(lab.store, lab.collection.name).fields
    assert fields["tone"] is FieldType.KEYWORD
    assert lab.store.count(lab.collection.name, Equals("metadata.tone", "warm")) == 1
    assert metadata(lab, ids["red"]) == {"year": 1999, "tone": "warm"}


def test_saving_is_undone(lab: Lab, ids: dict[str, AssetId], analysis: Analysis) -> None:
    save(lab, analysis, {ids["red"]: "warm", ids["green"]: "cold"}, "tone")

    assert drop(lab, analysis, "tone") == 2
    assert metadata(lab, ids["red"]) == {"year": 1900}
    assert metadata(lab, ids["green"]) == {"year": 1901, "mood": "calm"}
    with pytest.raises(NotFound, match="saved no labels in 'tone'"):
        drop(lab, analysis, "tone")


def test_a_value_that_was_there_before_survives_saving_and_undoing(
    lab: Lab, ids: dict[str, AssetId], analysis: Analysis
) -> None:
    labels = {ids["green"]: "calm", ids["red"]: "calm"}

    assert save(lab, analysis, labels, "mood") == 2
    assert save(lab, analysis, labels, "mood") == 2, "the same again changes nothing"
    assert metadata(lab, ids["red"]) == {"year": 1900, "mood": "calm"}

    assert drop(lab, analysis, "mood") == 1
    assert metadata(lab, ids["red"]) == {"year": 1900}
    assert metadata(lab, ids["green"]) == {"year": 1901, "mood": "calm"}


def test_where_nothing_was_saved_nothing_is_taken_out(
    lab: Lab, ids: dict[str, AssetId], analysis: Analysis
) -> None:
    save(lab, analysis, {ids["green"]: "calm"}, "tone")

    with pytest.raises(NotFound, match="saved no labels in 'mood'"):
        drop(lab, analysis, "mood")
    assert metadata(lab, ids["green"])["mood"] == "calm"


def test_fields_are_taken_out_one_by_one(
    lab: Lab, ids: dict[str, AssetId], analysis: Analysis
) -> None:
    save(lab, analysis, {ids["red"]: "warm"}, "tone")
    save(lab, analysis, {ids["red"]: "warm"}, "hue")

    assert drop(lab, analysis, "tone") == 1
    assert metadata(lab, ids["red"]) == {"year": 1900, "hue": "warm"}
    assert drop(lab, analysis, "hue") == 1


def test_undoing_leaves_what_somebody_has_changed_since(
    lab: Lab, ids: dict[str, AssetId], analysis: Analysis
) -> None:
    save(lab, analysis, {ids["red"]: "cold", ids["blue"]: "cold"}, "tone")
    assets.describe(lab.store, lab.collection.name, ids["red"], {"tone": "warm"})

    assert drop(lab, analysis, "tone") == 1
    assert metadata(lab, ids["red"]) == {"year": 1900, "tone": "warm"}
    assert metadata(lab, ids["blue"]) == {}


def test_another_value_is_never_overwritten(
    lab: Lab, ids: dict[str, AssetId], analysis: Analysis
) -> None:
    with pytest.raises(Conflict, match=r"1 of these assets have another value in 'mood'"):
        save(lab, analysis, {ids["green"]: "wild", ids["red"]: "wild"}, "mood")

    assert metadata(lab, ids["red"]) == {"year": 1900}
    assert metadata(lab, ids["green"])["mood"] == "calm"
    with pytest.raises(NotFound):
        drop(lab, analysis, "mood")


def test_what_the_analysis_saved_itself_is_brought_up_to_date(
    lab: Lab, ids: dict[str, AssetId], analysis: Analysis
) -> None:
    save(lab, analysis, {ids["red"]: "warm", ids["blue"]: "cold"}, "tone")

    assert save(lab, analysis, {ids["red"]: "hot", ids["blue"]: "cold"}, "tone") == 2
    assert metadata(lab, ids["red"])["tone"] == "hot"
    assert drop(lab, analysis, "tone") == 2
    assert metadata(lab, ids["red"]) == {"year": 1900}


def test_a_value_given_between_looking_and_writing_stays(lab: Lab, ids: dict[str, AssetId]) -> None:
    assets.describe(lab.store, lab.collection.name, ids["red"], {"tone": "mine"})
    labels = {ids["red"]: "warm", ids["blue"]: "cold"}

    assert write_labels(lab.store, lab.collection, labels, "tone") == {ids["blue"]: "cold"}
    assert metadata(lab, ids["red"])["tone"] == "mine"


def test_saving_that_was_cut_off_is_undone_or_gone_on_with(
    lab: Lab, ids: dict[str, AssetId], analysis: Analysis
) -> None:
    labels = {ids["red"]: "warm", ids["blue"]: "cold"}
    access = engine_of(lab).access
    cut_off = CutOff(lab.store, "merged", after=1)
    with pytest.raises(StoreUnavailable):
        saved.save(replace(access, store=cast("VectorStore", cut_off)), analysis, labels, "tone")

    assert drop(lab, analysis, "tone") == 2, "written, though nobody came to say so"
    assert metadata(lab, ids["red"]) == {"year": 1900}


class CutOff:
    """A store that is gone once payloads with this key were written so many times."""

    def __init__(self, store: VectorStore, key: str, after: int) -> None:
        self.store, self.key, self.left = store, key, after

    def __getattr__(self, name: str) -> Any:
        if not self.left:
            raise StoreUnavailable("The store is out of reach.")
        return getattr(self.store, name)

    def set_payload(
        self, collection: str, payloads: Mapping[AssetId, Payload], **more: Any
    ) -> None:
        if not self.left:
            raise StoreUnavailable("The store is out of reach.")
        self.store.set_payload(collection, payloads, **more)
        self.left -= any(self.key in payload for payload in payloads.values())


def test_a_field_of_numbers_takes_no_words(
    lab: Lab, ids: dict[str, AssetId], analysis: Analysis
) -> None:
    with pytest.raises(Conflict, match=r"'year'.*'number'"):
        save(lab, analysis, {ids["blue"]: "late"}, "year")


@pytest.mark.parametrize("field", ["status", "path", "camera.model"])
def test_only_a_plain_metadata_field_takes_labels(lab: Lab, analysis: Analysis, field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        save(lab, analysis, {}, field)

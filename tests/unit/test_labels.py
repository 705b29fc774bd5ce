"""Analyses of labels over a real store: pictures of a few colours, some with a label."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.analysis import artefacts, asking, entries, running
from indexer.analysis.asking import Asked
from indexer.analysis.entry import Analysis, State
from indexer.analysis.labels.classification import chances
from indexer.analysis.labels.found import found_labels
from indexer.analysis.labels.saving import write_labels
from indexer.analysis.subject import Access
from indexer.domain import AssetId
from indexer.errors import Conflict, InvalidInput
from indexer.filters import Equals
from indexer.ledger import assets_where, scroll_all
from indexer.ports import Logits
from tests.fakes import ColourEmbedder, PictureOnlyEmbedder
from tests.lab import LIMITS, Lab, found_text, picture_in

REDS = [(255, 0, 0), (250, 10, 5), (245, 5, 20), (240, 20, 10), (235, 25, 25)]
BLUES = [(0, 0, 255), (10, 5, 250), (5, 20, 245), (20, 10, 240), (25, 25, 235)]


def fill(lab: Lab, folder: Path) -> dict[str, AssetId]:
    """Ten pictures, red-0 … red-4 and blue-0 … blue-4; their ids by name."""
    for name, colours in (("red", REDS), ("blue", BLUES)):
        for number, colour in enumerate(colours):
            lab.ingest(picture_in(folder / f"{name}-{number}.png", colour))
    points = scroll_all(lab.store, "things", assets_where(Equals("kind", "image")))
    paths = {point.id: str(point.payload["sources"][0]["path"]) for point in points}  # type: ignore[index]
    return {Path(path).stem: id for id, path in paths.items()}


@pytest.fixture
def ids(lab: Lab, tmp_path: Path) -> dict[str, AssetId]:
    return fill(lab, tmp_path)


def ran(lab: Lab, name: str, **parameters: object) -> Analysis:
    analysis = asking.ask(lab.store, "things", Asked(name, parameters=parameters))
    running.run(Access(lab.store, lab.blobs, lab.embedders, LIMITS), "things", analysis.id)
    return entries.get(lab.store, "things", analysis.id)


def done(lab: Lab, name: str, **parameters: object) -> tuple[Mapping[str, Any], Analysis]:
    analysis = ran(lab, name, **parameters)
    assert analysis.state is State.DONE, analysis.error
    return analysis.summary, analysis


def failed(lab: Lab, name: str, **parameters: object) -> str:
    analysis = ran(lab, name, **parameters)
    assert analysis.state is State.FAILED
    assert analysis.error is not None
    assert analysis.error.code == "invalid_input"
    return analysis.error.message


def table(lab: Lab, analysis: Analysis, name: str = "assets") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = artefacts.load(lab.blobs, analysis, name).to_pylist()
    return rows


def label(lab: Lab, ids: Mapping[str, AssetId], field: str = "tone", **labels: str) -> None:
    """Labels by name, with _ for the hyphen."""
    wanted = {ids[name.replace("_", "-")]: value for name, value in labels.items()}
    write_labels(lab.store, lab.collection, wanted, field)


def all_labelled(lab: Lab, ids: Mapping[str, AssetId], **others: str) -> None:
    usual = {name.replace("-", "_"): name.split("-")[0] for name in ids}
    label(lab, ids, **(usual | others))


def test_assets_get_the_label_that_means_what_they_show(lab: Lab, ids: dict[str, AssetId]) -> None:
    summary, analysis = done(lab, "classification", labels=["red", "green", "blue"])

    assert summary["counts"] == {"red": 5, "blue": 5, "green": 0}
    assert summary["templates"] == ["a photo of a {}"]
    assert (summary["temperature"], summary["temperature_from"]) == (0.05, "usual")
    rows = {row["id"]: row for row in table(lab, analysis)}
    assert rows[ids["red-0"]]["label"] == "red"
    assert rows[ids["blue-3"]]["label"] == "blue"
    for row in rows.values():
        assert sum(row["scores"]) == pytest.approx(1, abs=1e-5)
        assert row["score"] == max(row["scores"])
        assert row["margin"] == pytest.approx(row["score"] - sorted(row["scores"])[1])
    scores = [row["score"] for row in table(lab, analysis)]
    assert scores == sorted(scores, reverse=True)


def test_texts_are_classified_as_well(lab: Lab) -> None:
    lab.ingest(found_text("/a.txt", "a green hill", "the blue sea"))

    summary, analysis = done(lab, "classification", labels=["green", "blue"])

    assert summary["counts"] == {"green": 1, "blue": 1}
    assert summary["templates"] == ["{}"]
    assert analysis.request.kind == "text"


def test_templates_and_temperature_are_those_asked_for(lab: Lab, ids: dict[str, AssetId]) -> None:
    mild, _ = done(lab, "classification", labels=["red", "blue"], temperature=1.0)
    turned, _ = done(lab, "classification", labels=["red", "ink"], templates=["{}", "blue {}"])

    assert mild["median_score"] < 0.75
    assert mild["temperature_from"] == "parameters"
    assert turned["counts"] == {"red": 5, "ink": 5}, "half of each label is blue now"


def test_scores_of_a_model_with_a_bias_stand_for_themselves() -> None:
    cosines = np.array([[0.1, 0.2], [0.0, 0.3]], np.float32)

    sigmoids = chances(cosines, Logits(scale=10, bias=-2.0))
    shares = chances(cosines, Logits(scale=10))

    assert sigmoids[0].tolist() == pytest.approx([1 / (1 + np.e), 0.5])
    assert shares[0].tolist() == pytest.approx([1 / (1 + np.e), np.e / (1 + np.e)])


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"labels": ["red"]}, "at least 2"),
        ({"labels": ["red", "red"]}, "'red' is there twice"),
        ({"labels": ["red", " "]}, "labels.1"),
        ({"labels": ["red", "blue"], "templates": ["a photo"]}, r"no \{\}"),
        ({"labels": ["red", "blue"], "temperature": 0}, "temperature"),
    ],
)
def test_what_is_wrong_with_labels_is_said(
    lab: Lab, ids: dict[str, AssetId], parameters: dict[str, object], why: str
) -> None:
    with pytest.raises(InvalidInput, match=why):
        asking.ask(lab.store, "things", Asked("classification", parameters=parameters))


def test_a_model_of_pictures_alone_reads_no_labels(
    make_lab: Callable[..., Lab], tmp_path: Path
) -> None:
    lab = make_lab(PictureOnlyEmbedder(), ColourEmbedder())
    fill(lab, tmp_path)
    ask = Asked("classification", "sight", parameters={"labels": ["red", "blue"]})
    analysis = asking.ask(lab.store, "things", ask)
    running.run(Access(lab.store, lab.blobs, lab.embedders, LIMITS), "things", analysis.id)

    error = entries.get(lab.store, "things", analysis.id).error

    assert error is not None
    assert "reads no texts (sight); choose another: colour" in error.message


def test_found_labels_are_those_that_are_sure_enough(lab: Lab, ids: dict[str, AssetId]) -> None:
    _, analysis = done(lab, "classification", labels=["red", "blue"], temperature=0.3)
    scores = {row["id"]: row["score"] for row in table(lab, analysis)}
    least = sorted(scores.values())[5]

    found = found_labels(lab.blobs, analysis, least)

    assert set(found) == {id for id, score in scores.items() if score >= least}
    assert len(found_labels(lab.blobs, analysis)) == 10


def test_labels_spread_from_one_of_each_colour(lab: Lab, ids: dict[str, AssetId]) -> None:
    label(lab, ids, red_0="warm", blue_0="cold")

    summary, analysis = done(lab, "propagation", label="tone", k=3)

    assert (summary["found"], summary["unreached"]) == ({"cold": 4, "warm": 4}, 0)
    assert summary["check"] is None, "of one label each none can be hidden"
    found = found_labels(lab.blobs, analysis)
    assert ids["red-0"] not in found
    assert {found[ids[f"red-{n}"]] for n in range(1, 5)} == {"warm"}
    assert {found[ids[f"blue-{n}"]] for n in range(1, 5)} == {"cold"}


def test_hidden_labels_say_how_well_it_goes(lab: Lab, ids: dict[str, AssetId]) -> None:
    all_labelled(lab, ids)

    summary, analysis = done(lab, "propagation", label="tone", k=3)

    assert summary["check"] == {"hidden": 2, "reached": 2, "right": 1.0}
    assert table(lab, analysis) == []


def test_a_wrong_label_is_a_candidate_with_a_better_one(lab: Lab, ids: dict[str, AssetId]) -> None:
    all_labelled(lab, ids, red_1="blue")

    summary, analysis = done(lab, "label_errors", label="tone", strength=1)

    first = table(lab, analysis)[0]
    assert (first["id"], first["given"], first["suggested"]) == (ids["red-1"], "blue", "red")
    assert summary["candidates"] == 1
    assert found_labels(lab.blobs, analysis) == {ids["red-1"]: "red"}
    (confusion,) = table(lab, analysis, "confusions")
    assert (confusion["given"], confusion["suggested"]) == ("blue", "red")


def test_a_probe_tells_colours_apart_and_ranks_by_them(lab: Lab, ids: dict[str, AssetId]) -> None:
    all_labelled(lab, ids)

    summary, analysis = done(lab, "probe", label="tone", shown=3)

    assert (summary["accuracy"], summary["validated"], summary["macro_f1"]) == (1.0, 2, 1.0)
    assert summary["most_frequent"] == 0.5
    assert {row["label"]: row["f1"] for row in table(lab, analysis, "classes")} == {
        "blue": 1.0,
        "red": 1.0,
    }
    assert {(row["label"], row["predicted"]) for row in table(lab, analysis, "confusion")} == {
        ("red", "red"),
        ("blue", "blue"),
    }
    names = {id: name for name, id in ids.items()}
    extremes = table(lab, analysis, "extremes")
    most = [names[row["id"]] for row in extremes if (row["label"], row["end"]) == ("red", "most")]
    least = [names[row["id"]] for row in extremes if (row["label"], row["end"]) == ("red", "least")]
    assert all(name.startswith("red") for name in most)
    assert all(name.startswith("blue") for name in least)
    vectors = {row["label"]: row["vector"] for row in table(lab, analysis, "prototypes")}
    assert vectors["red"][0] > 0 > vectors["red"][2]


def test_a_probe_labels_what_has_no_label(lab: Lab, ids: dict[str, AssetId]) -> None:
    some = {name: id for name, id in ids.items() if not name.endswith("4")}
    all_labelled(lab, some)

    _, analysis = done(lab, "probe", label="tone")

    assert found_labels(lab.blobs, analysis) == {ids["red-4"]: "red", ids["blue-4"]: "blue"}


@pytest.fixture
def tagged(lab: Lab) -> Lab:
    """Texts with one or two tags each."""
    texts = {"red one": ["r", "odd"], "red two": ["r"], "blue one": ["b", "odd"], "blue two": ["b"]}
    for number, (text, tags) in enumerate(texts.items()):
        lab.ingest(found_text(f"/{number}.txt", text, metadata={"tags": tags, "no": number}))
    return lab


def test_of_several_values_one_is_asked_about(tagged: Lab) -> None:
    assert "2 assets have several" in failed(tagged, "probe", label="tags")

    summary, _ = done(tagged, "propagation", label="tags", value="r", k=2)

    assert summary["given"] == {"(other)": 2, "r": 2}
    assert "no asset has 'x'" in failed(tagged, "propagation", label="tags", value="x")


@pytest.mark.parametrize("name", ["propagation", "label_errors", "probe"])
def test_a_field_that_is_no_class_field_is_named(
    lab: Lab, ids: dict[str, AssetId], name: str
) -> None:
    label(lab, ids, "tone", red_0="warm")
    label(lab, ids, "other", red_0="a", red_1="b")

    assert "no asset has one; fields that are there: other, tone" in failed(lab, name, label="no")
    assert "all that have one have 'warm'" in failed(lab, name, label="tone")
    if name != "propagation":
        assert "two" in failed(lab, name, label="other"), "one asset a class teaches nothing"


def test_what_names_each_asset_is_no_class(lab: Lab) -> None:
    lab.ingest(found_text("/a.txt", *(f"red {number}" for number in range(1001))))

    assert "1,001 different ones, more than the 1,000" in failed(lab, "probe", label="text")


def test_an_analysis_that_failed_has_no_labels_to_save(lab: Lab, ids: dict[str, AssetId]) -> None:
    analysis = ran(lab, "probe", label="no")

    with pytest.raises(Conflict, match=r"has no result \(failed\)"):
        found_labels(lab.blobs, analysis)


def test_assets_that_are_all_alike_are_guessed_by_how_frequent_labels_are(lab: Lab) -> None:
    """Six texts with one and the same vector: three labelled x, two y, one not."""
    for number, tone in enumerate(["x", "x", "x", "y", "y", None]):
        metadata = {} if tone is None else {"tone": tone}
        lab.ingest(found_text(f"/{number}.txt", f"red {number}", metadata=metadata))

    spread, analysis = done(lab, "propagation", label="tone", k=200, check=0)
    (row,) = table(lab, analysis)
    assert (row["label"], spread["found"]) == ("x", {"x": 1, "y": 0})
    assert row["score"] == pytest.approx(0.6, abs=0.05)
    probed, _ = done(lab, "probe", label="tone")
    assert probed["accuracy"] == probed["most_frequent"] == 0.5
    doubted, _ = done(lab, "label_errors", label="tone")
    assert doubted["labelled"] == 5
    assert doubted["accuracy"] <= 0.6

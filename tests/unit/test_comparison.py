"""Two Spaces compared: the same, the same turned, others; and labels in each."""

from __future__ import annotations

import numpy as np
import pytest

from indexer.analysis.comparison import METHOD
from indexer.analysis.comparison.overlap import overlap, remoteness
from indexer.analysis.comparison.separation import classes, knn_accuracy, separation
from indexer.analysis.comparison.structure import alignment, cluster_agreement, rank_agreement
from indexer.analysis.comparison.verdict import verdict
from indexer.analysis.method import Outcome
from indexer.analysis.neighbours import NeighbourGraph
from indexer.errors import InvalidInput, TooFewAssets
from tests.map_subjects import clouds, exact_graph, subject, unit


def compared(given: object, **parameters: object) -> Outcome:
    return METHOD.run(given, METHOD.chosen({"other": "there", **parameters}))  # type: ignore[arg-type]


def graph(*rows: list[int]) -> NeighbourGraph:
    return NeighbourGraph(np.array(rows, np.int32), np.ones((len(rows), len(rows[0])), np.float32))


def test_overlap_counts_whom_both_name() -> None:
    a = graph([1, 2], [0, 2], [0, 1], [4, 0], [3, -1])
    b = graph([2, 1], [0, 3], [3, 4], [4, -1], [3, -1])
    found = overlap(a, b)
    assert found.share.tolist() == [1, 0.5, 0, 0.5, 1]  # of 2, 2, 2, 2 and 1
    assert found.jaccard == pytest.approx([1, 1 / 3, 0, 0.5, 1])
    assert found.chance == pytest.approx(1.8 / 4)


def test_remoteness_is_the_share_that_is_nearer() -> None:
    # On a circle: two together, one at 60°, one opposite.
    angles = np.radians([0, 1, 60, 180])
    vectors = unit(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    assert remoteness(exact_graph(vectors, 1)).tolist() == [0, 0, 0.5, 0.75]


def test_a_space_and_itself_turned_agree_in_everything() -> None:
    vectors, labels = clouds([30, 30, 30])
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(16, 16)))[0]
    turned = unit(vectors @ turn)
    given = subject(vectors, labels=labels, others={"there": turned})
    outcome = compared(given, label="class", maps="pca")
    told = outcome.summary
    assert told["overlap"] == pytest.approx(1, abs=0.01)
    assert told["cka"] == pytest.approx(1, abs=1e-3)
    assert told["rank_correlation"] == pytest.approx(1, abs=1e-3)
    assert told["maps"] == {"by": "pca", "residual": pytest.approx(0, abs=1e-3)}
    assert told["clusters"] == {"count": 3, "sample": 90, "ari": 1, "ami": 1, "nmi": 1}
    assert told["outliers"] == {"only_in_space": 0, "only_in_other": 0}
    laid = outcome.tables["assets"]
    assert laid["other_x"].to_numpy() == pytest.approx(laid["x"].to_numpy(), abs=0.02)
    assert laid["other_y"].to_numpy() == pytest.approx(laid["y"].to_numpy(), abs=0.02)


def test_unrelated_spaces_agree_as_chance_would() -> None:
    chance = np.random.default_rng(1)
    a, b = (unit(chance.normal(size=(600, 8))) for _ in range(2))
    told = compared(subject(a, others={"there": b}), maps="pca").summary
    assert told["overlap_chance"] == pytest.approx(10 / 599, abs=1e-6)
    assert told["overlap"] == pytest.approx(10 / 599, abs=0.01)
    assert abs(float(str(told["rank_correlation"]))) < 0.03
    assert float(str(told["cka"])) < 0.05
    clusters = told["clusters"]
    assert isinstance(clusters, dict)
    assert abs(clusters["ari"]) < 0.05


@pytest.mark.parametrize(("n", "groups"), [(20, 2), (25, 2), (60, 6), (250, 20)])
def test_groups_of_few_unrelated_assets_agree_as_chance_would(n: int, groups: int) -> None:
    figures = []
    for seed in range(8):
        chance = np.random.default_rng(seed)
        a, b = (unit(chance.normal(size=(n, 8))) for _ in range(2))
        told = compared(subject(a, others={"there": b}), maps="pca").summary["clusters"]
        assert isinstance(told, dict)
        assert told["count"] == groups
        figures.append((told["ari"], told["ami"]))
    assert np.abs(np.mean(figures, axis=0)).max() < 0.1


def test_of_fewer_than_two_groups_of_ten_nothing_is_said() -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(19, 8)))
    told = compared(subject(vectors, others={"there": vectors}), clusters=2, maps="pca").summary
    assert told["clusters"] is None
    assert "There are too few assets to compare groups of them." in verdict(told)


def test_who_disagrees_most_comes_first_with_both_lists() -> None:
    # id-0 changes sides: near group one here, near group two there. The others stay.
    vectors, _ = clouds([12, 12], dimension=4, spread=0.02)
    moved = vectors.copy()
    moved[0] = vectors[12]
    outcome = compared(subject(vectors, others={"there": moved}), k=3, shown=5)
    rows = outcome.tables["disagreeing"].to_pylist()
    assert len(rows) == 5
    first = next(row for row in rows if row["id"] == "id-0")
    assert first["overlap"] == 0
    assert all(int(id[3:]) < 12 for id in first["neighbour_ids"])
    assert all(int(id[3:]) >= 12 for id in first["other_neighbour_ids"])
    shares = [row["overlap"] for row in rows]
    assert shares == sorted(shares)
    assert outcome.tables["assets"].num_rows == 24


def test_an_outlier_in_one_alone_is_named_with_its_side() -> None:
    vectors, _ = clouds([30], dimension=4, spread=0.05)
    away = vectors.copy()
    away[7] = [0, 0, 0, 1]
    vectors[7] = vectors[8]
    outcome = compared(subject(vectors, others={"there": away}), maps="pca")
    rows = outcome.tables["outliers"].to_pylist()
    assert rows[0]["id"] == "id-7"
    assert rows[0]["outlier_in"] == "other"
    assert rows[0]["other_remoteness"] > rows[0]["remoteness"]


def test_spaces_may_have_other_dimensions_and_labels_are_judged_in_each() -> None:
    good, labels = clouds([40, 40], dimension=16)
    poor = unit(np.random.default_rng(2).normal(size=(80, 5)))
    given = subject(poor, labels=labels, others={"there": good})
    told = compared(given, label="class", maps="pca").summary["labels"]
    assert isinstance(told, dict)
    assert (told["field"], told["classes"], told["labelled"]) == ("class", 2, 80)
    assert told["majority"] == 0.5
    assert told["other"]["knn_accuracy"] == 1.0
    assert told["space"]["knn_accuracy"] < 0.7
    assert told["other"]["silhouette"] > 0.5 > told["space"]["silhouette"]


def test_a_vote_is_weighted_and_leaves_out_what_has_no_label() -> None:
    near = NeighbourGraph(
        np.array([[1, 2, 3], [0, 2, 3], [3, 0, 1], [2, 0, 1]], np.int32),
        np.array([[0.9, 0.3, 0.3], [0.9, 0.1, 0.1], [0.2, 0.1, 0.1], [0.2, 0.1, 0.1]], np.float32),
    )
    # 0: its own kind weighs 0.9 against 0.6; 1 as well. 2: 0.2 against 0.2, a tie, the first
    # class wins; without the label of 1 it is 0.2 against 0.1.
    assert knn_accuracy(near, classes(["a", "a", "b", "b"])) == 0.5
    assert knn_accuracy(near, classes(["a", None, "b", "b"])) == pytest.approx(2 / 3)


def test_separation_is_what_looking_at_all_pairs_gives() -> None:
    from sklearn.metrics import silhouette_score

    chance = np.random.default_rng(0)
    vectors = unit(chance.normal(size=(60, 6)))
    labels = [str(n) for n in chance.integers(0, 4, 59)] + ["alone"]
    found = separation(vectors, classes(list(labels)))
    cosines = vectors @ vectors.T
    same = np.array([[one == other for other in labels] for one in labels])
    off = ~np.eye(60, dtype=bool)
    assert found.within == pytest.approx(cosines[same & off].mean(), abs=1e-5)
    assert found.between == pytest.approx(cosines[~same].mean(), abs=1e-5)
    assert found.silhouette == pytest.approx(
        silhouette_score(vectors, labels, metric="cosine"), abs=1e-5
    )
    one = separation(vectors, classes(["same"] * 60))
    assert (one.between, one.silhouette) == (None, None)


def test_measures_of_spaces_without_spread_are_not_made_up() -> None:
    same = unit(np.ones((30, 4)))
    other = unit(np.random.default_rng(0).normal(size=(30, 4)))
    assert alignment(same, other) is None
    assert rank_agreement(same, other, 0) is None
    nothing_apart = cluster_agreement(same, same, 3, 0)
    assert nothing_apart is not None
    assert nothing_apart.ari == 1.0
    told = compared(subject(same, others={"there": other}), maps="umap").summary
    assert told["cka"] is None


def test_two_assets_are_compared() -> None:
    vectors = unit([[1, 0], [0.6, 0.8]])
    outcome = compared(subject(vectors, others={"there": vectors}))
    assert outcome.summary["overlap"] == 1
    assert outcome.summary["k"] == 1
    assert outcome.tables["assets"].num_rows == 2


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"other": "here"}, InvalidInput, "'here' is compared with itself"),
        ({"other": "nowhere"}, InvalidInput, "no space 'nowhere'; it has: here, there"),
        ({"label": "class"}, InvalidInput, "None of these 20 assets has .* 'class'"),
    ],
)
def test_what_cannot_be_compared_is_said(
    parameters: dict[str, object], error: type[Exception], message: str
) -> None:
    vectors, _ = clouds([20])
    with pytest.raises(error, match=message):
        compared(subject(vectors, others={"there": vectors}), **parameters)


def test_assets_must_have_vectors_in_both() -> None:
    from dataclasses import replace

    vectors, _ = clouds([20])
    given = subject(vectors, others={"there": vectors})
    one = subject(vectors[:1], others={"there": vectors[:1]})
    apart = replace(given, beside=one.beside)
    with pytest.raises(TooFewAssets, match=r"1 of these assets .* 'here' and in 'there'"):
        compared(apart)


def test_the_verdict_says_first_how_much_has_changed() -> None:
    vectors, labels = clouds([30, 30])
    same = compared(subject(vectors, labels=labels, others={"there": vectors}), label="class")
    assert verdict(same.summary)[0] == (
        "Nearly the same: of each asset's 10 nearest neighbours the two spaces share 10.0 "
        "(chance would share 1.7)."
    )
    other = unit(np.random.default_rng(2).normal(size=(60, 5)))
    different = compared(subject(vectors, labels=labels, others={"there": other}), label="class")
    lines = verdict(different.summary)
    assert lines[0].startswith("Very different: ")
    assert any("'here' tells the classes of 'class' apart better: " in line for line in lines)

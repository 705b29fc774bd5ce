"""Maps: neighbours lie together, a seed gives the same, and what is there stays where it is."""

from __future__ import annotations

import numpy as np
import pytest

from indexer.analysis.maps import METHOD
from indexer.analysis.maps.drawing import TSNE_LIMIT, euclidean, similarity_curve
from indexer.analysis.maps.frame import fit, framed
from indexer.analysis.maps.memberships import strengths
from indexer.analysis.maps.trust import trustworthiness
from indexer.analysis.method import Cancelled
from indexer.analysis.neighbours import NeighbourGraph
from indexer.errors import InvalidInput
from tests.map_subjects import (
    Told,
    clouds,
    drawn,
    exact_graph,
    nearest_label_share,
    positions,
    rows,
    subject,
    unit,
)


def test_umap_puts_groups_apart_and_says_how_far_it_can_be_trusted() -> None:
    vectors, labels = clouds([40, 40, 40])
    outcome = drawn(subject(vectors))
    xy = positions(outcome)
    assert nearest_label_share(xy, labels) == 1.0
    centres = np.array([xy[[of == name for of in labels]].mean(axis=0) for name in "012"])
    inside = max(xy[[of == name for of in labels]].std() for name in "012")
    assert min(np.linalg.norm(centres[i] - centres[i - 1]) for i in range(3)) > inside
    assert outcome.summary["by"] == "umap"
    assert outcome.summary["assets"] == 120
    assert outcome.summary["trustworthiness_sample"] == 120
    assert float(str(outcome.summary["trustworthiness"])) > 0.9
    assert np.ptp(xy, axis=0).max() == pytest.approx(2)
    assert outcome.tables["map"].column_names == ["id", "kind", "x", "y", "placed", "level"]


def test_the_same_seed_gives_the_same_map_and_another_one_another() -> None:
    vectors, _ = clouds([60, 60])
    first, again = positions(drawn(subject(vectors))), positions(drawn(subject(vectors)))
    assert np.array_equal(first, again)
    assert not np.allclose(first, positions(drawn(subject(vectors), seed=1)))


def test_the_number_of_processors_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # Parts of a row range each, whatever their number: so a layout by hand in two ways.
    from indexer.analysis.maps.layout import laid_out
    from indexer.analysis.maps.memberships import memberships

    # A ring: each row has the five that follow it.
    count = 6000
    near = (np.arange(count)[:, None] + np.arange(1, 6)) % count
    similar = (np.full(near.shape, 0.5) - np.arange(5) / 10).astype(np.float32)
    weights = memberships(NeighbourGraph(near.astype(np.int32), similar))
    start = np.random.default_rng(0).normal(size=(count, 2)).astype(np.float32)
    curve = similarity_curve(0.1)
    whole = laid_out(weights, start, curve, 3, 0, lambda *_: None)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0}, raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert np.array_equal(whole, laid_out(weights, start, curve, 3, 0, lambda *_: None))


def test_the_curve_is_that_of_umap() -> None:
    # What umap-learn finds for min_dist 0.1 and spread 1.
    assert similarity_curve(0.1) == pytest.approx((1.577, 0.895), abs=1e-3)


def test_strengths_are_one_for_the_nearest_and_sum_to_the_logarithm() -> None:
    row = np.array([[0.9, 0.8, 0.7, 0.5, 0.2, 0.1, 0.0]], np.float32)
    weights = strengths(row)
    assert weights[0, 0] == 1
    assert (np.diff(weights[0]) < 0).all()
    assert weights.sum() == pytest.approx(np.log2(8), abs=1e-3)
    lonely = strengths(np.array([[0.9, -np.inf, -np.inf]], np.float32))
    assert lonely.tolist() == [[1, 0, 0]]


def test_trustworthiness_is_that_of_scikit_learn() -> None:
    from sklearn.manifold import trustworthiness as reference

    chance = np.random.default_rng(3)
    vectors = unit(chance.normal(size=(80, 5)))
    xy = vectors[:, :2].copy()
    ours = trustworthiness(vectors, xy, 7, 0, Told())
    assert ours is not None
    assert ours.sample == 80
    assert ours.value == pytest.approx(reference(vectors, xy, n_neighbors=7), abs=1e-6)
    assert trustworthiness(vectors[:2], xy[:2], 7, 0, Told()) is None


def test_trustworthiness_of_many_is_measured_on_a_sample() -> None:
    from sklearn.manifold import trustworthiness as reference

    vectors = unit(np.random.default_rng(0).normal(size=(4200, 4)))
    ours = trustworthiness(vectors, vectors[:, :2].copy(), 10, 0, Told())
    assert ours is not None
    assert ours.sample == 1000
    assert ours.value == pytest.approx(reference(vectors, vectors[:, :2], n_neighbors=10), abs=0.01)


def test_pca_has_the_axes_of_largest_variance_and_their_shares() -> None:
    # On the circle around the third axis: x varies by ±0.6, y by ±0.3, z hardly.
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    ring = np.stack([0.6 * np.cos(angles), 0.3 * np.sin(angles), np.ones(200)], axis=1)
    outcome = drawn(subject(ring.astype(np.float32)), by="pca")
    assert outcome.summary["explained"] == [0.8, 0.2, 0.0]  # 0.36 : 0.09
    xy = positions(outcome)
    assert xy[:, 0] == pytest.approx(np.cos(angles), abs=1e-3)
    assert xy[:, 1] == pytest.approx(np.sin(angles) / 2, abs=1e-3)
    assert [row["pc1"] for row in rows(outcome)] == pytest.approx(xy[:, 0].tolist(), abs=1e-5)
    assert outcome.tables["map"].column_names[-1] == "pc3"


def test_lda_finds_the_axis_that_tells_classes_apart_where_pca_does_not() -> None:
    # The second coordinate varies most and says nothing; the third says which class.
    chance = np.random.default_rng(1)
    labels = ["old", "new"] * 60
    given_rows = np.stack(
        [
            np.ones(120),
            chance.normal(0, 0.5, 120),
            [0.1 if of == "old" else -0.1 for of in labels] + chance.normal(0, 0.02, 120),
        ],
        axis=1,
    )
    given = subject(unit(given_rows), labels=labels)
    x = positions(drawn(given, by="lda", label="class"))[:, 0]
    old = np.array([of == "old" for of in labels])
    assert x[old].min() > x[~old].max() or x[old].max() < x[~old].min()
    x = positions(drawn(given, by="pca"))[:, 0]
    assert x[old].min() < x[~old].max()
    assert x[old].max() > x[~old].min()


def test_lda_draws_what_has_no_label_too() -> None:
    vectors, labels = clouds([20, 20, 20])
    outcome = drawn(subject(vectors, labels=[*labels[:50], *[None] * 10]), by="lda", label="class")
    assert nearest_label_share(positions(outcome), labels) == 1.0
    assert sum(outcome.summary["explained"]) == pytest.approx(1, abs=1e-3)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("labels", "parameters", "message"),
    [
        (None, {"by": "lda"}, "needs `label`"),
        (None, {"by": "lda", "label": "class"}, "None of these 30 assets has .* 'class'"),
        (["tulip"] * 30, {"by": "lda", "label": "class"}, "only the value 'tulip'.*umap or pca"),
    ],
)
def test_lda_without_classes_says_what_is_missing(
    labels: list[str] | None, parameters: dict[str, object], message: str
) -> None:
    vectors, _ = clouds([15, 15])
    with pytest.raises(InvalidInput, match=message):
        drawn(subject(vectors, labels=labels), **parameters)


def test_tsne_is_given_euclidean_distances() -> None:
    # 60° apart the ends of unit vectors are 1 apart, 90° apart √2, and opposite ones 2.
    angles = np.radians([0, 60, 150, 180])
    vectors = unit(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    near = euclidean(exact_graph(vectors, 3)).toarray()
    assert near[0] == pytest.approx([0, 1, 2 * np.sin(np.radians(75)), 2], abs=1e-6)
    assert near[1, :3] == pytest.approx([1, 0, np.sqrt(2)], abs=1e-6)


def test_tsne_puts_groups_apart_and_refuses_too_many() -> None:
    vectors, labels = clouds([30, 30, 30])
    outcome = drawn(subject(vectors), by="tsne", perplexity=5)
    assert nearest_label_share(positions(outcome), labels) == 1.0
    many = np.zeros((TSNE_LIMIT + 1, 2), np.float32)
    with pytest.raises(
        InvalidInput, match="up to 20,000 assets, and these are 20,001: draw by uma"
    ):
        drawn(subject(many, ids=[str(n) for n in range(len(many))]), by="tsne")


@pytest.mark.parametrize("count", [1, 2, 3, 15])
@pytest.mark.parametrize("by", ["umap", "tsne"])
def test_too_few_for_neighbours_are_drawn_by_pca_and_that_is_said(count: int, by: str) -> None:
    outcome = drawn(subject(unit(np.eye(16)[:count] + 1)), by=by)
    assert outcome.summary["by"] == "pca"
    assert "needs more" in str(outcome.summary["note"])
    assert np.isfinite(positions(outcome)).all()
    if count == 1:
        assert positions(outcome).tolist() == [[0, 0]]
        assert outcome.summary["trustworthiness"] is None


@pytest.mark.parametrize("by", ["umap", "pca", "tsne"])
def test_equal_vectors_are_drawn_somewhere(by: str) -> None:
    same = unit(np.ones((60, 8)))
    xy = positions(drawn(subject(same), by=by, perplexity=5))
    assert np.isfinite(xy).all()
    assert np.abs(xy).max() <= 1


def test_one_dimension_is_enough() -> None:
    ends = np.array([[1.0], [-1.0]] * 20, np.float32)
    xy = positions(drawn(subject(ends), by="pca"))
    assert sorted(set(xy[:, 0].tolist())) == [-1, 1]
    assert not xy[:, 1].any()


def test_a_frame_keeps_the_aspect() -> None:
    assert framed(np.array([[0, 0], [4, 2]], np.float32)).tolist() == [[-1, -0.5], [1, 0.5]]


def test_fit_undoes_a_rotation_a_reflection_a_scale_and_a_shift() -> None:
    still = np.array([[0, 0], [2, 0], [0, 1]], np.float32)
    moving = still @ np.array([[0, 3], [3, 0]], np.float32) + 7  # mirrored at the diagonal, ×3
    found = fit(moving, still)
    assert found.of(moving) == pytest.approx(still, abs=1e-5)
    assert found.residual == pytest.approx(0, abs=1e-6)
    assert found.scale == pytest.approx(1 / 3)
    assert fit(np.ones((3, 2), np.float32), still).residual == 1.0


def test_a_drawing_can_be_cancelled_between_two_epochs() -> None:
    class Impatient(Told):
        def step(self, what: str, done: int = 0, total: int | None = None) -> None:
            if what == "Drawing" and done == 3:
                raise Cancelled("enough")

    from dataclasses import replace

    vectors, _ = clouds([20, 20])
    with pytest.raises(Cancelled):
        drawn(replace(subject(vectors), progress=Impatient()))


def test_nothing_to_choose_from_is_refused() -> None:
    with pytest.raises(InvalidInput, match="neighbours"):
        METHOD.chosen({"neighbours": 1})
    with pytest.raises(InvalidInput, match="by"):
        METHOD.chosen({"by": "isomap"})

"""The classifier behind probe and label errors, and confident learning, worked out by hand."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.analysis.labels.accuracy import confusion, interval, per_class
from indexer.analysis.labels.confident import doubts
from indexer.analysis.labels.prototypes import mean_prototypes, ranked, weight_prototypes
from indexer.analysis.labels.regression import chosen_strength, fit, folds, held_out


def codes_of(*codes: int) -> NDArray[np.int32]:
    return np.array(codes, np.int32)


@pytest.fixture(scope="module")
def points() -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Three overlapping classes on the sphere."""
    rng = np.random.default_rng(3)
    codes = (np.arange(150) % 3).astype(np.int32)
    vectors = rng.normal(size=(150, 6)) + 2 * np.eye(6)[codes] + 1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), codes


def test_the_model_is_that_of_scikit_learn(
    points: tuple[NDArray[np.float32], NDArray[np.int32]],
) -> None:
    from sklearn.linear_model import LogisticRegression

    vectors, codes = points
    features = (vectors - vectors.mean(axis=0)) / np.sqrt(vectors.var(axis=0).mean())
    theirs = LogisticRegression(C=0.3, tol=1e-8, max_iter=5000).fit(features, codes)

    ours = fit(vectors, codes, 3, 0.3)

    difference = ours.probabilities(vectors) - theirs.predict_proba(features)
    assert np.abs(difference).max() < 2e-3


def test_two_steps_of_the_loss_agree_with_its_slope() -> None:
    """Of one row at (1, 0) and one at (0, 1), the boundary lies in the middle."""
    model = fit(np.eye(2, dtype=np.float32), codes_of(0, 1), 2, 1.0)

    middle = np.array([[1, 1]], np.float32) / np.sqrt(np.float32(2))
    assert model.probabilities(middle)[0] == pytest.approx([0.5, 0.5], abs=1e-3)
    assert model.probabilities(np.eye(2, dtype=np.float32)).argmax(axis=1).tolist() == [0, 1]


def test_identical_vectors_teach_nothing_but_how_frequent_classes_are() -> None:
    same = np.tile(np.array([0.6, 0.8], np.float32), (4, 1))

    found = fit(same, codes_of(0, 0, 0, 1), 2, 1.0).probabilities(same)

    assert found[0] == pytest.approx([0.75, 0.25], abs=1e-2)


def test_a_fit_ends_when_it_is_told_to() -> None:
    def stop(step: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(np.eye(2, dtype=np.float32), codes_of(0, 1), 2, 1.0, stop)


def test_where_labels_are_noise_a_stiff_model_is_chosen() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(120, 20)).astype(np.float32)
    noise = rng.integers(0, 2, 120).astype(np.int32)
    clear = (vectors[:, 0] > 0).astype(np.int32)

    assert chosen_strength(vectors, noise, 2, 0) < chosen_strength(vectors, clear, 2, 0)


def test_a_share_of_each_class_is_held_out_and_never_all_of_it() -> None:
    codes = codes_of(*[0] * 10, *[1] * 2, 2)

    out = held_out(codes, 0.2, seed=5)

    assert [int(out[codes == code].sum()) for code in range(3)] == [2, 1, 0]
    assert (out == held_out(codes, 0.2, seed=5)).all()
    assert [int(held_out(codes, 0.99, 0)[codes == code].sum()) for code in range(3)] == [9, 1, 0]


def test_folds_are_even_in_size_and_in_classes() -> None:
    codes = codes_of(*[0] * 10, *[1] * 5, *[2] * 2)

    fold = folds(codes, 5, seed=1)

    assert sorted(np.bincount(fold, minlength=5).tolist()) == [3, 3, 3, 4, 4]
    assert np.bincount(fold[codes == 0]).tolist() == [2] * 5
    assert np.bincount(fold[codes == 1]).tolist() == [1] * 5
    assert len(set(fold[codes == 2].tolist())) == 2


def test_doubts_take_little_memory_beside_the_chances() -> None:
    chances = np.random.default_rng(0).random((40_000, 200), np.float32)
    chances[:, 0] += 0.5  # the likeliest, and the mean of its own label is as high
    given = np.arange(40_000, dtype=np.int32) % 200
    tracemalloc.start()
    found = doubts(given, chances)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < chances.nbytes / 2
    others = [row[np.arange(200) != label].max() for row, label in zip(chances, given, strict=True)]
    assert found.margins == pytest.approx(found.self_confidence - np.array(others))


def test_confident_learning_by_hand() -> None:
    """Means of p(given): class 0 (0.9 + 0.8 + 0.1) / 3 = 0.6, class 1 (0.7 + 0.9) / 2 = 0.8.

    The third row reaches 0.8 for class 1 though given 0; the fourth reaches nothing.
    """
    given = codes_of(0, 0, 0, 1, 1)
    chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.3, 0.7], [0.1, 0.9]], np.float32)

    found = doubts(given, chances)

    assert found.candidates.tolist() == [False, False, True, False, False]
    assert found.suggested.tolist() == [0, 0, 1, 1, 1]
    assert found.self_confidence == pytest.approx([0.9, 0.8, 0.1, 0.7, 0.9])
    assert found.margins == pytest.approx([0.8, 0.6, -0.8, 0.4, 0.8])
    assert found.joint == pytest.approx(np.array([[2, 1], [0, 2]]))
    assert found.share_wrong == pytest.approx(0.2)


def test_of_several_classes_that_are_reached_the_most_probable_counts() -> None:
    given = codes_of(0, 0, 1, 2)
    chances = np.array(
        [[0.4, 0.35, 0.25], [0.2, 0.1, 0.7], [0.3, 0.32, 0.38], [0.2, 0.1, 0.7]], np.float32
    )

    found = doubts(given, chances)

    # Means: 0.3, 0.32, 0.7. Rows 0 and 2 reach the first two. The likeliest class of row 2 is the
    # third, but it reaches that one not: it counts as of class 1, which it was given.
    assert found.candidates.tolist() == [False, True, False, False]


def test_accuracy_by_class_and_how_sure_it_is() -> None:
    """Class 0: 3 of 4 found, and 1 of class 1 taken for it."""
    matrix = confusion(codes_of(0, 0, 0, 0, 1, 1), codes_of(0, 0, 0, 1, 0, 1), 3)

    precision, recall, f1 = per_class(matrix)

    assert matrix.tolist() == [[3, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert precision.tolist() == [0.75, 0.5, 0]
    assert recall.tolist() == [0.75, 0.5, 0]
    assert f1.tolist() == [0.75, 0.5, 0]
    assert interval(90, 100) == pytest.approx((0.8256, 0.9448), abs=1e-4)
    assert interval(3, 3)[1] == 1.0


def test_prototypes_rank_their_own_class_first() -> None:
    angles = np.radians([0, 10, 20, 80, 90])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    codes = codes_of(0, 0, 0, 1, 1)

    means = mean_prototypes(vectors, codes, 2)
    weights = weight_prototypes(fit(vectors, codes, 2, 1.0))

    order, cosines = ranked(means[0], vectors)
    assert order[0] == 1  # ten degrees is the middle of the first three
    assert cosines[0] == pytest.approx(1, abs=1e-3)
    assert ranked(weights[0], vectors)[0].tolist() == [0, 1, 2, 3, 4]
    assert ranked(weights[1], vectors)[0].tolist() == [4, 3, 2, 1, 0]
    assert np.linalg.norm(weights, axis=1) == pytest.approx([1, 1], abs=1e-5)

"""Rankings become one by reciprocal rank."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.fusion import K, fuse

RANKINGS = st.lists(
    st.lists(st.sampled_from("abcdefgh"), unique=True).map(
        lambda ids: [(id, -float(n)) for n, id in enumerate(ids)]
    ),
    max_size=4,
)


def ids(ranking: list[tuple[str, float]]) -> list[str]:
    return [id for id, _ in ranking]


def test_what_both_find_comes_before_what_one_finds() -> None:
    meaning = [("cat", 0.8), ("dog", 0.7), ("cow", 0.6)]
    words = [("owl", 12.0), ("dog", 11.0)]
    assert ids(fuse([meaning, words])) == ["dog", "cat", "owl", "cow"]


def test_the_score_is_the_formula_over_its_best_value() -> None:
    fused = dict(fuse([[("a", 9.0), ("b", 8.0)], [("b", 1.0)]], weights=[1.0, 3.0]))
    best = 4 / (K + 1)
    assert fused["a"] == pytest.approx((1 / (K + 1)) / best)
    assert fused["b"] == pytest.approx((1 / (K + 2) + 3 / (K + 1)) / best)
    assert fuse([[("a", 9.0)], [("a", 0.1)]]) == [("a", pytest.approx(1.0))]


def test_weights_choose_whom_to_believe() -> None:
    meaning, words = [("a", 1.0), ("b", 0.9)], [("b", 7.0), ("a", 6.0)]
    assert ids(fuse([meaning, words], weights=[2, 1])) == ["a", "b"]
    assert ids(fuse([meaning, words], weights=[1, 2])) == ["b", "a"]


def test_ties_keep_the_order_of_the_first_ranking() -> None:
    assert ids(fuse([[("a", 1.0)], [("b", 1.0)]])) == ["a", "b"]


def test_one_ranking_keeps_its_order_and_none_is_empty() -> None:
    assert ids(fuse([[("a", 3.0), ("b", 2.0)]])) == ["a", "b"]
    assert ids(fuse([[("a", 3.0), ("b", 2.0)], []])) == ["a", "b"]
    assert fuse([]) == []


@pytest.mark.parametrize("weights", [[1.0], [1.0, 1.0, 1.0], [1.0, -1.0]])
def test_weights_that_do_not_fit_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="2 rankings"):
        fuse([[("a", 1.0)], [("b", 1.0)]], weights=weights)


@given(RANKINGS)
def test_every_id_comes_once_with_falling_scores(
    rankings: list[list[tuple[str, float]]],
) -> None:
    fused = fuse(rankings)
    assert sorted(ids(fused)) == sorted({id for ranking in rankings for id, _ in ranking})
    scores = [score for _, score in fused]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 + 1e-9 for score in scores)


@given(RANKINGS)
def test_scores_do_not_matter_but_ranks(rankings: list[list[tuple[str, float]]]) -> None:
    scaled = [[(id, 100 * score - 3) for id, score in ranking] for ranking in rankings]
    assert fuse(scaled) == fuse(rankings)

"""What scores mean: figures from few numbers, and the promises that hold for all numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import meaningless, relevance
from indexer.domain import Kind
from indexer.relevance import CLEAR, LEAST_REACH, Calibration, Method, Scale

cosines = st.floats(-1, 1)


def calibration(asked: Kind, typical: float, clear: float) -> Calibration:
    return Calibration(
        "mini", "f1", asked, Kind.IMAGE, typical, clear, Method.MEANINGLESS, 120, 1000
    )


def vectors(*rows: tuple[float, ...]) -> relevance.Vectors:
    return np.array(rows, dtype=np.float32)


TEXT, PICTURE = calibration(Kind.TEXT, 0.0, 0.2), calibration(Kind.IMAGE, 0.1, 0.6)


def test_the_scale_has_a_half_where_clear_matches_begin() -> None:
    scale = Scale(typical=0.1, reach=0.2)
    assert scale.relevance(0.3) == pytest.approx(CLEAR)
    assert scale.relevance(0.1) == pytest.approx(0.0025, abs=1e-4)
    assert scale.relevance(0.4) == pytest.approx(0.953, abs=1e-3)


@given(cosines, cosines, st.floats(-0.5, 0.9), st.floats(1e-3, 1))
def test_a_higher_score_is_never_less_relevant(
    one: float, other: float, typical: float, reach: float
) -> None:
    scale = Scale(typical, reach)
    low, high = sorted((one, other))
    assert 0 <= scale.relevance(low) <= scale.relevance(high) <= 1


def test_figures_come_from_the_median_and_the_lower_side_of_the_best() -> None:
    best = np.linspace(0.1, 0.3, 1001, dtype=np.float32)
    figures = relevance.from_best(vectors((-0.1, 0.0, 0.3)), best)
    assert figures is not None
    typical, clear = figures
    assert typical == 0
    # Median 0.2, 16th percentile 0.132: 0.2 + 2.25 × 0.068.
    assert clear == pytest.approx(0.3536, abs=1e-3)


def test_chance_matches_do_not_move_the_clear_line() -> None:
    best = np.full(100, 0.2, dtype=np.float32)
    best[:50] -= np.linspace(0.05, 0, 50, dtype=np.float32)
    matching = best.copy()
    matching[-20:] = 0.9
    pairs = vectors((0.0, 0.0))
    assert relevance.from_best(pairs, matching) == relevance.from_best(pairs, best)


def test_a_model_for_which_all_nonsense_is_one_still_has_a_scale() -> None:
    figures = relevance.from_best(vectors((0.4,)), vectors((0.4, 0.4))[0])
    assert figures is not None
    assert figures[1] - figures[0] == pytest.approx(LEAST_REACH)


def test_without_hits_there_are_no_figures() -> None:
    nothing = np.zeros(0, dtype=np.float32)
    assert relevance.from_best(nothing, nothing) is None


def test_stored_vectors_give_figures_where_no_model_can_be_asked() -> None:
    chance = np.random.default_rng(0)
    rows = chance.standard_normal((200, 64))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    figures = relevance.from_stored(rows, rows)
    assert figures is not None
    typical, clear = figures
    assert typical == pytest.approx(0, abs=0.01)
    assert clear == pytest.approx(3.5 / 8, abs=0.03), "cosines of 64-d noise vary by 1/8"


def test_stored_vectors_that_are_all_alike_leave_room_above() -> None:
    chance = np.random.default_rng(0)
    rows = np.eye(1, 64, dtype=np.float32) + 0.1 * chance.standard_normal((50, 64))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    figures = relevance.from_stored(rows, rows)
    assert figures is not None
    assert figures[0] < figures[1] < 1


def test_a_few_stored_vectors_say_nothing() -> None:
    assert relevance.from_stored(np.eye(9, dtype=np.float32), np.eye(9, dtype=np.float32)) is None
    same = np.repeat(np.eye(1, 4, dtype=np.float32), 20, axis=0)
    assert relevance.from_stored(same, same) is None, "only copies of one asset"


def test_one_part_has_the_scale_of_its_kind_whatever_its_weight() -> None:
    for weight in (0.5, 1.0, 40.0):
        scale = relevance.scale([TEXT], [weight], vectors((1, 0)))
        assert (scale.typical, scale.reach) == pytest.approx((0.0, 0.2))


def test_parts_of_one_kind_keep_its_reach() -> None:
    scale = relevance.scale([PICTURE, PICTURE], [1, 1], vectors((1, 0), (0, 1)))
    assert scale.reach == pytest.approx(0.5)
    # Each adds 0.1, and their sum is √2 long.
    assert scale.typical == pytest.approx(0.2 / 2**0.5)


def test_parts_of_two_kinds_lie_between_them() -> None:
    scale = relevance.scale([TEXT, PICTURE], [1, 1], vectors((1, 0), (0, 1)))
    # |(0.2, 0.5)| / |(1, 1)|
    assert scale.reach == pytest.approx(0.381, abs=1e-3)
    mostly_text = relevance.scale([TEXT, PICTURE], [9, 1], vectors((1, 0), (0, 1)))
    assert mostly_text.reach == pytest.approx(0.2, abs=0.02)


def test_what_is_pushed_away_lowers_the_typical_score() -> None:
    scale = relevance.scale([TEXT, PICTURE], [1, -1], vectors((1, 0), (0, 1)))
    assert scale.typical == pytest.approx(-0.1 / 2**0.5)
    assert scale.reach == pytest.approx(0.381, abs=1e-3)


def test_a_calibration_survives_its_payload() -> None:
    assert relevance.from_payload(relevance.to_payload(TEXT)) == TEXT


def test_meaningless_questions_are_always_the_same_and_all_different() -> None:
    texts = meaningless.texts()
    assert texts == meaningless.texts()
    assert len(set(texts)) == len(texts) == 120
    pictures = [picture.tobytes() for picture in meaningless.pictures()]
    assert pictures == [picture.tobytes() for picture in meaningless.pictures()]
    assert len(set(pictures)) == len(pictures) == 24
    assert {(one.mode, one.size) for one in meaningless.pictures()} == {("RGB", (256, 256))}

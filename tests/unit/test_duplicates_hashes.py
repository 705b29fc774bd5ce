"""Perceptual hashes: what they survive, how they turn, and that near ones are found."""

from __future__ import annotations

import numpy as np
import PIL.Image
import PIL.ImageEnhance
import pytest

from indexer.analysis.duplicates.candidates import (
    FAR,
    by_look,
    distinct,
    near_hashes,
    neighbours,
    weighed,
)
from indexer.analysis.duplicates.hashes import (
    TURNS,
    Hashes,
    Turn,
    distances,
    near,
    nearest_turn,
    perceptual_hash,
    turned,
)
from indexer.analysis.neighbours import NeighbourGraph
from tests.photos import photo


def hash_of(image: PIL.Image.Image) -> Hashes:
    return np.array([perceptual_hash(np.asarray(image.convert("L")))])


@pytest.mark.parametrize("turn", TURNS, ids=str)
def test_the_hash_of_a_turned_picture_follows_from_the_hash(turn: Turn) -> None:
    grey = np.asarray(photo("china").convert("L"))
    really = np.array([perceptual_hash(turn.of(grey))])
    assert distances(turned(hash_of(photo("china")), turn), really)[0] <= 2


@pytest.mark.parametrize("turn", TURNS, ids=str)
def test_a_turn_and_the_way_back_leave_a_hash_as_it_was(turn: Turn) -> None:
    hash = hash_of(photo("flower"))
    assert turned(turned(hash, turn), turn.back)[0] == hash[0]


def test_smaller_darker_and_paler_ones_have_nearly_the_same_hash() -> None:
    image = photo("china")
    changed = [
        image.resize((200, 133)),
        PIL.ImageEnhance.Brightness(image).enhance(0.6),
        PIL.ImageEnhance.Contrast(image).enhance(0.7),
        PIL.ImageEnhance.Color(image).enhance(0),
    ]
    assert all(distances(hash_of(image), hash_of(one))[0] <= 3 for one in changed)
    assert distances(hash_of(image), hash_of(photo("flower")))[0] > 16


def test_the_nearest_turn_is_told_with_its_distance() -> None:
    hash = hash_of(photo("china"))
    turns, apart = nearest_turn(hash, turned(hash, Turn(True, 0)))
    assert (TURNS[turns[0]], apart[0]) == (Turn(True, 0), 0)


def test_near_hashes_are_all_found_and_no_others() -> None:
    chance = np.random.default_rng(1)
    hashes = chance.integers(0, 1 << 63, 300, dtype=np.uint64) & ~np.uint64(1 << 63)
    for row in range(100):  # a hundred get a relative that differs in 0 to 9 bits
        bits = chance.choice(63, row % 10, replace=False).astype(np.uint64)
        hashes[200 + row] = hashes[row] ^ np.bitwise_or.reduce(np.uint64(1) << bits, initial=0)
    hashes = np.unique(turned(hashes, TURNS[0]))
    one, other = np.triu_indices(len(hashes), 1)
    truly = nearest_turn(hashes[one], hashes[other])[1] <= 8
    expected = np.stack([one[truly], other[truly]], axis=1)
    found = distinct(np.stack(pair, axis=1) for pair in near(hashes, 8))
    assert len(expected) >= 80
    assert found.tolist() == expected.tolist()


def test_a_thousand_equal_hashes_do_not_make_a_million_pairs() -> None:
    hashes = np.full(1000, 0b1010, np.uint64)
    pairs = near_hashes(hashes, np.ones(1000, np.bool_), 8)
    assert len(pairs) < 15_000
    assert len(np.unique(pairs)) == 1000


def test_of_several_equal_ones_each_meets_each_of_its_mirror_images() -> None:
    straight = np.full(6, hash_of(photo("china"))[0])
    hashes = np.concatenate([straight, turned(straight, Turn(True, 0))])
    pairs = near_hashes(hashes, np.ones(12, np.bool_), 8)
    assert len(pairs) == 12 * 11 // 2


def test_what_shows_nothing_is_near_to_nothing() -> None:
    hashes = np.zeros(3, np.uint64)
    assert len(near_hashes(hashes, np.array([True, False, False]), 8)) == 0


def test_neighbours_become_pairs_once_and_the_nearest_come_first() -> None:
    graph = NeighbourGraph(
        np.array([[1, 2], [0, 2], [1, -1]], np.int32),
        np.array([[0.99, 0.7], [0.99, 0.9], [0.9, -np.inf]], np.float32),
    )
    pairs = neighbours(graph, 0.8)
    assert pairs.tolist() == [[0, 1], [1, 2]]
    vectors = np.array([[1, 0], [0.6, 0.8], [0, 1]], np.float32)
    usable = np.array([True, True, False])
    hashes = np.array([2, 6, 6], np.uint64)
    found = weighed(distinct([pairs[::-1]]), vectors, by_look(hashes, usable))
    assert found.pairs.tolist() == [[0, 1], [1, 2]]  # one bit apart, before a cosine of 0.8
    assert found.cosines.tolist() == pytest.approx([0.6, 0.8])
    assert found.distances.tolist() == [1, FAR]

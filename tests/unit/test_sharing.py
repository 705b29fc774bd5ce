"""Queries share forward passes and are remembered, and nobody gets another's answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from indexer.domain import Kind
from indexer.embedders.sharing import TOGETHER, SharedQueries
from indexer.ports import Logits, Vectors
from tests.fakes import ColourEmbedder


class SlowEmbedder(ColourEmbedder):
    """Holds each pass until it is let go, and notes what was asked together."""

    def __init__(self) -> None:
        super().__init__()
        self.passes: list[list[str]] = []
        self.go = threading.Event()

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        self.passes.append(list(texts))
        assert self.go.wait(10)
        return self.embed_texts(texts)


def wait_until(passes: list[list[str]], count: int) -> None:
    deadline = time.monotonic() + 10
    while len(passes) < count:
        assert time.monotonic() < deadline, passes
        time.sleep(0.005)


def test_what_arrives_during_a_pass_shares_the_next_one() -> None:
    slow = SlowEmbedder()
    shared = SharedQueries(slow)
    with ThreadPoolExecutor(8) as people:
        first = people.submit(shared.embed_queries, ["red"])
        wait_until(slow.passes, 1)
        others = [people.submit(shared.embed_queries, [text]) for text in ("blue", "green", "blue")]
        time.sleep(0.1)
        slow.go.set()
        assert first.result()[0].argmax() == 0
        assert [other.result()[0].argmax() for other in others] == [2, 1, 2]
    assert slow.passes[0] == ["red"]
    assert sorted(slow.passes[1]) == ["blue", "green"], "asked once, though two wanted it"
    assert len(slow.passes) == 2


def test_a_query_asked_again_is_not_computed_again() -> None:
    colour = ColourEmbedder()
    shared = SharedQueries(colour)
    once, again = shared.embed_queries(["red"]), shared.embed_queries(["red"])
    np.testing.assert_array_equal(once, again)
    assert colour.embedded == ["red"]


def test_only_the_latest_queries_are_remembered() -> None:
    colour = ColourEmbedder()
    shared = SharedQueries(colour, remembered=2)
    for text in ("red", "green", "red", "blue", "red", "green"):
        shared.embed_queries([text])
    assert colour.embedded == ["red", "green", "blue", "green"]


def test_a_pasted_page_is_not_remembered() -> None:
    colour = ColourEmbedder()
    shared = SharedQueries(colour)
    page = "red " * 1000
    shared.embed_queries([page])
    shared.embed_queries([page])
    assert colour.embedded == [page, page]


def test_changing_an_answer_does_not_change_the_next() -> None:
    shared = SharedQueries(ColourEmbedder())
    shared.embed_queries(["red"])[:] = 0
    assert shared.embed_queries(["red"])[0].argmax() == 0


def test_a_text_that_fails_fails_alone() -> None:
    slow = SlowEmbedder()
    slow.poison = "bad"
    shared = SharedQueries(slow)
    with ThreadPoolExecutor(8) as people:
        first = people.submit(shared.embed_queries, ["red"])
        wait_until(slow.passes, 1)
        good, bad = (people.submit(shared.embed_queries, [text]) for text in ("blue", "bad"))
        time.sleep(0.1)
        slow.go.set()
        first.result()
        assert good.result()[0].argmax() == 2
        with pytest.raises(RuntimeError, match="trips over"):
            bad.result()
    slow.poison = None
    assert shared.embed_queries(["bad"]).shape == (1, 4), "a failure is not remembered"


def test_many_threads_each_get_their_own_answer() -> None:
    shared = SharedQueries(ColourEmbedder(), remembered=5)
    colours = ["red", "green", "blue"]

    def ask(number: int) -> bool:
        texts = [f"{colours[(number + n) % 3]} {number % 40}" for n in range(3)]
        found = shared.embed_queries(texts).argmax(axis=1).tolist()
        return bool(found == [(number + n) % 3 for n in range(3)])

    with ThreadPoolExecutor(16) as people:
        assert all(people.map(ask, range(2000)))


def test_more_texts_than_one_pass_takes_come_back_in_order() -> None:
    shared = SharedQueries(ColourEmbedder())
    texts = [f"{('red', 'blue')[n % 2]} {n}" for n in range(3 * TOGETHER + 1)]
    found = shared.embed_queries(texts).argmax(axis=1).tolist()
    assert found == [(0, 2)[n % 2] for n in range(len(texts))]
    assert shared.embed_queries([]).shape == (0, 4)


def test_what_the_model_knows_of_its_cosines_is_passed_on() -> None:
    class Knowing(ColourEmbedder):
        logits = {Kind.IMAGE: Logits(scale=7.0)}  # noqa: RUF012

    assert SharedQueries(Knowing()).logits == {Kind.IMAGE: Logits(scale=7.0)}
    assert SharedQueries(ColourEmbedder()).logits == {}

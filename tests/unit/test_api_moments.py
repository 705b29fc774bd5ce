"""What many ask for at once is worked out once, and anew when its moment is over."""

from __future__ import annotations

import threading
import time

import pytest

from api.moments import Moments


def test_fifty_who_ask_at_once_share_one_answer() -> None:
    moments, worked, told = Moments(), [], []

    def slowly() -> int:
        worked.append(1)
        time.sleep(0.05)
        return 7

    def ask() -> None:
        told.append(moments.of("key", slowly, lambda _: 60.0))

    asking = [threading.Thread(target=ask) for _ in range(50)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert (told, len(worked)) == ([7] * 50, 1)


def test_an_answer_lasts_as_long_as_it_says_and_no_error_is_kept() -> None:
    clock = [0.0]
    moments = Moments(lambda: clock[0])
    answers = iter([1, 2, 3])

    def ask() -> int:
        return moments.of("key", lambda: next(answers), lambda value: 10.0 * value)

    assert [ask(), ask()] == [1, 1]
    clock[0] = 10.0
    assert ask() == 2
    clock[0] = 29.9
    assert ask() == 2

    def fail() -> int:
        raise RuntimeError("no answer")

    for _ in range(2):
        with pytest.raises(RuntimeError):
            moments.of("other", fail, lambda _: 60.0)
    assert moments.of("other", lambda: 5, lambda _: 60.0) == 5

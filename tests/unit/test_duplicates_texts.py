"""Texts that say the same, by their words."""

from __future__ import annotations

import pytest

from indexer.analysis.duplicates.texts import (
    containment,
    judge_texts,
    normal_hash,
    overlap,
    wording,
)
from indexer.analysis.duplicates.verdicts import Judged, Verdict

LETTER = "The keeper of the lighthouse wrote a letter to the harbour master in March."


def judged(first: str, second: str, cosine: float = 0.95) -> Judged | None:
    return judge_texts(first, second, cosine, reworded=0.88, shared=0.35)


@pytest.mark.parametrize(
    "other",
    [
        LETTER.upper(),
        LETTER.replace(" ", "\n  "),
        LETTER.removesuffix(".") + "!",
        LETTER.replace("harbour", "har\u00adbour".replace("\u00ad", "")),
        LETTER.replace("The k", "\uff34he k"),  # a full-width T
    ],
)
def test_spacing_case_and_punctuation_do_not_make_another_text(other: str) -> None:
    found = judged(LETTER, other, cosine=0.1)
    assert found is not None
    assert found.verdict is Verdict.SAME_TEXT


def test_a_text_in_a_longer_one_is_contained_and_the_longer_one_is_the_whole() -> None:
    longer = f"From the archive of 1911. {LETTER} It was never answered."
    one, other = judged(LETTER, longer), judged(longer, LETTER)
    assert one is not None
    assert other is not None
    assert (one.verdict, one.derived, other.derived) == (Verdict.CONTAINED, 0, 1)


def test_a_few_words_are_not_contained_in_a_letter() -> None:
    assert judged("The keeper", LETTER, cosine=0.5) is None


def test_reworded_takes_both_meaning_and_words_and_is_never_a_duplicate() -> None:
    other = "In March the lighthouse keeper sent the harbour master a letter."
    found = judged(LETTER, other)
    assert found is not None
    assert (found.verdict, found.is_duplicate) == (Verdict.REWORDED, False)
    assert judged(LETTER, other, cosine=0.5) is None
    assert judged(LETTER, "Someone in charge of a beacon contacted port officials.") is None


def test_figures_by_hand() -> None:
    one, other = wording("red green blue"), wording("Blue, red, yellow")
    assert overlap(one, other) == 2 / 4
    assert containment(wording("a b c d"), wording("x a b c d y")) == 1.0
    assert containment(wording("a b c d"), wording("a b c x")) == 1 / 2


def test_texts_without_any_word_are_told_apart() -> None:
    assert normal_hash("!!!") != normal_hash("???")
    assert overlap(wording(""), wording("")) == 0

"""Texts become BM25 terms."""

from __future__ import annotations

import pytest

from indexer.embedders.terms import document_terms, query_terms
from indexer.errors import InvalidInput


def test_inflected_accented_and_upper_case_words_are_one_term() -> None:
    wings, other = document_terms(["Wings in a CAFÉ", "the boundary layer"])
    assert set(query_terms("wing").indices) <= set(wings.indices)
    assert set(query_terms("cafe").indices) <= set(wings.indices)
    assert not set(query_terms("wing cafe").indices) & set(other.indices)


def test_stop_words_and_empty_texts_have_no_terms() -> None:
    empty = document_terms(["", "the of and", "   "])
    assert [list(vector.indices) for vector in empty] == [[], [], []]
    assert list(query_terms("what is the").indices) == []


def test_a_word_said_again_counts_more_but_less_each_time() -> None:
    weights = [document_terms(["wing " * n])[0].values[0] for n in (1, 2, 3)]
    assert weights[0] < weights[1] < weights[2]
    assert weights[2] - weights[1] < weights[1] - weights[0]


def test_a_word_in_a_long_passage_counts_less() -> None:
    (short,) = document_terms(["wing"])
    (long,) = document_terms(["wing " + " ".join(f"filler{n}" for n in range(300))])
    (term,) = query_terms("wing").indices
    assert dict(zip(long.indices, long.values, strict=True))[term] < short.values[0]


def test_terms_are_unique_and_query_weights_are_one() -> None:
    query = query_terms("wing wing slipstream wings")
    assert len(set(query.indices)) == len(query.indices) == 2
    assert list(query.values) == [1.0, 1.0]


def test_languages_are_a_choice() -> None:
    german = document_terms(["die Häuser"], language="german")[0].indices
    assert list(query_terms("Haus", language="german").indices) == list(german)
    with pytest.raises(InvalidInput, match="klingon"):
        query_terms("wing", language="klingon")


def test_words_are_found_where_no_spaces_are() -> None:
    (terms,) = document_terms(["全文検索は楽しい"])
    assert len(terms.indices) > 1


def test_undecodable_file_names_have_terms() -> None:
    assert document_terms(["photo \udcff"])[0].indices == query_terms("photo").indices


def test_numbers_are_terms_of_their_own() -> None:
    letter, other = document_terms(["letter 4711 of 3 May 1893", "letter 471 of 1894"])
    for number in ("4711", "1893", "3"):
        (term,) = query_terms(number).indices
        assert term in letter.indices
        assert term not in other.indices
    assert len(query_terms("letter 4711").indices) == 2


def test_a_number_counts_more_the_oftener_it_stands() -> None:
    once, twice = document_terms(["1893 harbour town", "1893 harbour 1893"])
    (year,) = query_terms("1893").indices
    weight = [dict(zip(d.indices, d.values, strict=True))[year] for d in (once, twice)]
    assert weight[0] < weight[1]


def test_numbers_beside_words_without_spaces() -> None:
    (text,) = document_terms(["東京 1893"])
    assert set(query_terms("1893").indices) < set(text.indices)
    assert set(query_terms("東京").indices) < set(text.indices)

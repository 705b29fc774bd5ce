"""What clusters are called: weights worked out by hand, and vocabularies of every shape."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from indexer.analysis.clusters import vocabulary, words
from indexer.analysis.clusters.naming import Name, NamedBy, distinct
from indexer.errors import InvalidInput


def test_class_based_tf_idf_by_hand() -> None:
    # term 0 only in the first cluster, term 1 in both
    counts = csr_matrix(np.array([[3.0, 1.0], [0.0, 4.0]]))
    found = csr_matrix((words.weights(counts), counts.indices, counts.indptr)).toarray()
    rare, common = np.log1p(4 / 3), np.log1p(4 / 5)  # four terms a cluster
    assert found == pytest.approx(np.array([[0.75**0.5 * rare, 0.5 * common], [0, common]]))


def test_a_cluster_is_called_by_what_the_others_lack() -> None:
    boats = ["a red boat", "a boat on the lake", "the boat sails", "boat"]
    bread = ["bread from the oven", "fresh bread", "a red box for bread", "bread"]
    found = words.terms([boats, bread, []], 3)
    assert (found[0][0], found[1][0], found[2]) == ("boat", "bread", [])
    assert "the" not in found[0] + found[1]


def test_two_words_that_stay_together_are_one_term() -> None:
    flow = ["boundary layer in a flow", "the boundary layer", "boundary layer theory"]
    found = words.terms([flow, ["heat", "cold heat"]], 2)
    assert found[0][0] == "boundary layer"


def test_the_words_of_many_clusters_take_no_more_memory_than_they_are() -> None:
    # 300 clusters with 60 words each that no other has: 36,000 words and pairs
    texts = [[" ".join(f"w{n}x{word}" for word in range(60))] for n in range(300)]
    words.terms(texts[:2], 3)  # what is imported is not counted
    tracemalloc.start()
    found = words.terms(texts, 3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert all(term.startswith(f"w{n}x") for n, terms in enumerate(found) for term in terms)
    assert [len(terms) for terms in found] == [3] * 300
    assert peak < 300 * 36_000 * 8, "one full table of clusters by words"


def test_only_stop_words_are_no_terms() -> None:
    assert words.terms([["the and of"], ["it is"]], 3) == [[], []]


def test_pictures_speak_by_their_captions_and_not_by_their_camera() -> None:
    metadata = {
        "camera": "Canon EOS 5D",
        "taken": "2003-04-05",
        "captions": ["a boat", "red sails"],
        "source": {"title": "Lake", "url": "https://example.org/boats"},
        "shelf": "12/345",
    }
    assert words.text_of({"metadata": metadata}) == "a boat. red sails. Lake"
    assert words.text_of({"text": "A passage.", "metadata": metadata}) == "A passage."
    assert words.text_of({}) == ""


def test_names_that_occur_twice_are_told_apart() -> None:
    dogs = Name("dog", ("dog", "grass"), NamedBy.WORDS)
    named = distinct([dogs, None, dogs, dogs])
    told = [None if one is None else one.name for one in named]
    assert told == ["dog", None, "dog, grass", "dog (2)"]


def test_the_nearest_terms_less_what_all_share() -> None:
    centres = np.array([[1, 0], [0.8, 0.6]], np.float32)
    terms = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)
    # cosines 1, 0, .6 and .8, .6, .96; their means .9, .3, .78, of which half is taken off
    found = vocabulary.nearest_terms(centres, ["x", "y", "z"], terms, 2)
    assert found == [["x", "z"], ["z", "y"]]


def test_the_general_list_is_plain_and_has_no_term_twice() -> None:
    listed = vocabulary.general()
    assert 1500 <= len(listed) == len(set(listed)) <= 3000
    assert {"dog", "sunset", "X-ray", "wheat field"} <= set(listed)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.txt", "# a remark\nboat\n\n  bread \nboat\n"),
        ("aat.csv", "id,term,scope\n300,boat,craft\n301,bread,\n"),
        ("lcsh.csv", '"uri";"skos:prefLabel@en"\n1;boat\n2;bread\n'),
        ("iconclass.tsv", "notation\tLabel\n46C\tboat\n41C\tbread\n"),
        ("one.csv", "boat\nbread\n"),
        ("bom.csv", "\ufeffterm\nboat\nbread\n"),
    ],
)
def test_a_list_of_terms_is_read(tmp_path: Path, name: str, content: str) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    assert vocabulary.read(file) == ["boat", "bread"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("notation,begriff\n46C,Boot\n", "no column for its terms.*notation, begriff"),
        ("term,id\n,1\n", "holds no term"),
        (b"\x00\x01\x02\x03" * 50, "cannot be read"),
        (None, "cannot be read where the analysis runs"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused(
    tmp_path: Path, content: str | bytes | None, told: str
) -> None:
    file = tmp_path / "terms.csv"
    if content is not None:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InvalidInput, match=told):
        vocabulary.read(file)

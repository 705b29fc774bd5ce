"""Questions to a small collection whose right answers can be told by eye."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.domain import Kind
from indexer.errors import AssetNotFound, CollectionNotFound, InvalidInput, InvalidQuery
from indexer.filters import Equals
from indexer.hits import Answer, Hit
from indexer.queries import Part, SearchQuery
from indexer.search import neighbours, search
from tests.fakes import ColourEmbedder, PictureOnlyEmbedder, TextOnlyEmbedder
from tests.lab import Lab, found_text, picture_in, png

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


@pytest.fixture
def filled(lab: Lab, tmp_path: Path) -> Lab:
    fill(lab, tmp_path)
    return lab


def fill(lab: Lab, tmp_path: Path) -> None:
    for name, colour in {"red": RED, "green": GREEN, "blue": BLUE, "pink": (255, 80, 80)}.items():
        lab.ingest(picture_in(tmp_path / f"{name}.png", colour))
    lab.ingest(
        found_text("/barn.txt", "The red barn burnt.", "A red red door.", metadata={"year": 1901}),
        found_text("/sea.txt", "The blue sea.", metadata={"year": 1950}),
        found_text("/mix.txt", "red and green and blue", metadata={"year": 1950}),
    )


def ask(lab: Lab, *parts: Part, **options: object) -> Answer:
    return search(lab.searcher, "things", SearchQuery(parts, **options))  # type: ignore[arg-type]


def names(answer: Answer) -> list[str]:
    return [name_of(hit) for hit in answer.hits]


def name_of(hit: Hit) -> str:
    return hit.asset.text or Path(hit.asset.sources[0].path).stem


def test_text_to_image(filled: Lab) -> None:
    answer = ask(filled, Part(text="blue"), kind=Kind.IMAGE)
    assert names(answer)[0] == "blue"
    assert len(answer.hits) == 4
    assert answer.hits[0].score == pytest.approx(1.0, abs=1e-4)


def test_image_to_image_by_upload_and_by_id(filled: Lab) -> None:
    by_upload = ask(filled, Part(image=png((250, 5, 5))), kind=Kind.IMAGE)
    assert names(by_upload)[:2] == ["red", "pink"]
    red = by_upload.hits[0].asset.id
    by_id = ask(filled, Part(asset=red), kind=Kind.IMAGE)
    assert names(by_id)[0] == "pink", "the picture asked about is not its own answer"
    assert names(neighbours(filled.searcher, "things", red)) == names(by_id)


def test_image_to_text_and_text_to_text(filled: Lab) -> None:
    assert names(ask(filled, Part(image=png(BLUE)), kind=Kind.TEXT))[0] == "The blue sea."
    assert names(ask(filled, Part(text="blue"), kind=Kind.TEXT))[0] == "The blue sea."


def test_without_a_kind_pictures_and_texts_take_turns(filled: Lab) -> None:
    kinds = [hit.asset.kind for hit in ask(filled, Part(text="red"), limit=4).hits]
    assert kinds == [Kind.IMAGE, Kind.TEXT, Kind.IMAGE, Kind.TEXT]


def test_negatives_push_away(filled: Lab) -> None:
    plain = names(ask(filled, Part(text="red blue"), kind=Kind.IMAGE))
    assert set(plain[:3]) == {"red", "blue", "pink"}
    parts = (Part(text="red blue"), Part(text="red", weight=-1))
    assert names(ask(filled, *parts, kind=Kind.IMAGE))[0] == "blue"


def test_least_like_comes_from_the_far_end(filled: Lab) -> None:
    answer = ask(filled, Part(vector=(1, 0, 0, 0)), kind=Kind.IMAGE, least=True)
    assert set(names(answer)[:2]) == {"green", "blue"}
    assert answer.hits[0].score == pytest.approx(0.0, abs=1e-4)
    scores = [hit.score for hit in answer.hits]
    assert scores == sorted(scores)


def test_filters_limit_offset_and_minimum(filled: Lab) -> None:
    old = ask(filled, Part(text="red"), kind=Kind.TEXT, filter=Equals("metadata.year", 1901))
    assert set(names(old)) == {"The red barn burnt.", "A red red door."}
    second = ask(filled, Part(text="red"), kind=Kind.IMAGE, offset=1, limit=1)
    assert names(second) == ["pink"]
    strict = ask(filled, Part(text="red"), kind=Kind.IMAGE, min_score=0.9)
    assert names(strict) == ["red", "pink"]


def test_grouping_gives_one_hit_a_document(filled: Lab) -> None:
    answer = ask(filled, Part(text="red"), kind=Kind.TEXT, group=True)
    documents = [hit.asset.sources[0].path for hit in answer.hits]
    assert documents == ["/barn.txt", "/mix.txt", "/sea.txt"]
    assert [len(hit.others) for hit in answer.hits] == [1, 0, 0]


def test_hybrid_finds_by_words_what_meaning_does_not_tell_apart(filled: Lab) -> None:
    hybrid = ask(filled, Part(text="burnt red"), kind=Kind.TEXT)
    assert names(hybrid)[0] == "The red barn burnt."
    assert hybrid.hits[0].matched == ("meaning", "words")
    dense = ask(filled, Part(text="burnt red"), kind=Kind.TEXT, hybrid=False)
    assert {hit.matched for hit in dense.hits} == {("meaning",)}


def test_what_words_alone_found_has_its_cosine_and_obeys_the_minimum(filled: Lab) -> None:
    answer = ask(filled, Part(text="burnt"), kind=Kind.TEXT)
    (burnt,) = [hit for hit in answer.hits if "words" in hit.matched]
    assert name_of(burnt) == "The red barn burnt."
    assert burnt.score == pytest.approx(0.1, abs=0.02), "burnt is no colour: 0.1 of 1.0 in common"
    assert ask(filled, Part(text="burnt"), kind=Kind.TEXT, min_score=0.5).hits == ()


def test_the_specialist_space_is_chosen(make_lab: Callable[..., Lab], tmp_path: Path) -> None:
    lab = make_lab(ColourEmbedder(), TextOnlyEmbedder())
    fill(lab, tmp_path)
    assert {hit.space for hit in ask(lab, Part(text="red"), kind=Kind.TEXT).hits} == {"words"}
    assert {hit.space for hit in ask(lab, Part(text="red"), kind=Kind.IMAGE).hits} == {"colour"}
    picture = ask(lab, Part(image=png(RED)))
    assert {hit.space for hit in picture.hits} == {"colour"}


def test_a_space_of_pictures_answers_pictures_where_it_is_named(
    make_lab: Callable[..., Lab], tmp_path: Path
) -> None:
    lab = make_lab(ColourEmbedder(), PictureOnlyEmbedder())
    fill(lab, tmp_path)
    assert lab.totals.indexed == lab.totals.found
    named = ask(lab, Part(image=png(BLUE)), space="sight")
    assert {hit.space for hit in named.hits} == {"sight"}
    assert names(named)[0] == "blue"
    unnamed = ask(lab, Part(image=png(BLUE)), kind=Kind.IMAGE)
    assert {hit.space for hit in unnamed.hits} == {"colour"}, "the first one is what is meant"


def test_a_text_asked_of_a_space_of_pictures_is_told_which_to_ask(
    make_lab: Callable[..., Lab], tmp_path: Path
) -> None:
    lab = make_lab(ColourEmbedder(), PictureOnlyEmbedder())
    fill(lab, tmp_path)
    with pytest.raises(InvalidQuery) as caught:
        ask(lab, Part(text="blue"), space="sight")
    assert "'sight'" in caught.value.message
    assert "holds image only and cannot answer this text query" in caught.value.message
    assert "colour (image and text)" in caught.value.message


def test_without_a_model_of_texts_a_text_query_says_what_there_is(
    make_lab: Callable[..., Lab], tmp_path: Path
) -> None:
    lab = make_lab(PictureOnlyEmbedder())
    fill(lab, tmp_path)
    assert (lab.totals.indexed, lab.totals.skipped) == (4, 4), "pictures; passages are skipped"
    with pytest.raises(InvalidQuery, match=r"no space to answer this text query.*sight \(image\)"):
        ask(lab, Part(text="blue"))
    assert names(ask(lab, Part(image=png(BLUE))))[0] == "blue"


@pytest.mark.parametrize(
    ("parts", "options", "error"),
    [
        ((), {}, InvalidQuery),
        ((Part(text="  "),), {}, InvalidQuery),
        ((Part(text="a", asset="b"),), {}, InvalidQuery),
        ((Part(text="red", weight=0),), {}, InvalidQuery),
        ((Part(text="red", weight=float("nan")),), {}, InvalidQuery),
        ((Part(text="red"), Part(text="red", weight=-1)), {}, InvalidQuery),
        ((Part(vector=(1, 2)),), {}, InvalidQuery),
        ((Part(vector=(0, 0, 0, 0)),), {}, InvalidQuery),
        ((Part(vector=(float("inf"), 0, 0, 0)),), {}, InvalidQuery),
        ((Part(text="red"),), {"limit": 0}, InvalidQuery),
        ((Part(text="red"),), {"offset": 10_000}, InvalidQuery),
        ((Part(text="red"),), {"space": "none"}, InvalidInput),
        ((Part(image=png()),), {"hybrid": True}, InvalidQuery),
        ((Part(image=b"no picture"),), {}, InvalidInput),
        ((Part(asset="00000000-0000-5000-8000-000000000000"),), {}, AssetNotFound),
    ],
)
def test_senseless_questions_are_refused_by_name(
    filled: Lab, parts: tuple[Part, ...], options: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        ask(filled, *parts, **options)


def test_an_unknown_collection_is_named(lab: Lab) -> None:
    with pytest.raises(CollectionNotFound, match="nowhere"):
        search(lab.searcher, "nowhere", SearchQuery((Part(text="red"),)))

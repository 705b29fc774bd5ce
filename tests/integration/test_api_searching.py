"""Pictures and texts that are uploaded are found: by text, by picture, by both, or by neither."""

from __future__ import annotations

import base64
import csv
import io
import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
import skimage

from tests.integration.conftest import Live

PICTURES = Path(skimage.__file__).parent / "data"
NAMES = ("chelsea.png", "coffee.png", "astronaut.png", "rocket.jpg")
TEXTS = [
    {"text": "The lighthouse at the harbour was built in 1884.", "metadata": {"year": 1884}},
    {"text": "Bread is made of flour, water, salt and yeast.", "metadata": {"year": 1950}},
]


@pytest.fixture(scope="module")
def shelf(live: Live) -> Iterator[str]:
    """Four pictures and two texts, indexed; tests only read it."""
    name = "shelf"
    live.owner.post("/v1/collections", json={"name": name}).raise_for_status()
    files = [("files", (name, (PICTURES / name).read_bytes())) for name in NAMES]
    metadata = json.dumps({"origin": "skimage"})
    base = f"/v1/collections/{name}/assets"
    added = live.client.post(f"{base}/upload", files=files, data={"metadata": metadata})
    assert added.status_code == 202, added.text
    live.settled(name, added.json()["job"]["id"])
    texts = live.client.post(base, json={"texts": TEXTS}).json()
    live.settled(name, texts["job"]["id"])
    yield name
    live.owner.delete(f"/v1/collections/{name}")


def search(live: Live, shelf: str, **question: object) -> list[dict[str, Any]]:
    answer = live.client.post(f"/v1/collections/{shelf}/search", json=question)
    assert answer.status_code == 200, answer.text
    hits: list[dict[str, Any]] = answer.json()["hits"]
    return hits


def paths(hits: list[dict[str, Any]]) -> list[str]:
    return [hit["source"]["path"] for hit in hits]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("a cat", "chelsea.png"),
        ("a cup of coffee on a table", "coffee.png"),
        ("a rocket on its launch pad", "rocket.jpg"),
    ],
)
def test_a_text_finds_the_picture(live: Live, shelf: str, words: str, name: str) -> None:
    assert paths(search(live, shelf, text=words, kind="image"))[0] == name


def test_a_changed_picture_finds_its_original(live: Live, shelf: str) -> None:
    buffer = io.BytesIO()
    with PIL.Image.open(PICTURES / "chelsea.png") as picture:
        picture.resize((200, 133)).convert("L").save(buffer, "JPEG", quality=60)
    encoded = base64.b64encode(buffer.getvalue()).decode()
    assert paths(search(live, shelf, image=encoded, kind="image"))[0] == "chelsea.png"
    as_in_browsers = f"data:image/jpeg;base64,{encoded}"
    assert paths(search(live, shelf, image=as_in_browsers, kind="image"))[0] == "chelsea.png"


def test_an_unwanted_part_pushes_away(live: Live, shelf: str) -> None:
    question = {"parts": [{"text": "a photo"}], "kind": "image"}
    plain = search(live, shelf, **question)
    first = plain[0]["source"]["path"]
    words = {"chelsea.png": "cat", "coffee.png": "coffee", "astronaut.png": "astronaut"}
    without = [{"text": words.get(first, "rocket"), "weight": 2.0}]
    assert paths(search(live, shelf, **question, **{"not": without}))[0] != first


def test_a_text_is_found_with_its_words_marked(live: Live, shelf: str) -> None:
    (best, *_) = search(live, shelf, text="harbours and lighthouses", kind="text")
    assert best["matched"] == ["meaning", "words"]
    marked = [best["snippet"][start:end] for start, end in best["highlights"]]
    assert marked == ["lighthouse", "harbour"]
    assert best["thumbnail_url"] is None


def test_without_a_kind_texts_and_pictures_are_found(live: Live, shelf: str) -> None:
    assert {hit["kind"] for hit in search(live, shelf, text="coffee")} == {"image", "text"}


def test_a_filter_limits_what_is_found(live: Live, shelf: str) -> None:
    early = {"field": "year", "lt": 1900}
    assert [hit["metadata"]["year"] for hit in search(live, shelf, text="bread", filter=early)] == [
        1884
    ]
    assert search(live, shelf, text="bread", filter={"field": "origin", "equals": "no"}) == []


def test_hits_say_how_relevant_they_are(live: Live, shelf: str) -> None:
    cat, *others = search(live, shelf, text="a cat", kind="image")
    assert 0.5 <= cat["relevance"] <= 1
    assert all(0 <= other["relevance"] < 0.5 for other in others)
    text = search(live, shelf, text="how to make bread", kind="text")[0]
    assert text["metadata"]["year"] == 1950
    assert text["relevance"] >= 0.5


def test_a_search_can_answer_that_nothing_matches(live: Live, shelf: str) -> None:
    for words in ("xqzv blorp", "shear stress in supersonic flow"):
        assert len(search(live, shelf, text=words)) == 6
        assert search(live, shelf, text=words, min_relevance=0.5) == []
    (cat,) = search(live, shelf, text="a cat", min_relevance=0.5)
    assert paths([cat]) == ["chelsea.png"]
    refused = live.client.post(
        f"/v1/collections/{shelf}/search", json={"text": "a cat", "min_relevance": 2}
    )
    assert refused.status_code == 422


def test_parts_and_negatives_have_a_relevance_too(live: Live, shelf: str) -> None:
    cat = search(live, shelf, text="a cat", kind="image")[0]
    picture = base64.b64encode((PICTURES / "chelsea.png").read_bytes()).decode()
    question = {"parts": [{"text": "a cat"}, {"image": picture}], "not": [{"text": "a rocket"}]}
    best, *others = search(live, shelf, kind="image", **question)
    assert best["id"] == cat["id"]
    assert best["relevance"] >= 0.5 > max(other["relevance"] for other in others)


def test_the_collection_tells_what_scores_mean(live: Live, shelf: str) -> None:
    hits = search(live, shelf, text="a cat", kind="image")
    told = live.client.get(f"/v1/collections/{shelf}").json()["calibrations"]
    (figures,) = [one for one in told if (one["asked"], one["found"]) == ("text", "image")]
    assert figures["method"] == "meaningless"
    assert figures["assets"] == 4
    assert -1 < figures["typical"] < figures["clear"] < 1
    for hit in hits:
        distance = (hit["score"] - figures["typical"]) / (figures["clear"] - figures["typical"])
        assert hit["relevance"] == pytest.approx(1 / (1 + math.exp(-6 * (distance - 1))), abs=1e-6)


def test_pages_of_hits_join_without_gap(live: Live, shelf: str) -> None:
    whole = search(live, shelf, text="photo", kind="image", limit=4)
    halves = [
        hit
        for offset in (0, 2)
        for hit in search(live, shelf, text="photo", kind="image", limit=2, offset=offset)
    ]
    assert paths(halves) == paths(whole)


def test_the_least_similar_comes_first_when_asked(live: Live, shelf: str) -> None:
    near = paths(search(live, shelf, text="a cat", kind="image"))
    far = paths(search(live, shelf, text="a cat", kind="image", least=True))
    assert far == near[::-1]


def test_an_asset_leads_to_its_neighbours(live: Live, shelf: str) -> None:
    id = search(live, shelf, text="a cat", kind="image")[0]["id"]
    neighbours = live.client.get(f"/v1/collections/{shelf}/assets/{id}/neighbours?limit=2").json()
    assert len(neighbours["hits"]) == 2
    assert id not in [hit["id"] for hit in neighbours["hits"]]
    assert [h["id"] for h in search(live, shelf, asset=id, kind="image", limit=2)] == [
        hit["id"] for hit in neighbours["hits"]
    ]


def test_grouping_gives_one_hit_a_document(live: Live, collection: str) -> None:
    long = " ".join(
        f"Sentence {n} tells of the sea and of ships that sail on it." for n in range(99)
    )
    added = live.client.post(
        f"/v1/collections/{collection}/assets", json={"texts": [{"text": long, "name": "sea"}]}
    ).json()
    live.settled(collection, added["job"]["id"])
    hits = search(live, collection, text="ships at sea", group=True)
    assert len(hits) == 1
    assert hits[0]["others"]
    assert {other["source"]["path"] for other in hits[0]["others"]} == {"sea.txt"}


def test_the_answer_says_where_the_time_went(live: Live, shelf: str) -> None:
    answer = live.client.post(f"/v1/collections/{shelf}/search", json={"text": "a cat"})
    milliseconds = answer.json()["milliseconds"]
    assert milliseconds["total"] >= milliseconds["model"] + milliseconds["store"]
    stages = [part.split(";")[0] for part in answer.headers["server-timing"].split(", ")]
    assert sorted(stages) == ["model", "store", "total"]


def test_facets_count_values(live: Live, shelf: str) -> None:
    counted = live.client.get(f"/v1/collections/{shelf}/facets?field=metadata.origin").json()
    assert counted == {"values": [{"value": "skimage", "count": 4}]}
    kinds = live.client.get(f"/v1/collections/{shelf}/facets?field=kind").json()["values"]
    assert kinds == [{"value": "image", "count": 4}, {"value": "text", "count": 2}]


def test_assets_are_listed_page_by_page(live: Live, shelf: str) -> None:
    seen: list[str] = []
    after: str | None = None
    while True:
        page = live.client.get(
            f"/v1/collections/{shelf}/assets",
            params={"limit": 4, **({"after": after} if after else {})},
        ).json()
        seen += [asset["id"] for asset in page["assets"]]
        after = page["after"]
        if after is None:
            break
    assert len(set(seen)) == len(seen) == 6
    pictures = live.client.get(f"/v1/collections/{shelf}/assets?kind=image&status=indexed").json()
    assert len(pictures["assets"]) == 4


def test_the_collection_can_be_taken_away_as_a_file(live: Live, shelf: str) -> None:
    lines = live.client.get(f"/v1/collections/{shelf}/export").text.splitlines()
    assert len([json.loads(line) for line in lines]) == 6
    early = json.dumps({"field": "year", "lt": 1900})
    table = live.client.get(f"/v1/collections/{shelf}/export?format=csv&filter={early}").text
    (row,) = csv.DictReader(io.StringIO(table))
    assert row["text"] == TEXTS[0]["text"]
    assert row["metadata.year"] == "1884"
    assert json.loads(row["metadata"]) == {"year": 1884}


def test_thumbnails_are_small_and_cached_for_ever(live: Live, shelf: str) -> None:
    hit = search(live, shelf, text="a cat", kind="image")[0]
    first = live.client.get(f"{hit['thumbnail_url']}?size=128")
    assert first.headers["content-type"] == "image/webp"
    assert "immutable" in first.headers["cache-control"]
    with PIL.Image.open(io.BytesIO(first.content)) as picture:
        assert max(picture.size) == 128
    known = {"If-None-Match": first.headers["etag"]}
    again = live.client.get(f"{hit['thumbnail_url']}?size=128", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert live.client.get(f"{hit['thumbnail_url']}?size=100").status_code == 422


def test_originals_come_back_as_they_were(live: Live, shelf: str) -> None:
    hit = search(live, shelf, text="a cat", kind="image")[0]
    original = live.client.get(hit["content_url"])
    assert original.content == (PICTURES / "chelsea.png").read_bytes()
    assert original.headers["content-type"] == "image/png"
    assert original.headers["content-disposition"] == "inline; filename*=UTF-8''chelsea.png"


def test_searches_at_once_all_get_their_own_answer(live: Live, shelf: str) -> None:
    wanted = [("a cat", "chelsea.png"), ("a cup of coffee on a table", "coffee.png")] * 8
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(lambda pair: paths(search(live, shelf, text=pair[0], kind="image"))[0], wanted)
        )
    assert found == [name for _, name in wanted]

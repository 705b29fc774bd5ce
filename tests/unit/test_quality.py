"""Quality: pictures made to be dark, blurred or empty, texts made to be unreadable."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFilter
import pytest

from indexer.analysis import artefacts, asking, entries, running
from indexer.analysis.asking import Asked
from indexer.analysis.entry import Analysis
from indexer.analysis.quality import pictures, texts
from indexer.analysis.quality.issues import ISSUES, scores_of
from indexer.analysis.quality.measuring import COLUMNS
from indexer.analysis.subject import Access
from indexer.domain import Kind
from indexer.errors import InvalidInput
from tests.fakes import ColourEmbedder
from tests.lab import LIMITS, Lab, found_picture, found_text, open_lab


def photo(seed: int = 0, size: tuple[int, int] = (320, 240)) -> PIL.Image.Image:
    """Coloured boxes of all sizes: sharp edges, all lightnesses."""
    chance = np.random.default_rng(seed)
    image = PIL.Image.new("RGB", size, (120, 130, 140))
    draw = PIL.ImageDraw.Draw(image)
    for _ in range(120):
        x, y = (int(chance.integers(0, side)) for side in size)
        width, height = (int(one) for one in chance.integers(4, 60, 2))
        colour = tuple(int(one) for one in chance.integers(0, 256, 3))
        draw.rectangle((x, y, x + width, y + height), fill=colour)
    return image


def page(lines: int) -> PIL.Image.Image:
    """White paper with as many lines of black strokes."""
    image = PIL.Image.new("RGB", (300, 400), "white")
    draw = PIL.ImageDraw.Draw(image)
    for line in range(lines):
        for x in range(40, 260, 6):
            draw.rectangle((x, 40 + 12 * line, x + 2, 46 + 12 * line), fill="black")
    return image


def scored(*images: PIL.Image.Image) -> list[dict[str, float]]:
    """The scores of each picture among these."""
    rows = [{"width": one.width, "height": one.height, **pictures.measure(one)} for one in images]
    columns = {name: np.array([row.get(name, np.nan) for row in rows], float) for name in COLUMNS}
    found = scores_of(columns, [None] * len(rows))
    return [{issue: float(found[issue][row]) for issue in ISSUES} for row in range(len(rows))]


def flagged(scores: dict[str, float]) -> set[str]:
    return {issue for issue, score in scores.items() if score > 0.5}


PHOTOS = [photo(seed) for seed in range(6)]


def test_of_good_photographs_nothing_is_flagged() -> None:
    assert [flagged(one) for one in scored(*PHOTOS)] == [set()] * 6


@pytest.mark.parametrize(
    ("issue", "spoilt"),
    [
        ("dark", photo(9).point(lambda value: value * 0.25)),
        ("light", photo(9).point(lambda value: 190 + value * 0.25)),
        ("blurred", photo(9).filter(PIL.ImageFilter.GaussianBlur(5))),
        ("grey", photo(9).convert("L").convert("RGB")),
        ("odd_size", photo(9).resize((32, 24))),
        ("odd_aspect", photo(9, (640, 80))),
        ("blank", PIL.Image.new("RGB", (320, 240), (90, 20, 40))),
    ],
)
def test_a_spoilt_photograph_is_flagged_for_what_it_is(issue: str, spoilt: PIL.Image.Image) -> None:
    assert issue in flagged(scored(*PHOTOS, spoilt)[-1])


def test_a_sharp_thing_before_a_blurred_garden_is_not_blurred() -> None:
    garden = photo(9).filter(PIL.ImageFilter.GaussianBlur(6))
    garden.paste(photo(8).crop((0, 0, 120, 120)), (100, 60))
    assert "blurred" not in flagged(scored(*PHOTOS, garden)[-1])


def test_an_almost_empty_page_is_told_from_a_full_one_and_from_none() -> None:
    full, almost, nothing = scored(page(24), page(1), page(0))
    assert {"empty_page", "blank"} & flagged(full) == set()
    assert {"empty_page", "blank"} & flagged(almost) == {"empty_page"}
    assert {"empty_page", "blank"} <= flagged(nothing)


def test_among_black_and_white_pictures_none_is_odd_for_being_so() -> None:
    greys = [photo(seed).convert("L").convert("RGB") for seed in range(5)]
    assert all("grey" not in flagged(one) for one in scored(*greys, photo(9)))


@pytest.mark.parametrize(
    ("text", "measure", "least", "most"),
    [
        ("The lighthouse was built in 1884.", "garbled", 0, 0),
        ("Die Königin schrieb dem NATO-Rat, z. B. über e-mail@example.org.", "garbled", 0, 0),
        ("Tbe l1g#t%h ,.~;' bcdfgkl iiiiii aBcDeF h0u5e2s", "garbled", 0.7, 1),
        ("1884 1885 1886 total 12", "digits", 14 / 19, 14 / 19),
        ("a b\n c", "characters", 3, 3),
        ("", "garbled", 0, 0),
    ],
)
def test_texts_are_measured(text: str, measure: str, least: float, most: float) -> None:
    assert least <= texts.measure(text)[0][measure] <= most


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([1, 1, 1, 1], [0, 0, 0, 0]),
        ([2, 2, 2, 1], [0, 0, 0, 0]),
        ([4, 4, 4, 1], [0, 0, 0, 0.5]),  # a quarter of four
        ([8, 8, 8, 1], [0, 0, 0, 0.75]),  # an eighth
        ([500, 500, 500, 20], [0, 0, 0, 0.5]),
    ],
)
def test_short_is_what_has_few_characters_or_few_among_texts_that_all_have(
    lengths: list[int], expected: list[float]
) -> None:
    columns = {name: np.full(4, np.nan) for name in COLUMNS} | {"characters": np.array(lengths)}
    assert scores_of(columns, [None] * 4)["short"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "script"),
    [("Haus 12", "LATIN"), ("дом", "CYRILLIC"), ("家は", "CJK"), ("12 %", None)],
)
def test_the_script_of_a_text_is_known(text: str, script: str | None) -> None:
    assert texts.measure(text)[1] == script


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Six photographs, a dark one among them."""
    for lab in open_lab(tmp_path, ColourEmbedder()):
        for seed in range(5):
            lab.ingest(saved(tmp_path / f"{seed}.png", photo(seed)))
        lab.ingest(saved(tmp_path / "dark.png", photo(9).point(lambda value: value * 0.2)))
        yield lab


def saved(path: Path, image: PIL.Image.Image) -> Any:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    path.write_bytes(buffer.getvalue())
    return found_picture(path)


def done(lab: Lab, parameters: dict[str, object] | None = None, **options: Any) -> Analysis:
    asked = Asked("quality", parameters=parameters or {}, **options)
    analysis = asking.ask(lab.store, "things", asked)
    running.run(Access(lab.store, lab.blobs, lab.embedders, LIMITS), "things", analysis.id)
    found = entries.get(lab.store, "things", analysis.id)
    assert found.error is None
    return found


def found_in(lab: Lab, analysis: Analysis) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = artefacts.load(lab.blobs, analysis, "quality").to_pylist()
    return rows


def test_the_dark_picture_comes_first(lab: Lab) -> None:
    analysis = done(lab)
    rows = found_in(lab, analysis)
    assert [row["worst"] for row in rows] == ["dark", *[None] * 5]
    assert rows[0]["issues"][0] == "dark"
    assert rows[0]["score"] == rows[0]["dark"] > 0.5
    assert rows[0]["short"] is None
    assert analysis.summary["flagged"] == 1


def test_a_threshold_of_one_never_flags(lab: Lab) -> None:
    analysis = done(lab, {"thresholds": {"dark": 1}})
    assert "dark" not in analysis.summary["issues"]  # type: ignore[operator]


def test_a_second_run_measures_what_is_new_and_finds_the_same(lab: Lab, tmp_path: Path) -> None:
    first = done(lab)
    lab.ingest(saved(tmp_path / "new.png", photo(11)))
    second = done(lab)
    assert (first.summary["measured"], first.summary["taken_over"]) == (6, 0)
    assert (second.summary["measured"], second.summary["taken_over"]) == (1, 6)
    before = {row["id"]: row["blurred"] for row in found_in(lab, first)}
    after = {row["id"]: row["blurred"] for row in found_in(lab, second)}
    assert before.items() <= after.items()


def test_an_original_that_is_gone_is_a_row_with_the_reason_and_is_tried_again(
    lab: Lab, tmp_path: Path
) -> None:
    (tmp_path / "2.png").rename(tmp_path / "away.png")
    analysis = done(lab)
    first, second = found_in(lab, analysis)[:2]
    assert (first["worst"], first["issues"]) == ("unreadable", ["unreadable"])
    assert "2.png" in first["reason"]
    assert second["worst"] == "dark"
    assert analysis.summary["unreadable"] == 1
    (tmp_path / "away.png").rename(tmp_path / "2.png")
    again = done(lab)
    assert (again.summary["measured"], again.summary["unreadable"]) == (1, 0)


def test_texts_that_are_short_garbled_or_in_another_script_are_found(lab: Lab) -> None:
    usual = [f"The keeper of lighthouse number {row} wrote this by hand." for row in range(12)]
    odd = {
        "/short.txt": "Yes.",
        "/stains.txt": "Tbe l1g#t%h ,.~;' bcdfgkl iiiiii aBcDeF h0u5e2s",
        "/greek.txt": "Ο φάρος χτίστηκε πριν από πολλά χρόνια στην άκρη.",
        "/table.txt": "1884 1885 1886 1887 1888 1889 1890 and so on",
    }
    lab.ingest(*(found_text(f"/{row}.txt", text) for row, text in enumerate(usual)))
    lab.ingest(*(found_text(path, text) for path, text in odd.items()))
    rows = found_in(lab, done(lab, kind=Kind.TEXT))
    worst = {}
    for row in rows:
        (point,) = lab.store.get("things", [row["id"]])
        worst[point.payload["sources"][0]["path"]] = row["worst"]  # type: ignore[index]
    assert {path: issue for path, issue in worst.items() if issue} == {
        "/short.txt": "short",
        "/stains.txt": "garbled",
        "/greek.txt": "other_script",
        "/table.txt": "numbers",
    }


def test_an_issue_that_there_is_not_is_refused(lab: Lab) -> None:
    with pytest.raises(InvalidInput, match="ugly"):
        done(lab, {"thresholds": {"ugly": 0.3}})

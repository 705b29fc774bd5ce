"""The part of a passage that is shown, and where its matching words are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from api.snippets import WIDTH, snippet

FILLER = "Nothing of note is said here at all. " * 40


def marked(text: str, words: str, width: int = WIDTH) -> list[str]:
    shown = snippet(text, words, width)
    return [shown.text[start:end] for start, end in shown.highlights]


def test_words_match_by_their_stem() -> None:
    assert marked("Boats were painted red.", "red boat painting") == ["Boats", "painted", "red"]


def test_stop_words_are_not_marked() -> None:
    assert marked("The boat of the man", "the boat of") == ["boat"]


def test_a_short_text_is_shown_whole() -> None:
    assert snippet("A red boat.", "boat").text == "A red boat."


def test_the_window_lies_where_most_words_match() -> None:
    text = f"A boat. {FILLER} A red boat lay in the harbour. {FILLER}"
    shown = snippet(text, "red boat harbour")
    assert shown.text.startswith("…")
    assert shown.text.endswith("…")
    assert "A red boat lay in the harbour." in shown.text
    assert len(shown.text) <= WIDTH + 2


def test_without_a_match_the_beginning_is_shown() -> None:
    shown = snippet(f"First words. {FILLER}", "zebra")
    assert shown.text.startswith("First words.")
    assert shown.highlights == ()


def test_words_are_found_where_no_spaces_are() -> None:
    assert marked("京都と東京の写真", "東京") == ["東京"]


def test_offsets_count_characters_beyond_the_basic_plane() -> None:
    assert marked("🚢🚢 a red boat", "boat") == ["boat"]


def test_no_cut_goes_through_a_word() -> None:
    text = " ".join(f"word{n}" for n in range(500))
    body = snippet(text, "word250").text.strip("…")
    assert set(body.split()) <= set(text.split())


@given(st.text(max_size=700), st.text(max_size=40))
def test_any_text_has_a_snippet_with_highlights_inside(text: str, words: str) -> None:
    shown = snippet(text, words, 100)
    assert shown.text.strip("…") in text
    assert all(0 <= start < end <= len(shown.text) for start, end in shown.highlights)

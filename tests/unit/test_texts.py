"""Passages end where sentences do, fit their window, and stand at exact offsets."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.charsets import decode_text
from indexer.errors import UndecodableAsset
from indexer.extraction import extract
from indexer.readers.found import Passages
from indexer.texts import split
from tests.reading import count_words


def passages(text: str, window: int = 10) -> list[str]:
    return [span.text for span in split(text, Passages(window, count_words))]


def count_characters(texts: object) -> list[int]:
    return [len(text) for text in texts]  # type: ignore[attr-defined]


def test_sentences_are_packed_up_to_the_window() -> None:
    text = "Dr. Smith went home. It was late. The cat slept on the old red sofa."
    assert passages(text) == [
        "Dr. Smith went home. It was late.",
        "The cat slept on the old red sofa.",
    ]


def test_a_long_enough_passage_ends_with_its_paragraph() -> None:
    assert passages("One two three four.\n\nFive six.") == ["One two three four.", "Five six."]
    # three words of ten are too few to stand alone
    assert passages("One two three.\n\nFive six.") == ["One two three.\n\nFive six."]


def test_a_heading_goes_with_what_follows() -> None:
    text = "One two three.\n\n# New part\nHere are four words, then five more follow."
    # the heading would fit the first passage, its text would not
    assert passages(text, 12) == [
        "One two three.",
        "# New part\nHere are four words, then five more follow.",
    ]


def test_a_sentence_over_the_window_is_cut_at_word_ends() -> None:
    text = " ".join(f"word{i}" for i in range(25))
    parts = passages(text)
    assert all(len(part.split()) <= 10 for part in parts)
    assert " ".join(parts) == text


def test_one_endless_word_is_cut_too() -> None:
    parts = passages("a" * 1000)
    assert "".join(parts) == "a" * 1000
    assert max(map(len, parts)) <= 32 * 11


def test_nothing_comes_of_white_space() -> None:
    assert passages("") == []
    assert passages(" \n\t\u2028\u00a0 ") == []


def test_tokens_are_counted_in_one_call_for_a_text() -> None:
    calls: list[int] = []

    def count(texts: object) -> list[int]:
        counted = count_characters(texts)
        calls.append(len(counted))
        return [1] * len(counted)

    list(split("One. Two. Three is here. " * 100, Passages(50, count)))
    assert calls == [300]


# what sentence splitters and encoders trip over
ODD = st.sampled_from(
    list("ab .!?\n\r\t\"'()“”’。é́\u200d\U0001f600\u2028\x85\xa0\ufeffDr1;#-\ud800")
)


@settings(max_examples=300, deadline=None)
@given(
    text=st.one_of(st.text(max_size=300), st.text(ODD, max_size=300)),
    window=st.integers(1, 30),
    words=st.booleans(),
)
def test_any_text_is_split_without_loss(text: str, window: int, words: bool) -> None:
    count = count_words if words else count_characters
    spans = list(split(text, Passages(window, count)))
    end = 0
    for span in spans:
        assert span.start >= end
        assert text[span.start : span.end] == span.text == span.text.strip() != ""
        assert count([span.text])[0] <= window
        end = span.end
    assert "".join("".join(span.text.split()) for span in spans) == "".join(text.split())


@pytest.mark.parametrize(
    "text",
    [
        "The quick brown fox jumps over the lazy dog. It barks! \n\n" * 20_000,
        "word " * 200_000,
        "a" * 1_000_000,
        "\n" * 1_000_000,
        "“A. B. " * 30_000,
    ],
    ids=["prose", "one line", "one word", "line ends", "quotes"],
)
def test_megabytes_take_linear_time(text: str) -> None:
    start = time.process_time()
    spans = list(split(text, Passages(254, count_words)))
    # ten times what it takes, far below what anything quadratic would
    assert time.process_time() - start < 10
    assert sum(len(span.text.split()) for span in spans) >= len(text.split())


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_text_in_the_usual_encodings(encoding: str) -> None:
    text = "Grüße aus dem Café – “schön”."
    assert decode_text(text.encode(encoding)) == text
    assert decode_text("Café".encode(encoding)) == "Café"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("koi8-r", "Все счастливые семьи похожи друг на друга, каждая несчастливая по-своему."),
        ("cp1251", "Все счастливые семьи похожи друг на друга, каждая несчастливая по-своему."),
        ("shift_jis", "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。"),
        ("gb18030", "自然语言处理是计算机科学领域与人工智能领域中的一个重要方向。"),
    ],
)
def test_old_encodings_are_told_by_their_language(encoding: str, text: str) -> None:
    assert decode_text(text.encode(encoding)) == text


@pytest.mark.parametrize(
    "data",
    [bytes(range(256)), b"\x00" * 100, "Zażółć gęślą jaźń".encode("iso8859-2"), b"\xff\xfe\x00"],
    ids=["bytes", "zeros", "too short to tell", "half a character"],
)
def test_a_poor_guess_is_refused(data: bytes) -> None:
    with pytest.raises(UndecodableAsset):
        decode_text(data)


def test_markdown_keeps_what_can_be_read() -> None:
    source = b"---\ntitle: 'My day'\n---\n# Morning\nSee [the sea](http://a.b)<!-- no -->.\n"
    extracted = extract(source, "text/markdown")
    assert extracted.title == "My day"
    assert extracted.text == "# Morning\nSee the sea.\n"
    assert extract(b"Text\n\n# Only heading #\n", "text/markdown").title == "Only heading"


def test_html_is_what_a_reader_sees() -> None:
    page = (
        "<html><head><title>A &amp; B</title><style>x{}</style></head><body><nav>menu</nav>"
        "<script>if (a<b) {}</script><h1>Top</h1><p>One   two<br>three <b>bo</b>ld.</p>"
        "<!-- <p>no</p> --><table><tr><td>a</td><td>b</td></tr></table></body></html>"
    )
    extracted = extract(page.encode(), "text/html")
    assert extracted.title == "A & B"
    assert extracted.text == "# Top\n\nOne two\nthree bold.\n\na b"


@pytest.mark.parametrize("unit", ["<div>", "<nav>", "<!--", "<a ", "<", "<x y='", "<script>", "&#"])
def test_broken_html_takes_linear_time(unit: str) -> None:
    start = time.process_time()
    extract(("<p>Seen.</p>" + unit * 100_000).encode(), "text/html")
    assert time.process_time() - start < 10


def test_html_declares_its_encoding() -> None:
    page = "<meta charset=iso-8859-2><p>Zażółć gęślą jaźń</p>".encode("iso8859-2")
    assert extract(page, "text/html").text == "Zażółć gęślą jaźń"

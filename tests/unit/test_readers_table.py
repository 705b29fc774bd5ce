"""Rows become passages and pictures, other columns metadata; a bad row fails alone."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.domain import Kind
from indexer.readers.found import Candidate, Columns
from indexer.readers.location import read_location
from indexer.readers.uris import file_uri
from tests.reading import at, encoded, failure, options, write


def told(one: Candidate) -> tuple[int | None, str | None, dict[str, object]]:
    return one.source.row, one.text, dict(one.metadata)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "id,Text,year\n7,A red barn.,1998\n8,A blue boat.,2001\n"),
        ("a.csv", "id;text;year\r\n7;A red barn.;1998\r\n8;A blue boat.;2001\r\n"),
        ("a.tsv", "id\ttext\tyear\n7\tA red barn.\t1998\n\n8\tA blue boat.\t2001\n"),
        ("a.csv", "\ufeffid|text|year\n7|A red barn.|1998\n8|A blue boat.|2001\n"),
    ],
)
def test_delimited_text(name: str, content: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, content)
    first, second = at(path)
    assert told(first) == (1, "A red barn.", {"id": "7", "year": "1998"})
    assert told(second) == (2, "A blue boat.", {"id": "8", "year": "2001"})
    assert first.source.uri == file_uri(path)


def test_old_encodings(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text\nGrüße aus München.\n".encode("cp1252"))
    assert at(path)[0].text == "Grüße aus München."
    wide = write(tmp_path / "b.csv", "text,x\nGrüße.,1\n".encode("utf-16"))
    assert at(wide)[0].text == "Grüße."


def test_bad_rows_fail_alone(tmp_path: Path) -> None:
    rows = (
        b"text,year\nFirst.,1\nSecond.,2,3,4\n" + b"x" * 70_000 + b",1\nTh\xffird.,3\n,4\nLast.,5\n"
    )
    path = write(tmp_path / "a.csv", rows)
    found = at(path)
    problems = {one.source.row: one.problem.message for one in found if one.problem}
    assert list(problems) == [2, 4, 5]
    assert "4 cells" in problems[2]
    assert "UTF-8" in problems[4]
    assert [one.text for one in found if one.source.row in (1, 6)] == ["First.", "Last."]


def test_json_lines(tmp_path: Path) -> None:
    lines = [
        json.dumps({"text": "A red barn.", "tags": ["a", "b"], "size": {"w": 1}, "big": 2**70}),
        "{broken",
        "[1, 2]",
        '{"text": "Odd \\ud800 surrogate.", "nan": NaN}',
    ]
    first, *bad, last = at(write(tmp_path / "a.jsonl", "\n".join(lines)))
    assert told(first)[2] == {"tags": ["a", "b"], "size": {"w": 1}, "big": str(2**70)}
    assert [one.source.row for one in bad] == [2, 3]
    assert all(one.problem is not None for one in bad)
    assert told(last) == (4, "Odd \ufffd\ufffd\ufffd surrogate.", {})


def test_pictures_by_path_with_captions(tmp_path: Path) -> None:
    picture = write(tmp_path / "img" / "a.png", encoded("red", (30, 20)))
    write(tmp_path / "img" / "b.png", b"broken")
    content = "file_name,caption\nimg/a.png,A red square.\nimg/no.png,Missing.\nimg/b.png,Bad.\n"
    found = at(write(tmp_path / "a.csv", content))
    assert [(one.source.row, one.kind.value) for one in found] == [
        *((1, "image"), (1, "text"), (2, "image"), (2, "text"), (3, "image"), (3, "text"))
    ]
    assert (found[0].blob, found[0].width) == (file_uri(picture), 30)
    assert found[0].metadata == {"caption": "A red square."}
    assert found[2].problem is not None
    assert "no.png" in found[2].problem.message
    assert found[4].problem is not None


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "a,b,c,d\nkey,A red barn.,keep,drop\n")
    (one,) = at(path, columns=Columns(text="b", id="a", metadata=("c",)))
    assert told(one) == (1, "A red barn.", {"id": "key", "c": "keep"})
    (found,) = read_location(path, options(columns=Columns(text="nope")))
    assert "no column 'nope'; it has a, b, c, d" in failure(found).message
    (found,) = read_location(path, options())
    assert "name one of a, b, c, d" in failure(found).message


def test_a_title_is_the_text_only_where_there_is_no_other(tmp_path: Path) -> None:
    (one,) = at(write(tmp_path / "a.csv", "title,abstract\nBirds,They fly.\n"))
    assert told(one) == (1, "They fly.", {"title": "Birds"})
    (one,) = at(write(tmp_path / "b.csv", "title,path\nBirds,src/main.c\n"))
    assert told(one) == (1, "Birds", {"path": "src/main.c"})


def test_a_long_cell_is_split(tmp_path: Path) -> None:
    cell = "The wind blows from the west again. " * 10
    found = at(write(tmp_path / "a.csv", f'text\n"{cell}"\n'))
    assert len(found) == 5
    assert all(one.text == cell[one.source.start : one.source.end] for one in found)


def test_parquet_with_pictures_inside(tmp_path: Path) -> None:
    table = pa.table(
        {
            "image": [
                {"bytes": encoded("red"), "path": "a.png"},
                {"bytes": None, "path": "gone.png"},
                {"bytes": b"broken", "path": None},
            ],
            "caption": [["Red.", "A square."], ["Two."], []],
            "when": [datetime.datetime(2024, 5, 6)] * 3,
            "vector": [[0.5] * 100] * 3,
        }
    )
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=1)
    found = at(tmp_path / "a.parquet")
    first, *texts, missing, second, broken = found
    assert (first.kind, first.blob, first.width) == (Kind.IMAGE, None, 8)
    assert first.metadata == {"when": "2024-05-06T00:00:00", "captions": ["Red.", "A square."]}
    assert [one.text for one in texts] == ["Red.", "A square."]
    assert missing.problem is not None
    assert "gone.png" in missing.problem.message
    assert (second.text, second.source.row) == ("Two.", 2)
    assert broken.problem is not None


def test_parquet_is_read_as_it_is_needed(tmp_path: Path) -> None:
    table = pa.table({"text": [f"Row {i}." for i in range(5000)]})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=500)
    (found,) = read_location(tmp_path / "a.parquet", options())
    assert next(found.read()).text == "Row 0."
    assert sum(1 for _ in found.read()) == 5000


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", b""),
        ("a.csv", bytes(100)),
        ("a.parquet", b"PAR1 no"),
        ("a.jsonl", b"\x00\x01" * 99),
    ],
)
def test_what_is_no_table(name: str, data: bytes, tmp_path: Path) -> None:
    (found,) = read_location(write(tmp_path / name, data), options())
    assert failure(found).code == "undecodable_asset"


def test_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    assert at(write(tmp_path / "a.csv", "text,year\n")) == []

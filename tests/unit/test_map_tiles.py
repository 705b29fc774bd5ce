"""Maps as a page wants them: tiles, colours, the places of names, Arrow."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pytest

from indexer.analysis.maps.points import coloured, labelled, name_places, stream
from indexer.analysis.maps.tiles import DEEPEST, bounds, levels, order, tile
from indexer.errors import InvalidInput

# Two in the north-west, one in each other quarter; y points up.
XY = np.array([[-0.5, 0.5], [-0.6, 0.6], [0.5, 0.5], [-0.5, -0.5], [0.5, -0.5]], np.float32)


def table(xy: np.ndarray, level: np.ndarray) -> pa.Table:
    ids = [f"id-{row}" for row in range(len(xy))]
    return pa.table({"id": ids, "x": xy[:, 0], "y": xy[:, 1], "level": level})


def test_the_most_representative_are_in_the_tile_of_the_whole_and_the_others_below() -> None:
    level = levels(XY, np.array([1, 5, 4, 3, 2]), points=2)
    assert level.tolist() == [1, 0, 0, 1, 1]
    points = table(XY, level)
    assert tile(points, 0, 0, 0)["id"].to_pylist() == ["id-1", "id-2"]
    assert tile(points, 1, 0, 0)["id"].to_pylist() == ["id-0"]  # column 0, row 0: north-west
    assert tile(points, 1, 1, 0).num_rows == 0
    assert tile(points, 1, 0, 1)["id"].to_pylist() == ["id-3"]
    assert tile(points, 1, 1, 1)["id"].to_pylist() == ["id-4"]


def test_every_point_is_in_one_tile_and_no_tile_has_too_many() -> None:
    xy = np.random.default_rng(0).uniform(-1, 1, (3000, 2)).astype(np.float32)
    xy[:4] = [[-1, -1], [1, 1], [-1, 1], [1, -1]]  # the very corners
    level = levels(xy, np.arange(3000), points=50)
    points = table(xy, level)
    found: list[str] = []
    for z in range(int(level.max()) + 1):
        for x in range(1 << z):
            for y in range(1 << z):
                rows = tile(points, z, x, y)
                assert rows.num_rows <= 50
                found += rows["id"].to_pylist()
    assert sorted(found) == sorted(points["id"].to_pylist())
    assert tile(points, 0, 0, 0)["id"].to_pylist() == [f"id-{n}" for n in range(2950, 3000)]


def test_the_rows_of_a_tile_lie_together() -> None:
    xy = np.random.default_rng(0).uniform(-1, 1, (3000, 2)).astype(np.float32)
    level = levels(xy, np.arange(3000), points=50)
    rows = order(xy, level)
    points = table(xy, level).take(rows)
    assert points["level"].to_pylist() == sorted(level.tolist())
    where = {id: row for row, id in enumerate(points["id"].to_pylist())}
    for place in [(0, 0, 0), (1, 1, 0), (2, 0, 3), (3, 5, 2)]:
        found = tile(points, *place)
        lines = [where[id] for id in found["id"].to_pylist()]
        assert lines == list(range(lines[0], lines[0] + len(lines)))
        left, bottom, right, top = bounds(*place)
        assert left <= min(found["x"].to_pylist()) <= max(found["x"].to_pylist()) <= right
        assert bottom <= min(found["y"].to_pylist()) <= max(found["y"].to_pylist()) <= top


def test_what_lies_in_one_place_ends_in_the_deepest_tile() -> None:
    level = levels(np.zeros((30, 2), np.float32), np.zeros(30), points=1)
    assert level.tolist() == [*range(DEEPEST), *[DEEPEST] * 14]


@pytest.mark.parametrize("place", [(-1, 0, 0), (DEEPEST + 1, 0, 0), (1, 2, 0), (1, 0, -1)])
def test_a_tile_that_is_not_there_is_refused(place: tuple[int, int, int]) -> None:
    with pytest.raises(InvalidInput, match="There is no tile"):
        tile(table(XY, np.zeros(5)), *place)


def test_colours_are_joined_by_id() -> None:
    points = table(XY, np.zeros(5))
    scores = pa.table({"id": ["id-3", "id-0", "gone"], "score": [0.3, 0.1, 0.9]})
    assert coloured(points, "colour", scores, "score")["colour"].to_pylist() == [
        0.1,
        None,
        None,
        0.3,
        None,
    ]


def test_labels_are_kept_as_numbers_or_as_few_texts() -> None:
    points = table(XY, np.zeros(5))
    texts = labelled(points, "class", ["rose", None, "rose", "tulip", 3])["class"]
    assert pa.types.is_dictionary(texts.type)
    assert texts.to_pylist() == ["rose", None, "rose", "tulip", "3"]
    assert labelled(points, "year", [1990, None, 2.5, 1, 2])["year"].type == pa.float64()


def test_a_name_is_written_at_the_median_of_its_members() -> None:
    xy = np.array([[0, 0], [0.2, 0], [0.9, 0.9], [-1, 0], [1, 1]], np.float32)
    points = labelled(table(xy, np.zeros(5)), "of", ["a", "a", "a", "b", None])
    assert name_places(points, "of").to_pylist() == [
        {"group": "a", "x": pytest.approx(0.2), "y": 0, "size": 3},
        {"group": "b", "x": -1, "y": 0, "size": 1},
    ]


def test_measures_and_lists_have_no_groups() -> None:
    lists = table(XY, np.zeros(5)).append_column("near_ids", [[["id-1"]] * 5])
    for column in ("x", "near_ids"):
        with pytest.raises(InvalidInput, match=f"'{column}' .* has no groups"):
            name_places(lists, column)


def test_noise_has_no_name() -> None:
    points = table(XY, np.zeros(5)).append_column("cluster", [[0, 0, -1, -1, 0]])
    assert name_places(points, "cluster")["group"].to_pylist() == [0]


def test_a_stream_is_read_back_as_it_was() -> None:
    points = labelled(table(XY, np.zeros(5)), "of", ["a", None, "b", "a", "a"])
    assert pa.ipc.open_stream(io.BytesIO(stream(points))).read_all().equals(points)

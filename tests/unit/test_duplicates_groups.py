"""Groups are no chains, keep what was not made of another, and say why."""

from __future__ import annotations

from dataclasses import replace

from indexer.analysis.duplicates.groups import Group, derived_assets, groups
from indexer.analysis.duplicates.keeper import rank, reason
from indexer.analysis.duplicates.verdicts import Judged, Verdict
from indexer.domain import Asset, Kind, Status


def link(verdict: Verdict, derived: int | None = None) -> Judged:
    return Judged(verdict, (verdict,), derived)


def by_name(id: str) -> tuple[object, ...]:
    return (id,)


def unlike(_one: str, _other: str) -> bool:
    return False


def test_a_chain_is_not_one_group() -> None:
    links = {("a", "b"): link(Verdict.REENCODED), ("b", "c"): link(Verdict.REENCODED)}
    assert groups(links, by_name, unlike) == [Group("a", ("b",), (Verdict.REENCODED,))]


def test_not_even_if_its_middle_is_the_one_to_keep() -> None:
    links = {("a", "b"): link(Verdict.REENCODED), ("b", "c"): link(Verdict.REENCODED)}
    (group,) = groups(links, lambda id: (id != "b", id), unlike)
    assert (group.keeper, group.members) == ("b", ("a",))


def test_members_that_resemble_each_other_are_together() -> None:
    links = {("a", "b"): link(Verdict.REENCODED), ("a", "c"): link(Verdict.RESIZED)}
    (group,) = groups(links, by_name, lambda one, other: {one, other} == {"b", "c"})
    assert group.members == ("b", "c")


def test_two_ends_of_a_panorama_belong_to_it() -> None:
    links = {
        ("ends", "whole"): link(Verdict.CROPPED, 0),
        ("starts", "whole"): link(Verdict.CROPPED, 0),
    }
    derived = derived_assets(links)
    (group,) = groups(links, lambda id: (id in derived, id), unlike)
    assert (group.keeper, group.members) == ("whole", ("ends", "starts"))


def test_the_same_scene_makes_no_group() -> None:
    assert groups({("a", "b"): link(Verdict.SAME_SCENE)}, by_name, unlike) == []


def asset(id: str, width: int, media_type: str = "image/jpeg", **metadata: object) -> Asset:
    return Asset(
        id, Kind.IMAGE, Status.INDEXED, "", media_type, 1000, (), width=width, height=width,
        metadata=metadata,
    )  # fmt: skip


def test_the_whole_is_kept_and_not_its_larger_screenshot() -> None:
    whole, shot = asset("whole", 400), asset("shot", 1200)
    assert min((whole, shot), key=lambda one: rank(one, is_derived=one.id == "shot")) is whole
    assert "the others were made of it" in reason(whole, [shot], {"shot"})


def test_the_reason_names_what_the_keeper_has_over_the_others() -> None:
    keeper = asset("scan", 800, "image/tiff", title="Harbour", year=1911)
    other = asset("copy", 400, title="Harbour")
    assert min((other, keeper), key=lambda one: rank(one, is_derived=False)) is keeper
    said = reason(keeper, [other], ())
    assert said == "largest: 800 × 800 pixels; better format: image/tiff; most metadata: 2 fields"


def test_of_equals_the_one_added_first_is_kept() -> None:
    first = replace(asset("b", 400), added_at="2026-01-01")
    later = replace(asset("a", 400), added_at="2026-02-01")
    assert min((later, first), key=lambda one: rank(one, is_derived=False)) is first
    assert reason(first, [later], ()) == "as good as the others, and added first"

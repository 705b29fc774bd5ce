"""What to do about duplicates, written down and nothing more: which files could leave, and why.

A plan is made of decisions and, if a person asks for it, of what a run suggests and of files that
are equal byte by byte. It names what cannot be moved (members of archives, pages, passages,
uploads) with the reason. Doing it is `moving`'s part, on the machine that has the files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from indexer.analysis.duplicates.chains import settle
from indexer.analysis.duplicates.decisions import Decided, Decision, every, pair_id
from indexer.analysis.duplicates.keeper import rank
from indexer.analysis.duplicates.pictures import assets
from indexer.analysis.subject import Access
from indexer.domain import Asset, AssetId, Source
from indexer.readers.uris import MEMBER

_DECIDED = "decided"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """That one asset can go because another one is kept, and what the one is to the other."""

    goes: AssetId
    keeper: AssetId
    why: str


@dataclass(frozen=True, slots=True)
class Leaving:
    """A file that could be moved away, and the one that stays in its place.

    Both are named by `file:` URIs, whose percent-encoded bytes are exact; paths are for people.
    """

    asset: AssetId
    uri: str
    path: str
    sha256: str
    bytes: int
    keeper: AssetId
    keeper_uri: str
    keeper_path: str
    keeper_sha256: str
    why: str


@dataclass(frozen=True, slots=True)
class Staying:
    """A duplicate that stays where it is, and the reason."""

    asset: AssetId
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What could leave, and what cannot."""

    leaving: tuple[Leaving, ...]
    staying: tuple[Staying, ...]

    @property
    def bytes(self) -> int:
        """How much room the files take that could leave."""
        return sum(one.bytes for one in self.leaving)


def plan(
    access: Access,
    collection: str,
    suggested: Iterable[Suggestion] = (),
    copies: Iterable[AssetId] = (),
) -> Plan:
    """The plan of a Collection: its decisions, these suggestions, and spare files of these assets.

    A suggestion on which there is a decision is left out, and nothing leaves for something that a
    decision keeps it apart from, however many steps lie between.
    """
    decided = [*every(access.store, collection)]
    said = {one.id for one in decided}
    same = [one for one in decided if one.decision is Decision.DUPLICATE]
    open_ones = [one for one in suggested if pair_id(one.goes, one.keeper) not in said]
    spare = [*copies]
    ids = {id for one in same for id in (one.first, one.second)}
    ids |= {id for one in open_ones for id in (one.goes, one.keeper)} | {*spare}
    known = assets(access, collection, sorted(ids))
    wanted = [_from_decision(one, known) for one in same if _are_known(one, known)]
    wanted += [one for one in open_ones if one.goes in known and one.keeper in known]
    return _planned(wanted, [known[id] for id in spare if id in known], known, _apart(decided))


def _apart(decided: Iterable[Decided]) -> dict[AssetId, set[AssetId]]:
    """For each asset those that a person said it is not the same as, or is wanted beside."""
    apart: dict[AssetId, set[AssetId]] = defaultdict(set)
    for one in decided:
        if one.decision is not Decision.DUPLICATE:
            apart[one.first].add(one.second)
            apart[one.second].add(one.first)
    return apart


def _are_known(decided: Decided, known: Mapping[AssetId, Asset]) -> bool:
    return decided.first in known and decided.second in known


def _from_decision(decided: Decided, known: Mapping[AssetId, Asset]) -> Suggestion:
    keeper = decided.keep or min(
        (decided.first, decided.second), key=lambda id: rank(known[id], is_derived=False)
    )
    goes = decided.second if keeper == decided.first else decided.first
    return Suggestion(goes, keeper, _DECIDED)


def _planned(
    wanted: Sequence[Suggestion],
    spare: Sequence[Asset],
    known: Mapping[AssetId, Asset],
    apart: Mapping[AssetId, set[AssetId]],
) -> Plan:
    leaving: list[Leaving] = []
    staying: list[Staying] = []
    gone_for = {one.goes: one for one in reversed(wanted)}
    favours = {goes: gone_for[goes].keeper for goes in _worst_first(gone_for, known)}
    settled = settle(favours, apart, lambda id: _path(known[id]))
    for goes, one in sorted(gone_for.items()):
        if goes in settled.staying:
            staying.append(Staying(goes, _path(known[goes]), settled.staying[goes]))
            continue
        keeper = known[settled.kept[goes]]
        stays = _movable(keeper)
        for source in known[goes].sources:
            _file(known[goes], source, keeper, stays, one.why, leaving, staying)
    for asset in spare:
        files = _movable(asset)
        if asset.id in settled.kept or len(asset.sources) < 2:
            continue
        for source in asset.sources:
            if not files or source is not files[0]:
                _file(asset, source, asset, files, "exact copy", leaving, staying)
    return Plan(tuple(leaving), tuple(staying))


def _worst_first(
    gone_for: Mapping[AssetId, Suggestion], known: Mapping[AssetId, Asset]
) -> list[AssetId]:
    """In the order in which they go: what a person decided, then the least worth keeping."""
    order = sorted(gone_for, key=lambda id: rank(known[id], is_derived=False), reverse=True)
    return sorted(order, key=lambda id: gone_for[id].why != _DECIDED)


def _file(
    asset: Asset,
    source: Source,
    keeper: Asset,
    stays: Sequence[Source],
    why: str,
    leaving: list[Leaving],
    staying: list[Staying],
) -> None:
    reason = _immovable(asset, source)
    if reason is None and not stays:
        reason = f"the one to keep is no plain file ({_path(keeper)}), so it cannot be checked"
    if reason is not None:
        staying.append(Staying(asset.id, source.path, reason))
        return
    leaving.append(
        Leaving(
            asset=asset.id,
            uri=source.uri,
            path=source.path,
            sha256=asset.sha256,
            bytes=asset.bytes,
            keeper=keeper.id,
            keeper_uri=stays[0].uri,
            keeper_path=stays[0].path,
            keeper_sha256=keeper.sha256,
            why=why,
        )
    )


def _movable(asset: Asset) -> list[Source]:
    return [source for source in asset.sources if _immovable(asset, source) is None]


def _immovable(asset: Asset, source: Source) -> str | None:
    """Why a source is no file of its own that could be moved; None if it is one."""
    if MEMBER in source.uri:
        return "it lies in an archive"
    if source.row is not None:
        return "it is a row of a table"
    if asset.page is not None or source.page is not None:
        return "it is a page of a document"
    if source.start is not None:
        return "it is a passage of a document"
    if not source.uri.startswith("file:///"):
        return "it was uploaded: its bytes are kept by Semblance, delete the asset instead"
    return None


def _path(asset: Asset) -> str:
    return asset.sources[0].path if asset.sources else asset.id

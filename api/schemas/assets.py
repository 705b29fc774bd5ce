"""Assets, and what is sent to add or change them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from pydantic import Field

from api.schemas.base import Question, ReasonTold, Told
from api.schemas.jobs import JobTold
from indexer.adding import Outcome
from indexer.domain import Asset, Kind, Source, Status


class SourceTold(Told):
    """Where an asset was found. Pages and rows count from 1, offsets are in characters."""

    path: str = Field(examples=["photos/1931/harbour.jpg"])
    uri: str
    page: int | None
    row: int | None
    start: int | None
    end: int | None

    @classmethod
    def of(cls, source: Source) -> SourceTold:
        return cls(
            path=source.path,
            uri=source.uri,
            page=source.page,
            row=source.row,
            start=source.start,
            end=source.end,
        )


class AssetTold(Told):
    """One image or one text passage."""

    id: str
    kind: Kind
    status: Status
    sha256: str
    media_type: str = Field(examples=["image/jpeg"])
    bytes: int
    width: int | None
    height: int | None
    page: int | None
    text: str | None
    sources: list[SourceTold] = Field(description="Every place where this content was found.")
    metadata: dict[str, Any]
    added_at: str
    indexed_at: str | None
    reason: ReasonTold | None
    job: str | None
    thumbnail_url: str | None
    content_url: str

    @classmethod
    def of(cls, collection: str, asset: Asset) -> AssetTold:
        return cls(
            id=asset.id,
            kind=asset.kind,
            status=asset.status,
            sha256=asset.sha256,
            media_type=asset.media_type,
            bytes=asset.bytes,
            width=asset.width,
            height=asset.height,
            page=asset.page,
            text=asset.text,
            sources=[SourceTold.of(source) for source in asset.sources],
            metadata=dict(asset.metadata),
            added_at=asset.added_at,
            indexed_at=asset.indexed_at,
            reason=ReasonTold.of(asset.reason),
            job=asset.job,
            thumbnail_url=thumbnail_url(collection, asset),
            content_url=content_url(collection, asset),
        )


class AssetPage(Told):
    """One page of assets, in the order of their ids."""

    assets: list[AssetTold]
    after: str | None = Field(description="Give this to get the next page; null at the end.")


class Description(Question):
    """Metadata to change."""

    metadata: dict[str, Any] = Field(
        description="Keys given are set; null removes one.",
        examples=[{"photographer": "A. Krull", "draft": None}],
    )


class Ids(Question):
    """Assets by their ids."""

    ids: list[str] = Field(min_length=1, max_length=10_000)


class Deleted(Told):
    """How many there were to delete."""

    deleted: int


class TextGiven(Question):
    """A text to add; it is split into passages where it is long."""

    text: str = Field(min_length=1, examples=["The lighthouse was built in 1884."])
    name: str | None = Field(None, max_length=500, description="What to call its source.")
    metadata: dict[str, Any] = Field({}, examples=[{"year": 1884}])


class Additions(Question):
    """Texts, and files or folders on the server."""

    texts: list[TextGiven] = Field([], max_length=10_000)
    paths: list[str] = Field([], max_length=1000, description="Absolute paths on the server.")


class FileTold(Told):
    """What became of one file, text or path; `known` ids were there already."""

    name: str
    status: Status
    ids: list[str]
    known: list[str]
    reason: ReasonTold | None
    job: str | None

    @classmethod
    def of(cls, outcome: Outcome, job: str | None) -> FileTold:
        return cls(
            name=outcome.name,
            status=outcome.status,
            ids=list(outcome.ids),
            known=list(outcome.known),
            reason=ReasonTold.of(outcome.reason),
            job=job,
        )


class Added(Told):
    """The job that follows, and what became of each file so far."""

    job: JobTold | None = Field(description="Null if nothing that was sent could be taken.")
    files: list[FileTold]


def content_url(collection: str, asset: Asset) -> str:
    """Where the original is, relative to the server."""
    return f"/v1/collections/{quote(collection, safe='')}/assets/{asset.id}/content"


def thumbnail_url(collection: str, asset: Asset) -> str | None:
    """Where the thumbnail is; texts have none."""
    if asset.kind is not Kind.IMAGE:
        return None
    return f"/v1/collections/{quote(collection, safe='')}/assets/{asset.id}/thumbnail"

"""What the API answers, as types: plain dictionaries with known keys.

They describe the JSON that travels; nothing is converted, so what a newer server adds stays in.
"""

from __future__ import annotations

from typing import Literal, TypedDict

JobState = Literal["reading", "indexing", "done", "failed", "cancelled"]


class Totals(TypedDict):
    """found = indexed + failed + pending + skipped; `reasons` counts by status and code."""

    found: int
    indexed: int
    failed: int
    pending: int
    skipped: int
    kinds: dict[str, int]
    documents: int
    reasons: dict[str, dict[str, int]]


class Reason(TypedDict):
    """Why something failed or was skipped."""

    code: str
    message: str


class Space(TypedDict):
    """A vector field of a Collection and the model that fills it; `serves` are the Kinds that it
    answers for when a query names no Space."""

    name: str
    dimension: int
    embedder: str
    fingerprint: str
    kinds: list[str]
    serves: list[str]


class Calibration(TypedDict):
    """What scores mean in a Space, for a Kind asked with and a Kind found.

    Relevance is next to 0 at the score `typical` and 0.5 at `clear`.
    """

    space: str
    asked: str
    found: str
    typical: float
    clear: float
    method: Literal["meaningless", "stored"]
    questions: int
    assets: int


class SpaceFilled(Space):
    """A Space with its counts: `wanted` is None for imported vectors, `waiting` are to come."""

    vectors: int
    wanted: int | None
    waiting: int
    failed: int
    reasons: dict[str, int]
    complete: bool


class Backup(TypedDict):
    """A Collection in a folder; `format` names the engine that wrote it."""

    collection: str
    format: str
    file: str
    sha256: str
    bytes: int
    points: int
    made_at: str


class Originals(TypedDict):
    """Assets with a kept original that were looked at, and those of them whose original is gone."""

    looked_at: int
    missing: int


class Restored(Backup):
    """A Collection made from its backup; `originals` is None if their place does not answer."""

    originals: Originals | None


class PartlyFilled(TypedDict):
    """A Space asked in that is still being filled."""

    space: str
    vectors: int
    wanted: int


class Collection(TypedDict):
    """A Collection with its counts as of now; `problem` says why one cannot be used."""

    name: str
    aliases: list[str]
    created_at: str | None
    spaces: list[Space]
    fields: dict[str, str]
    calibrations: list[Calibration]
    totals: Totals | None
    problem: Reason | None


class Tally(TypedDict):
    """What a job met on its way through the files."""

    documents: int
    unchanged: int
    known: int
    moved: int
    missing: int
    pruned: int
    vectors: int
    unmatched: int
    refused: int


class Job(TypedDict):
    """A request to index, and how far it has come; `totals` count what this job brought in.

    `rate` is assets indexed or failed per second of late; None while that is not known.
    """

    id: str
    collection: str
    state: JobState
    created_at: str
    finished_at: str | None
    cancelled_at: str | None
    retried_at: str | None
    location: str | None
    error: Reason | None
    tally: Tally
    remarks: list[str]
    totals: Totals
    rate: float | None
    seconds_left: float | None


class Source(TypedDict):
    """Where an asset was found; pages and rows count from 1."""

    path: str
    uri: str
    page: int | None
    row: int | None
    start: int | None
    end: int | None


class Hit(TypedDict):
    """An asset that answers a search. `score` is a cosine, `relevance` what it means here: from
    0.5 of 1 it is a clear match (None: not known). `matched` says why it is here."""

    id: str
    kind: Literal["image", "text"]
    score: float
    relevance: float | None
    space: str
    matched: list[str]
    source: Source | None
    sources: int
    media_type: str
    width: int | None
    height: int | None
    metadata: dict[str, object]
    text: str | None
    snippet: str | None
    highlights: list[list[int]]
    thumbnail_url: str | None
    content_url: str | None
    others: list[Hit]


class Answer(TypedDict):
    """Hits, best first, and where the time went, by stage.

    `filling` names the Spaces asked in that are not filled yet.
    """

    hits: list[Hit]
    filling: list[PartlyFilled]
    milliseconds: dict[str, float]


class Asset(TypedDict):
    """One image or one text passage, as the ledger knows it."""

    id: str
    kind: Literal["image", "text"]
    status: Literal["pending", "indexed", "failed", "skipped"]
    media_type: str
    bytes: int
    sources: list[Source]
    text: str | None
    width: int | None
    height: int | None
    metadata: dict[str, object]
    added_at: str
    indexed_at: str | None
    reason: Reason | None


class UploadedFile(TypedDict):
    """What became of one uploaded file or text; `known` ids were there already."""

    name: str
    status: str
    ids: list[str]
    known: list[str]
    reason: Reason | None
    job: str | None


class Uploaded(TypedDict):
    """The job that indexes what was uploaded, and each file's outcome so far."""

    job: Job | None
    files: list[UploadedFile]


class Failure(TypedDict):
    """A path that failed or was skipped, and why; `id` is that of the asset or document."""

    id: str
    path: str
    code: str
    message: str


class Model(TypedDict):
    """A model of the catalogue; `remedy` says how to bring one that is not available."""

    name: str
    description: str
    kinds: list[str]
    dimension: int | None
    licence: str | None
    available: bool
    remedy: str | None
    default: bool
    megabytes: int | None


class FacetValue(TypedDict):
    """How many assets carry this value."""

    value: str
    count: int


class Worker(TypedDict):
    """A process that works for the servers; `in_hand` counts the assets it has right now."""

    name: str
    queues: list[str]
    device: str
    started_at: str
    in_hand: int

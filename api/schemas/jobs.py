"""Jobs and counts."""

from __future__ import annotations

from pydantic import Field

from api.schemas.base import Question, ReasonTold, Told
from indexer.collections import Totals
from indexer.failures import Failure
from indexer.jobs import JobState, Progress, Request, Tally
from indexer.matching import Match


class TotalsTold(Told):
    """found = indexed + failed + pending + skipped."""

    found: int
    indexed: int
    failed: int
    pending: int
    skipped: int
    kinds: dict[str, int] = Field(examples=[{"image": 120, "text": 32}])
    documents: int
    reasons: dict[str, dict[str, int]] = Field(
        description="Counts of reason codes, by status.",
        examples=[{"failed": {"undecodable_asset": 2}}],
    )

    @classmethod
    def of(cls, totals: Totals) -> TotalsTold:
        return cls(
            found=totals.found,
            indexed=totals.indexed,
            failed=totals.failed,
            pending=totals.pending,
            skipped=totals.skipped,
            kinds=dict(totals.kinds),
            documents=totals.documents,
            reasons={status: dict(codes) for status, codes in totals.reasons.items()},
        )


class TallyTold(Told):
    """What a job met: files looked at, unchanged, contents known, moved, missing, pruned.

    Of imported vectors: rows taken, rows that matched no asset, rows that could not be used.
    """

    documents: int
    unchanged: int
    known: int
    moved: int
    missing: int
    pruned: int
    vectors: int
    unmatched: int
    refused: int

    @classmethod
    def of(cls, tally: Tally) -> TallyTold:
        return cls(
            documents=tally.documents,
            unchanged=tally.unchanged,
            known=tally.known,
            moved=tally.moved,
            missing=tally.missing,
            pruned=tally.pruned,
            vectors=tally.vectors,
            unmatched=tally.unmatched,
            refused=tally.refused,
        )


class JobTold(Told):
    """A job and how far it has come; `finished_at` is when reading ended."""

    id: str
    collection: str
    state: JobState
    created_at: str
    finished_at: str | None
    cancelled_at: str | None
    retried_at: str | None
    location: str | None
    error: ReasonTold | None
    tally: TallyTold
    remarks: list[str] = Field(
        description="Of imported vectors: examples of rows that were left out, and why."
    )
    totals: TotalsTold
    rate: float | None = Field(
        description="Assets indexed or failed per second, over the last half minute; null while "
        "that is not known, and when the job has ended."
    )
    seconds_left: float | None = Field(
        description="At this rate; null while documents are still being found."
    )

    @classmethod
    def of(cls, progress: Progress) -> JobTold:
        job = progress.job
        return cls(
            id=job.id,
            collection=job.collection,
            state=progress.state,
            created_at=job.created_at,
            finished_at=job.finished_at,
            cancelled_at=job.cancelled_at,
            retried_at=job.retried_at,
            location=job.request.location if job.request is not None else None,
            error=ReasonTold.of(job.error),
            tally=TallyTold.of(job.tally),
            remarks=list(job.remarks),
            totals=TotalsTold.of(progress.totals),
            rate=_rounded(progress.rate),
            seconds_left=_rounded(progress.seconds_left),
        )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


class FailureTold(Told):
    """A file or asset that failed or was skipped."""

    id: str
    path: str
    code: str
    message: str

    @classmethod
    def of(cls, failure: Failure) -> FailureTold:
        reason = failure.reason
        return cls(id=failure.id, path=failure.path, code=reason.code, message=reason.message)


class Retried(Told):
    """How many failed assets and documents are tried again."""

    retried: int


class JobRetried(Retried):
    """How much of a job is tried again, and the job."""

    job: JobTold


class ColumnsGiven(Question):
    """Which columns of a table hold what; chosen by name where not given."""

    text: str | None = None
    image: str | None = None
    id: str | None = None
    metadata: list[str] | None = None


class Location(Question):
    """A file or folder on the server, and how to read it."""

    path: str = Field(description="Absolute path.", min_length=1, examples=["/srv/photos"])
    exclude: list[str] = Field(
        [], description="Glob patterns of what to leave out.", examples=[["*.tmp", "raw/*"]]
    )
    labels: bool = Field(False, description="The folder of a picture becomes its `label`.")
    prune: bool = Field(False, description="Remove assets whose files are gone.")
    # pydantic has a method of this name
    copied: bool = Field(
        False,
        alias="copy",
        description="Copy pictures rather than read them in place: for workers on other machines "
        "that do not see the folder.",
    )
    columns: ColumnsGiven = ColumnsGiven()

    def request(self, location: str) -> Request:
        """What the job keeps; `location` is the path that was allowed."""
        columns = self.columns
        return Request(
            location=location,
            exclude=tuple(self.exclude),
            labels=self.labels,
            prune=self.prune,
            copy=self.copied,
            text=columns.text,
            image=columns.image,
            id=columns.id,
            metadata=None if columns.metadata is None else tuple(columns.metadata),
        )


class ImportColumns(Question):
    """Which columns hold what; chosen by name where not given."""

    vector: str | None = None
    id: str | None = Field(
        None, description="What names the row, or the asset that it is matched with."
    )
    text: str | None = None
    metadata: list[str] | None = Field(None, description="Columns to keep; all if not given.")


class VectorsGiven(Question):
    """A file of vectors on the server, and how its rows become vectors of a collection."""

    path: str = Field(
        description="Absolute path of a .npy, .parquet or .jsonl file.",
        min_length=1,
        examples=["/srv/spectra.parquet"],
    )
    ids: str | None = Field(
        None, description="Absolute path of the ids of a .npy; by default the file beside it."
    )
    match: Match | None = Field(
        None,
        strict=False,
        description="Give the vectors to assets that are there, found by `path` (or its end), "
        "`id` or `sha256`. If not given, each row becomes a text asset of its own.",
    )
    replace: bool = Field(
        False, description="Vectors that are there already may be replaced by other ones."
    )
    columns: ImportColumns = ImportColumns()

    def request(self, space: str, path: str, ids: str | None) -> Request:
        """What the job keeps; `path` and `ids` are those that were allowed."""
        columns = self.columns
        return Request(
            location=path,
            text=columns.text,
            id=columns.id,
            metadata=None if columns.metadata is None else tuple(columns.metadata),
            space=space,
            match=None if self.match is None else self.match.value,
            vector=columns.vector,
            ids=ids,
            replace=self.replace,
        )

"""Jobs and counts."""

from __future__ import annotations

from pydantic import Field

from api.schemas.base import Question, ReasonTold, Told
from indexer.collections import Totals
from indexer.domain import Reason
from indexer.jobs import JobState, Progress, Request, Tally


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
    """What a job met: files looked at, unchanged, contents known, moved, missing, pruned."""

    documents: int
    unchanged: int
    known: int
    moved: int
    missing: int
    pruned: int

    @classmethod
    def of(cls, tally: Tally) -> TallyTold:
        return cls(
            documents=tally.documents,
            unchanged=tally.unchanged,
            known=tally.known,
            moved=tally.moved,
            missing=tally.missing,
            pruned=tally.pruned,
        )


class JobTold(Told):
    """A job and how far it has come; `finished_at` is when reading ended."""

    id: str
    collection: str
    state: JobState
    created_at: str
    finished_at: str | None
    location: str | None
    error: ReasonTold | None
    tally: TallyTold
    totals: TotalsTold

    @classmethod
    def of(cls, progress: Progress) -> JobTold:
        job = progress.job
        return cls(
            id=job.id,
            collection=job.collection,
            state=progress.state,
            created_at=job.created_at,
            finished_at=job.finished_at,
            location=job.request.location if job.request is not None else None,
            error=ReasonTold.of(job.error),
            tally=TallyTold.of(job.tally),
            totals=TotalsTold.of(progress.totals),
        )


class FailureTold(Told):
    """A file or asset that failed or was skipped."""

    path: str
    code: str
    message: str

    @classmethod
    def of(cls, path: str, reason: Reason) -> FailureTold:
        return cls(path=path, code=reason.code, message=reason.message)


class Retried(Told):
    """How many failed assets and documents are tried again."""

    retried: int


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
    columns: ColumnsGiven = ColumnsGiven()

    def request(self, location: str) -> Request:
        """What the job keeps; `location` is the path that was allowed."""
        columns = self.columns
        return Request(
            location=location,
            exclude=tuple(self.exclude),
            labels=self.labels,
            prune=self.prune,
            text=columns.text,
            image=columns.image,
            id=columns.id,
            metadata=None if columns.metadata is None else tuple(columns.metadata),
        )

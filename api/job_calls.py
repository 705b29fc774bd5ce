"""The client's calls about jobs: looked at, waited for, cancelled, tried again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import cast

from api.answers import Failure, Job
from api.asset_calls import DEFAULT, AssetCalls
from api.transport import segment

ENDED = ("done", "failed", "cancelled")
"""The states in which nothing more is going to happen by itself."""

_PAGE = 1000


class JobCalls(AssetCalls):
    """What can be done with the jobs of a Collection. Ids may be shortened everywhere."""

    def jobs(self, collection: str = DEFAULT, *, limit: int = 50) -> list[Job]:
        """Jobs, newest first."""
        params = {"limit": limit}
        return cast("list[Job]", self._json("GET", collection, "/jobs", params=params))

    def job(self, id: str, collection: str = DEFAULT) -> Job:
        """One job as of now. Raises `JobNotFound`."""
        return cast("Job", self._json("GET", collection, f"/jobs/{segment(id)}"))

    def wait(
        self,
        job: Job,
        on_progress: Callable[[Job], object] = lambda _: None,
        *,
        seconds_between: float = 0.3,
    ) -> Job:
        """Return the job when it is done, failed or cancelled; `on_progress` sees it on the way."""
        while job["state"] not in ENDED:
            on_progress(job)
            time.sleep(seconds_between)
            job = self.job(job["id"], job["collection"])
        on_progress(job)
        return job

    def cancel(self, job: Job | str, collection: str = DEFAULT) -> Job:
        """Stop a job, given as such or by its id; what is indexed stays.

        Raises `Conflict` if it has ended already.
        """
        where, id = (collection, job) if isinstance(job, str) else (job["collection"], job["id"])
        return cast("Job", self._json("POST", where, f"/jobs/{segment(id)}/cancel"))

    def retry(self, collection: str = DEFAULT, *, job: Job | str | None = None) -> int:
        """Try everything that failed again, or what failed or was cancelled in one job.

        Returns how many assets and documents that is. See `wait`.
        """
        if job is None:
            return int(self._json("POST", collection, "/retry")["retried"])
        where, id = (collection, job) if isinstance(job, str) else (job["collection"], job["id"])
        return int(self._json("POST", where, f"/jobs/{segment(id)}/retry")["retried"])

    def failures(
        self,
        collection: str = DEFAULT,
        *,
        job: Job | str | None = None,
        code: str | None = None,
        limit: int = 100,
    ) -> list[Failure]:
        """Paths that failed or were skipped, with the reason; of one job, or with one code."""
        path = "/failures"
        if job is not None:
            id = job if isinstance(job, str) else job["id"]
            collection = collection if isinstance(job, str) else job["collection"]
            path = f"/jobs/{segment(id)}/failures"
        params: dict[str, object] = {} if code is None else {"code": code}
        rows: list[Failure] = []
        while len(rows) < limit:
            params["limit"] = min(limit - len(rows), _PAGE)
            page = self._json("GET", collection, path, params=params)
            rows += page
            if len(page) < cast("int", params["limit"]):
                break
            params["after"] = page[-1]["id"]
        return rows

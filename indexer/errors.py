"""Everything that can go wrong, as one small tree.

    SemblanceError
    ├── InvalidInput            what was given cannot be used
    │   ├── InvalidQuery        a search that makes no sense
    │   ├── UndecodableAsset    bytes that are not the picture or text they claim to be
    │   ├── UnsupportedMedia    a kind of file that Semblance does not read
    │   ├── AssetTooLarge       over a limit on bytes, pixels or members
    │   ├── TooFewAssets        an analysis that makes no sense of so few
    │   └── WorkerLost          something that ends every worker that takes it up
    ├── NotFound
    │   ├── CollectionNotFound
    │   ├── AliasNotFound
    │   ├── AssetNotFound
    │   ├── JobNotFound
    │   ├── AnalysisNotFound
    │   ├── SpaceNotFound
    │   └── ModelNotFound       no such model in the catalogue, the hub or on disk
    ├── Conflict
    │   ├── CollectionExists
    │   ├── SpaceMismatch       vectors of one model offered to the Space of another
    │   └── StoreLocked         another process owns the data folder
    ├── Unauthorized            no key, or a wrong one
    ├── Forbidden               known, but not allowed
    ├── RateLimited
    └── Unavailable             a part that is needed does not answer; try again
        ├── StoreUnavailable
        ├── QueueUnavailable
        ├── BlobsUnavailable    the place of originals: its server, bucket, keys or mount
        ├── ModelUnavailable    weights that are neither on disk nor within reach
        └── DiskFull

Each class carries a stable ``code``. How a code becomes an HTTP status, an exit code or a
retry is decided once, in ``api/errors.py`` and ``worker/tasks.py``; nothing here knows of them.
Adapters translate foreign exceptions into these at their own border and keep the cause.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class SemblanceError(Exception):
    """Base of all errors Semblance raises on purpose.

    ``message`` names the input and the remedy; ``details`` holds the same facts for programs.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, object] = details


class InvalidInput(SemblanceError):
    code = "invalid_input"


class InvalidQuery(InvalidInput):
    code = "invalid_query"


class UndecodableAsset(InvalidInput):
    code = "undecodable_asset"


class UnsupportedMedia(InvalidInput):
    code = "unsupported_media"


class AssetTooLarge(InvalidInput):
    code = "asset_too_large"


class TooFewAssets(InvalidInput):
    code = "too_few_assets"


class WorkerLost(InvalidInput):
    code = "worker_lost"


class NotFound(SemblanceError):
    code = "not_found"


class CollectionNotFound(NotFound):
    code = "collection_not_found"


class AliasNotFound(NotFound):
    code = "alias_not_found"


class AssetNotFound(NotFound):
    code = "asset_not_found"


class JobNotFound(NotFound):
    code = "job_not_found"


class AnalysisNotFound(NotFound):
    code = "analysis_not_found"


class SpaceNotFound(NotFound):
    code = "space_not_found"


class ModelNotFound(NotFound):
    code = "model_not_found"


class Conflict(SemblanceError):
    code = "conflict"


class CollectionExists(Conflict):
    code = "collection_exists"


class SpaceMismatch(Conflict):
    code = "space_mismatch"


class StoreLocked(Conflict):
    code = "store_locked"


class Unauthorized(SemblanceError):
    code = "unauthorized"


class Forbidden(SemblanceError):
    code = "forbidden"


class RateLimited(SemblanceError):
    code = "rate_limited"


class Unavailable(SemblanceError):
    code = "unavailable"


class StoreUnavailable(Unavailable):
    code = "store_unavailable"


class QueueUnavailable(Unavailable):
    code = "queue_unavailable"


class BlobsUnavailable(Unavailable):
    code = "blobs_unavailable"


class ModelUnavailable(Unavailable):
    code = "model_unavailable"


class DiskFull(Unavailable):
    code = "disk_full"

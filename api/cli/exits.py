"""Exit codes: how a process ends for each class of error. Decided here and nowhere else.

0 well   1 unexpected   2 wrong input   3 not found   4 conflict   5 unavailable   6 not allowed
130 stopped by Ctrl-C   141 nobody reads the output any more
"""

from __future__ import annotations

from indexer.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    RateLimited,
    SemblanceError,
    Unauthorized,
    Unavailable,
)

UNEXPECTED = 1
WRONG_INPUT = 2
INTERRUPTED = 130
BROKEN_PIPE = 141

EXITS: dict[type[SemblanceError], int] = {
    InvalidInput: WRONG_INPUT,
    NotFound: 3,
    Conflict: 4,
    Unavailable: 5,
    Unauthorized: 6,
    Forbidden: 6,
    RateLimited: 6,
    SemblanceError: UNEXPECTED,
}

_HINTS = {
    "collection_not_found": "`semblance index PATH --collection NAME` makes one.",
    "asset_not_found": "`semblance search … --json` shows the ids of what it finds.",
    "model_not_found": "`semblance models` lists those there are.",
    "model_unavailable": "`semblance models NAME` says how to bring it.",
    "unsupported_media": "`semblance failures` lists what was passed over.",
    "store_unavailable": "`semblance doctor` looks into it.",
    "unauthorized": "Give the server's key as SEMBLANCE_API_KEY.",
}


def exit_code(error: SemblanceError) -> int:
    """The exit code of the nearest class above the error that has one."""
    return next(EXITS[cls] for cls in type(error).__mro__ if cls in EXITS)


def hint(error: SemblanceError) -> str | None:
    """The command that helps, if there is one for this error."""
    return _HINTS.get(error.code)

"""`semblance index --watch`: keeps up with a folder until Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from api.cli.index import Wanted, run_job, summarise
from api.cli.output import emit, say
from api.cli.session import Session
from indexer.errors import Unavailable

if TYPE_CHECKING:
    from api.cli.index import Indexed

_QUIET_MS = 1500
"""Changes are acted on once nothing has changed for so long: a copy that is under way is one."""
_LONGEST_MS = 30_000


def keep_up(session: Session, wanted: Wanted) -> None:
    """Index, then again at every change; one engine and one model serve all rounds."""
    from api.transport import ServerLost

    while True:
        try:
            with session.client("Starting", resume=True) as client:
                first = run_job(client, wanted)
                summarise(session, wanted, first)
                say(f"Watching {wanted.path}; Ctrl-C ends.")
                for changed in changes(wanted.path):
                    _tell(session, changed, run_job(client, wanted))
        except ServerLost:
            say("The server has ended; going on here.", "dim")


def changes(path: Path) -> Iterator[int]:
    """How many files have changed, each time that a burst of changes is over."""
    from watchfiles import watch

    try:
        for burst in watch(
            path, debounce=_LONGEST_MS, step=_QUIET_MS, raise_interrupt=True, yield_on_timeout=False
        ):
            yield len({file for _, file in burst})
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be watched: {error}. On Linux the number of watched folders is limited "
            "by fs.inotify.max_user_watches; WATCHFILES_FORCE_POLLING=1 does without them.",
            path=str(path),
        ) from error


def _tell(session: Session, changed: int, done: Indexed) -> None:
    if session.as_json:
        emit({"changed": changed, "job": done.job, "totals": done.after})
        return
    tally, before, after = done.job["tally"], done.before, done.after
    read = tally["documents"] - tally["unchanged"]
    parts = [
        (read, "read"),
        (after["indexed"] - before["indexed"], "more indexed"),
        (tally["moved"], "moved"),
        (tally["missing"], "gone from disk"),
        (tally["pruned"], "forgotten"),
        (after["failed"] - before["failed"], "more failed"),
    ]
    told = ", ".join(f"{count:,} {word}" for count, word in parts if count > 0)
    say(f"{time.strftime('%H:%M:%S')}  {told or 'nothing new'}")

"""What servers and workers log: lines for people, or JSON lines with what they belong to.

`bound` says for a stretch of code what its lines belong to: a request, a task, a collection, a
job. Neither queries nor keys are ever bound or logged.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final

from indexer.settings import Settings

_belongings: ContextVar[Mapping[str, str]] = ContextVar("belongings", default={})  # noqa: B039

_CHATTY: Final = ("httpx", "httpcore", "urllib3")
"""Libraries that log each address they call, queries included."""

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",  # uvicorn's, for terminals
    "data",  # Celery's: all ids of a job once more
}


@contextmanager
def bound(**belongings: str | None) -> Iterator[None]:
    """What is logged in the block, by this thread or task, belongs to these; None is left out."""
    given = {name: value for name, value in belongings.items() if value is not None}
    token = _belongings.set({**_belongings.get(), **given})
    try:
        yield
    finally:
        _belongings.reset(token)


def belongings() -> Mapping[str, str]:
    """What is bound here: `request`, `task`, `collection`, `job`."""
    return _belongings.get()


def set_up_logs(settings: Settings, *, verbose: bool = False) -> None:
    """Log to stderr in the settings' format from their level on, whatever was set up before.

    With `verbose` at least from info on.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if settings.log_format == "json" else _Lines())
    root = logging.getLogger()
    for before in [*root.handlers]:
        root.removeHandler(before)
    root.addHandler(handler)
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    root.setLevel(min(level, logging.INFO) if verbose else level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("api.access").setLevel(logging.NOTSET)  # commands keep theirs quiet


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, belongings, extras, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, object] = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **belongings(),
            **{name: value for name, value in vars(record).items() if name not in _OWN},
        }
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        # ASCII only: a name that is no text (half a surrogate) must not break the line.
        return json.dumps(told, default=str)


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        bound_to = " ".join(f"{name}={value}" for name, value in belongings().items())
        line = f"{_moment(record)} {record.levelname} {record.name}: {record.getMessage()}"
        line = f"{line} [{bound_to}]" if bound_to else line
        # A message may quote what was sent: it must not look like further lines.
        line = line.replace("\n", "\\n")
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _moment(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""What qdrant-edge raises, as our errors."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from indexer.errors import DiskFull, InvalidInput, SemblanceError, StoreLocked, StoreUnavailable

# The engine raises bare `Exception` for everything; its words are all there is to go by.
_FULL = ("No space left", "os error 28")
_LOCKED = ("WouldBlock",)
_INVALID = (
    "Vector dimension error",
    "Not existing vector name",
    "Wrong input",
    "Bad request",
    "Validation",
    "No appropriate index",
)


@contextmanager
def edge_errors(where: str) -> Iterator[None]:
    """Raise our errors for the engine's, naming the folder; let our own and bugs pass."""
    try:
        yield
    except SemblanceError:
        raise
    except OSError as error:
        raise _from_os(error, where) from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # of pyo3, which derives it from BaseException
            raise StoreUnavailable(
                f"The vector engine broke off at {where}: {error}. Restart Semblance; if it "
                "happens again, restore the folder from a backup or index it anew.",
                folder=where,
            ) from error
        if type(error) is Exception:
            raise _from_message(error, where) from error
        raise


def _from_message(error: Exception, where: str) -> SemblanceError:
    message = str(error)
    if any(words in message for words in _FULL):
        return _disk_full(where)
    if any(words in message for words in _LOCKED):
        return StoreLocked(
            f"{where} is open in another process; stop that process first.", folder=where
        )
    if any(words in message for words in _INVALID):
        return InvalidInput(f"The vector engine refused this at {where}: {message}", folder=where)
    return StoreUnavailable(
        f"The vector engine failed at {where}: {message}. If it stays so, restore the folder "
        "from a backup, or remove it and index again.",
        folder=where,
    )


def _from_os(error: OSError, where: str) -> SemblanceError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _disk_full(where)
    return StoreUnavailable(
        f"{where} cannot be used: {error.strerror or error}. Check that the disk is there and "
        "that this user may write to it.",
        folder=where,
    )


def _disk_full(where: str) -> DiskFull:
    return DiskFull(f"The disk of {where} is full; free some space and try again.", folder=where)

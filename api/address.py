"""Where the server of a data folder is: `<data>/server.json`, readable by its user alone."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

_CONNECT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Address:
    """How to reach a server: at a URL or on a Unix socket, with the owner's token."""

    pid: int
    url: str | None
    socket: str | None
    token: str = field(repr=False)


def published(data: Path) -> Address | None:
    """The address of the server that runs on this data folder, if one is alive."""
    address = _read(_file(data))
    if address is None or not _is_running(address.pid) or not _answers(address):
        return None
    return address


def publish(data: Path, address: Address) -> Address:
    """Write the address for other processes, whole or not at all; returns the one they find.

    That is another server's if one was first and still answers: several may serve one store.
    """
    there = published(data)
    if there is not None and there != address:
        return there
    data.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=data, prefix="server-")  # made with mode 0600
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(asdict(address), file)
    os.replace(temporary, _file(data))
    return address


def withdraw(data: Path, address: Address) -> None:
    """Remove the address, unless it is another server's by now."""
    if _read(_file(data)) == address:
        _file(data).unlink(missing_ok=True)


def _file(data: Path) -> Path:
    return data / "server.json"


def _read(path: Path) -> Address | None:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return Address(int(raw["pid"]), raw["url"], raw["socket"], str(raw["token"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None  # not there, or not written by us: there is no server to be found


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _answers(address: Address) -> bool:
    """True if something listens there: a process id may have been given to another process."""
    with contextlib.ExitStack() as stack:
        try:
            if address.socket is not None:
                unix = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
                unix.settimeout(_CONNECT_SECONDS)
                unix.connect(address.socket)
            else:
                parts = urlsplit(address.url or "")
                at = (parts.hostname or "", parts.port or 80)
                stack.enter_context(socket.create_connection(at, _CONNECT_SECONDS))
        except (OSError, ValueError):
            return False
    return True

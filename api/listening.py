"""Sockets to listen on, and the errors of getting one in words that help."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from pathlib import Path

from api.border import ANYWHERE
from indexer.errors import InvalidInput, Unavailable
from indexer.settings import Settings


def check_exposed(settings: Settings) -> None:
    """Raise `InvalidInput` if other machines could reach the server and no key is set."""
    if settings.api_key is None and not _is_loopback(settings.host):
        raise InvalidInput(
            f"On {settings.host} other machines can reach the server, and no key is set. Set "
            "SEMBLANCE_API_KEY to a long random text, or serve on 127.0.0.1.",
            host=settings.host,
        )


def listen(settings: Settings) -> socket.socket:
    """A socket bound to the settings' host and port.

    Raises `Unavailable` if the port is taken, `InvalidInput` if the address is none of ours.
    """
    host, port = settings.host, settings.port
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, at = found[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise InvalidInput(
            f"There is no address {host!r} to listen on ({error.strerror}); choose another with "
            "--host.",
            host=host,
        ) from error
    try:
        # A port that was in use a moment ago, by a server that ended, is free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(at)
    except OSError as error:
        listener.close()
        raise _not_bound(host, port, error) from error
    return listener


def private_socket(path: Path) -> socket.socket:
    """A Unix socket at the path that only this user can connect to."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        os.chmod(path, 0o600)  # its folder is closed to others already
    except OSError:
        listener.close()
        raise
    return listener


def url_of(settings: Settings, listener: socket.socket) -> str:
    """Where a browser on this machine finds the server."""
    host = "127.0.0.1" if settings.host in ANYWHERE else settings.host
    port = listener.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _not_bound(host: str, port: int, error: OSError) -> Unavailable | InvalidInput:
    if error.errno == errno.EADDRINUSE:
        return Unavailable(
            f"Port {port} on {host} is taken by another program; choose another with --port.",
            host=host,
            port=port,
        )
    return InvalidInput(
        f"The server cannot listen on {host}:{port} ({error.strerror}); choose another address "
        "with --host or --port.",
        host=host,
        port=port,
    )

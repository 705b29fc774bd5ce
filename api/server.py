"""Starts the application: as a server on a port, or on a private socket for the command line.

Either way `<data>/server.json` says where it is, so that every process on this machine uses the
one server there is: the data folder has one owner at a time.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import signal
import socket
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from api.address import Address, publish, published, withdraw
from api.deps import Serving
from api.listening import check_exposed, listen, private_socket, url_of
from api.main import create_app
from indexer.build import Engine, open_engine
from indexer.errors import StoreLocked, Unavailable
from indexer.settings import Settings
from worker.custody import Custody
from worker.queue import open_custody, open_queue

__all__ = ["Address", "local_server", "published", "running", "serve"]

log = logging.getLogger(__name__)

GRACE_SECONDS = 5
"""How long running requests may take to end when the server stops."""


def serve(
    settings: Settings,
    *,
    open_browser: bool,
    on_ready: Callable[[Address], None],
    resume: bool = True,
) -> None:
    """Serve on the settings' host and port until interrupted; `on_ready` is called once it listens.

    Raises `Unavailable` if the port is taken, `InvalidInput` if the host is open to others and no
    key is set, `StoreLocked` if another process owns the data folder.
    """
    check_exposed(settings)
    if settings.qdrant_url is None:
        _check_alone(settings)
    with contextlib.closing(listen(settings)) as listener:
        address = Address(os.getpid(), url_of(settings, listener), None, secrets.token_urlsafe(32))

        def ready() -> None:
            found = publish(settings.data, address)
            if found != address:
                log.warning(
                    "Commands on %s go on using the server that was first there (process %d); "
                    "with SEMBLANCE_DATA each server has a data folder of its own.",
                    settings.data,
                    found.pid,
                )
            on_ready(address)
            if open_browser and address.url is not None:
                threading.Thread(target=webbrowser.open, args=(address.url,), daemon=True).start()

        with _application(settings, address, warm=True, resume=resume) as app, _interrupted():
            _Server(app, ready).run(sockets=[listener])


@contextmanager
def local_server(settings: Settings, *, resume: bool, warm: bool = False) -> Iterator[Address]:
    """The address of the server on the data folder; one is started here if there is none.

    One that is started here listens on a Unix socket that only this user can reach, and ends with
    the block. Raises `StoreLocked` if another process owns the data folder and is no server.
    """
    there = published(settings.data)
    if there is not None:
        yield there
        return
    folder = Path(tempfile.mkdtemp(prefix="semblance-"))
    try:
        with contextlib.closing(private_socket(folder / "semblance.sock")) as listener:
            at = str(listener.getsockname())
            address = Address(os.getpid(), None, at, secrets.token_urlsafe(32))
            with (
                _application(settings, address, warm=warm, resume=resume) as app,
                running(app, listener),
            ):
                publish(settings.data, address)
                yield address
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Server(uvicorn.Server):
    """Uvicorn that says when it listens, and ends endless answers when it stops."""

    def __init__(self, app: FastAPI, on_listening: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="on",
                log_config=None,  # what is logged, and where, is the caller's choice
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._serving: Serving = app.state.serving
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Those who follow a job would otherwise be waited for until the grace is over.
        self._serving.closing.set()
        await super().shutdown(sockets)


@contextmanager
def _application(
    settings: Settings, address: Address, *, warm: bool, resume: bool
) -> Iterator[FastAPI]:
    """The application over an engine that is closed at the end, and its address withdrawn."""
    engine = open_engine(settings)
    try:
        queue = open_queue(engine)
        try:
            with _custody(engine) as custody:
                yield create_app(
                    engine, queue, token=address.token, custody=custody, warm=warm, resume=resume
                )
        finally:
            queue.close()
    finally:
        # First the lock, then the address: who finds no address will find no lock either.
        engine.close()
        withdraw(settings.data, address)


@contextmanager
def _custody(engine: Engine) -> Iterator[Custody | None]:
    custody = open_custody(engine)
    try:
        yield custody
    finally:
        if custody is not None:
            custody.close()


@contextmanager
def running(app: FastAPI, listener: socket.socket) -> Iterator[None]:
    """Serve the application on a bound socket, from a thread, for as long as the block lasts."""
    listening = threading.Event()
    server = _Server(app, listening.set)
    thread = threading.Thread(target=server.run, args=([listener],), name="serve", daemon=True)
    thread.start()
    try:
        while not listening.wait(0.02):
            if not thread.is_alive():
                raise Unavailable("The server did not start; the log says why.")
        yield
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def _interrupted() -> Iterator[None]:
    """Let Ctrl-C and a polite kill end the block quietly, so that everything is closed after it."""
    # Uvicorn sends itself the signal again when it is done; by default SIGTERM would kill there.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        return
    finally:
        signal.signal(signal.SIGTERM, before)


def _check_alone(settings: Settings) -> None:
    there = published(settings.data)
    if there is not None:
        where = there.url or f"the socket {there.socket}"
        raise StoreLocked(
            f"Semblance (process {there.pid}) already serves {settings.data} at {where}. Use that, "
            "stop it, or choose another data folder with SEMBLANCE_DATA.",
            pid=there.pid,
            url=there.url,
        )

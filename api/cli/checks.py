"""What `semblance doctor` looks at. Each check works when everything else is broken."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from api.cli.output import number, size

if TYPE_CHECKING:
    from pathlib import Path

    from indexer.settings import Settings

State = Literal["ok", "warning", "problem"]

_LITTLE_DISK = 2e9
_NO_DISK = 300e6
_LITTLE_MEMORY = 2e9
_ANSWER_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was looked at, how it is, and how to mend it."""

    name: str
    state: State
    found: str
    remedy: str = ""


def all_checks(settings: Settings) -> Iterator[Check]:
    """Every check, one after the other; one that trips over itself is a problem, not the end."""
    for name, look in _CHECKS:
        try:
            checks = list(look(settings))
        except Exception as error:
            checks = [Check(name, "problem", f"{type(error).__name__}: {error}")]
        yield from checks


def _python(_: Settings) -> Iterator[Check]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield Check("python", "ok", f"{version} in {sys.prefix}")


def _data(settings: Settings) -> Iterator[Check]:
    folder = settings.data
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        remedy = f"Make {folder} writable, or choose another with --data or SEMBLANCE_DATA."
        yield Check("data", "problem", f"{folder}: {error.strerror}", remedy)
        return
    yield Check("data", "ok", f"{folder} is writable")


def _disk(settings: Settings) -> Iterator[Check]:
    free = shutil.disk_usage(_nearest(settings.data)).free
    state: State = "problem" if free < _NO_DISK else "warning" if free < _LITTLE_DISK else "ok"
    remedy = "" if state == "ok" else "Make room, or move the data folder with SEMBLANCE_DATA."
    yield Check("disk", state, f"{size(free)} free", remedy)


def _nearest(folder: Path) -> Path:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _memory(_: Settings) -> Iterator[Check]:
    free = _available_memory()
    if free is None:
        return
    state: State = "ok" if free >= _LITTLE_MEMORY else "warning"
    remedy = "" if state == "ok" else "Close other programs; models need 1 to 2 GB."
    yield Check("memory", state, f"{size(free)} available", remedy)


def _available_memory() -> int | None:
    if sys.platform == "linux":
        with open("/proc/meminfo") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    if "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _owner(settings: Settings) -> Iterator[Check]:
    from api.address import published

    address = published(settings.data)
    if address is None:
        yield Check("server", "ok", "none runs; commands start the engine themselves")
        return
    where = address.url or "a private socket"
    yield Check("server", "ok", f"process {address.pid} at {where}; commands use it")


def _store(settings: Settings) -> Iterator[Check]:
    from api.client import connect
    from indexer.errors import SemblanceError

    try:
        with connect(settings, resume=False) as client:
            collections = client.collections()
    except SemblanceError as error:
        yield Check("store", "problem", error.message)
        return
    broken = [each for each in collections if each.get("problem") is not None]
    for each in broken:
        reason = each["problem"]
        yield Check(
            "store",
            "problem",
            f"{each['name']}: {reason['message'] if reason else ''}",
            f"If it cannot be mended: semblance collections delete {each['name']}",
        )
    if not broken:
        yield Check("store", "ok", number(len(collections), "collection"))


def _blobs(settings: Settings) -> Iterator[Check]:
    from indexer.build import open_blobs
    from indexer.content import in_memory
    from indexer.errors import SemblanceError

    where = settings.blobs or "in the data folder"
    written = secrets.token_bytes(16)
    try:
        blobs = open_blobs(settings)
        uri = blobs.put(in_memory(written))
        with blobs.open(uri) as file:
            read = file.read()
        blobs.delete([uri])
    except SemblanceError as error:
        yield Check("blobs", "problem", error.message)
        return
    if read != written:
        yield Check("blobs", "problem", f"{where}: what was written does not come back")
        return
    yield Check("blobs", "ok", f"{where}: can be written, read and deleted")


def _device(settings: Settings) -> Iterator[Check]:
    from indexer.embedders.device import choose_device
    from indexer.errors import ModelUnavailable

    try:
        device = choose_device(settings.device)
    except ModelUnavailable as error:
        yield Check("device", "problem", error.message)
        return
    if device.startswith("cuda"):
        import torch

        yield Check("device", "ok", f"{device}: {torch.cuda.get_device_name(device)}")
        return
    yield Check("device", "ok", f"{device}, {number(os.cpu_count() or 1, 'processor')}")


def _models(settings: Settings) -> Iterator[Check]:
    from indexer.embedders.catalogue import ROWS
    from indexer.embedders.loading import LoadedEmbedders
    from indexer.errors import ModelNotFound

    embedders = LoadedEmbedders()
    try:
        default = embedders.available(settings.model)
    except ModelNotFound as error:
        yield Check("model", "problem", error.message, "Set SEMBLANCE_MODEL to another.")
        return
    if default.on_disk:
        yield Check("model", "ok", f"{settings.model}, used for new collections, is here")
    else:
        yield Check("model", "problem", f"{settings.model} is not here", default.remedy)
    here = [row.name for row in ROWS if embedders.available(row.name).on_disk]
    others = [row.name for row in ROWS if row.name not in here]
    if others:
        hint = "`semblance models NAME` says how to bring one"
        yield Check("models", "ok", f"{', '.join(others)}: not on this machine; {hint}")


def _redis(settings: Settings) -> Iterator[Check]:
    if settings.redis_url is None:
        yield Check("queue", "ok", "inside the process (SEMBLANCE_REDIS_URL is not set)")
        return
    from indexer.errors import SemblanceError
    from worker.broker import Broker
    from worker.celery_app import make_app
    from worker.queues import QUEUES

    try:
        settings.check_scaled_out()
        broker = Broker(make_app(settings))
        workers, waiting = broker.workers(), broker.waiting(QUEUES)
    except SemblanceError as error:
        yield Check("queue", "problem", error.message)
        return
    yield Check("queue", "ok", f"Redis answers; {number(waiting, 'job')} waiting")
    remedy = "" if workers else "Start one: semblance worker"
    yield Check("workers", "ok" if workers else "warning", number(len(workers), "worker"), remedy)


def _qdrant(settings: Settings) -> Iterator[Check]:
    if settings.qdrant_url is None:
        return
    import httpx

    try:
        answer = httpx.get(settings.qdrant_url, timeout=_ANSWER_SECONDS)
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        remedy = "Start it, or unset SEMBLANCE_QDRANT_URL to use the engine in the process."
        yield Check("qdrant", "problem", f"{settings.qdrant_url} does not answer: {error}", remedy)
        return
    yield Check("qdrant", "ok", f"{settings.qdrant_url} answers")


_CHECKS: tuple[tuple[str, Callable[[Settings], Iterator[Check]]], ...] = (
    ("python", _python),
    ("data", _data),
    ("disk", _disk),
    ("memory", _memory),
    ("server", _owner),
    ("qdrant", _qdrant),
    ("queue", _redis),
    ("blobs", _blobs),
    ("store", _store),
    ("device", _device),
    ("model", _models),
)

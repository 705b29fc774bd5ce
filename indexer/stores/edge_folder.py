"""The folder of the edge store: one engine shard a Collection, and one process that owns it all."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import qdrant_edge as qe

from indexer.errors import (
    CollectionExists,
    CollectionNotFound,
    DiskFull,
    StoreLocked,
    StoreUnavailable,
)
from indexer.stores.aliases import check_alias, check_own_name, check_unused
from indexer.stores.edge_aliases import AliasFile, sync
from indexer.stores.edge_errors import edge_errors
from indexer.stores.edge_repair import dimensions_of, reconcile
from indexer.stores.edge_shard import OpenShard
from indexer.stores.validation import check_collection_name

_LOCK_FILE = ".lock"
_NEW = ".new-"
_TRASH = ".trash-"


class ShardFolder:
    """Opens, makes and removes the shards of one folder, for this process alone.

    The engine holds the GIL for the whole of a call, so one lock a Collection costs no
    concurrency and makes "check, then write" one step.
    """

    def __init__(
        self, folder: Path, min_free_bytes: int, prepare: Callable[[qe.EdgeShard], None]
    ) -> None:
        """`prepare` is called with each shard that is made or opened, before anybody uses it."""
        self.folder = folder
        self._min_free_bytes = min_free_bytes
        self._prepare = prepare
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._open: dict[str, OpenShard] = {}
        with edge_errors(str(folder)):
            folder.mkdir(parents=True, exist_ok=True)
            self._owner: int | None = _own(folder)
            for leftover in folder.iterdir():
                if leftover.name.startswith((_NEW, _TRASH)):
                    shutil.rmtree(leftover, ignore_errors=True)
            try:
                self._aliases = AliasFile(folder, self.names())
            except BaseException:
                self.close()
                raise

    def names(self) -> list[str]:
        """Names of the Collections, sorted; also of those that do not open."""
        self._check_usable()
        with edge_errors(str(self.folder)):
            entries = list(self.folder.iterdir())
        return sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))

    def aliases(self) -> dict[str, str]:
        """Alias to Collection."""
        self._check_usable()
        return self._aliases.all()

    def set_alias(self, alias: str, name: str) -> None:
        """Make the alias lead to the Collection; after a crash it does, or all is as before."""
        with self._lock, edge_errors(str(self.folder)):
            aliases = self.aliases()
            check_alias(alias, name, aliases, self.names())
            self.check_space()
            self._aliases.write({**aliases, alias: name})

    def drop_alias(self, alias: str) -> bool:
        """Forget the alias; False if there was none."""
        with self._lock, edge_errors(str(self.folder)):
            aliases = self.aliases()
            if alias not in aliases:
                return False
            self._aliases.write({one: of for one, of in aliases.items() if one != alias})
            return True

    @contextmanager
    def use(self, name: str) -> Iterator[OpenShard]:
        """The Collection's shard, held by this thread; the engine's errors come out as ours."""
        opened = self._opened(name)
        with opened.lock, edge_errors(str(opened.folder)):
            if opened.closed:
                raise _not_found(name)
            yield opened

    def create(self, name: str, config: qe.EdgeConfig) -> None:
        """Make an empty shard; after a crash it is either there or not."""

        def empty(folder: Path) -> None:
            shard = qe.EdgeShard.create(str(folder), config)
            self._prepare(shard)
            shard.close()

        self.add(name, empty)

    def add(self, name: str, make: Callable[[Path], None], needed: int = 0) -> None:
        """Take in the shard that `make` puts into a folder it is given, which is not there yet.

        It needs this many bytes of disk; after a crash the shard is either there or not.
        """
        self._check_usable()
        target = self.folder / check_collection_name(name)
        with self._lock, edge_errors(str(target)):
            check_unused(name, self.aliases())
            if target.exists():
                raise CollectionExists(
                    f"There is a Collection {name!r} already; choose another name.",
                    collection=name,
                )
            self.check_space(needed)
            unfinished = self.folder / f"{_NEW}{uuid.uuid4().hex}"
            try:
                make(unfinished)
                _readable(unfinished)
                unfinished.rename(target)
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
            sync(self.folder)

    def drop(self, name: str) -> None:
        """Close the shard and delete its files; a crash in between cannot bring half of it back."""
        self._check_usable()
        target = self.folder / check_collection_name(name)
        with self._lock, edge_errors(str(target)):
            aliases = self.aliases()
            check_own_name(name, aliases)
            if not target.is_dir():
                raise _not_found(name)
            opened = self._open.pop(name, None)
            if opened is not None:
                opened.close()
            trash = self.folder / f"{_TRASH}{uuid.uuid4().hex}"
            target.rename(trash)
            sync(self.folder)
            if name in aliases.values():
                # last: if a kill leaves them behind, they go at the next start
                self._aliases.write({one: of for one, of in aliases.items() if of != name})
            shutil.rmtree(trash, ignore_errors=True)

    def check_space(self, needed: int = 0) -> None:
        """Raise `DiskFull` while there is still room: on a full disk the engine kills the process.

        It writes through memory maps, where a missing block arrives as SIGBUS.
        """
        free = shutil.disk_usage(self.folder).free
        if free < self._min_free_bytes + needed:
            raise DiskFull(
                f"The disk of {self.folder} has {free >> 20} MB left and "
                f"{(self._min_free_bytes + needed) >> 20} MB are needed; free some space.",
                folder=str(self.folder),
            )

    def close(self) -> None:
        """Close all shards and let others own the folder; idempotent."""
        if os.getpid() != self._pid:
            return  # the shards and the lock belong to the process that opened them
        with self._lock:
            if self._owner is None:
                return
            owner, self._owner = self._owner, None
            with ExitStack() as closing, edge_errors(str(self.folder)):
                closing.callback(os.close, owner)  # last, and even if a shard fails to close
                for opened in self._open.values():
                    closing.callback(opened.close)
                self._open.clear()

    def _opened(self, name: str) -> OpenShard:
        self._check_usable()
        name = self._aliases.get(name)
        opened = self._open.get(name)
        if opened is not None:
            return opened
        target = self.folder / check_collection_name(name)
        with self._lock, edge_errors(str(target)):
            self._check_usable()
            if name not in self._open:
                if not target.is_dir():
                    raise _not_found(name)
                self.check_space()  # opening writes too
                _readable(target)
                shard = qe.EdgeShard.load(str(target))
                self._prepare(shard)
                # now: the engine's log may have held a Space that its description did not
                self._open[name] = OpenShard(shard, target, dimensions_of(target))
            return self._open[name]

    def _check_usable(self) -> None:
        if os.getpid() != self._pid:
            # the engine's threads did not come along; a call would wait for them for ever
            raise StoreUnavailable(
                f"{self.folder} was opened by process {self._pid} and this is a fork of it. "
                "Start workers as threads or with the spawn method.",
                folder=str(self.folder),
            )
        if self._owner is None:
            raise StoreUnavailable(f"The store of {self.folder} is closed; open a new one.")


def _own(folder: Path) -> int:
    descriptor = os.open(folder / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise StoreLocked(
            f"The folder {folder} is in use by process {owner}. Stop that process, talk to it "
            "over HTTP instead, or set SEMBLANCE_DATA to another folder.",
            folder=str(folder),
            pid=owner,
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _readable(target: Path) -> None:
    """Repair what a kill left half done. Raises `StoreUnavailable` if this is no Collection."""
    try:
        reconcile(target)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreUnavailable(
            f"{target} does not hold a readable Collection: {error!r}. Restore the folder from "
            "a backup, or remove it and index again.",
            folder=str(target),
        ) from error


def _not_found(name: str) -> CollectionNotFound:
    return CollectionNotFound(
        f"There is no Collection {name!r}; see the list of Collections.", collection=name
    )

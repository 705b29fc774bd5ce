"""Aliases of the edge store: one small file in its folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from indexer.errors import StoreUnavailable

_FILE = ".aliases.json"  # no Collection can have this name


class AliasFile:
    """Alias to Collection, as it is on the disk; for the process that owns the folder.

    A kill or a power cut leaves the aliases as they were before a change or after it.
    """

    def __init__(self, folder: Path, collections: Iterable[str]) -> None:
        self._file = folder / _FILE
        self._aliases = _read(self._file)
        there = {*collections}
        valid = {
            alias: of for alias, of in self._aliases.items() if of in there and alias not in there
        }
        if valid != self._aliases:  # a Collection was removed, and a kill came before its aliases
            self.write(valid)

    def all(self) -> dict[str, str]:
        """In the order of the aliases."""
        return dict(sorted(self._aliases.items()))

    def get(self, name: str) -> str:
        """The Collection that the name leads to; a name that is no alias is its own."""
        return self._aliases.get(name, name)

    def write(self, aliases: Mapping[str, str]) -> None:
        """Keep these, and no others, in one step."""
        unfinished = self._file.with_suffix(".new")
        with unfinished.open("w", encoding="utf-8") as written:
            json.dump(dict(sorted(aliases.items())), written, indent=2)
            written.flush()
            os.fsync(written.fileno())
        unfinished.replace(self._file)
        sync(self._file.parent)
        self._aliases = dict(aliases)  # another one: who is reading the old one reads on in it


def sync(folder: Path) -> None:
    """Make names that were given or taken in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(file: Path) -> dict[str, str]:
    try:
        aliases = json.loads(file.read_bytes())
        if all(isinstance(of, str) for of in aliases.values()):
            return dict(aliases)
        raise ValueError("it names something that is no Collection")
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError) as error:
        raise StoreUnavailable(
            f"{file} does not hold readable aliases: {error}. Remove it and set them again.",
            file=str(file),
        ) from error

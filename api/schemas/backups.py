"""Backups of collections."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from api.schemas.base import Question, Told
from indexer.backup import Backup
from indexer.originals import Kept


class BackupFolder(Question):
    """A folder on the server's machine."""

    folder: str = Field(min_length=1, max_length=4096, examples=["/backups/semblance"])

    @field_validator("folder")
    @classmethod
    def _absolute(cls, folder: str) -> str:
        if "\0" in folder or not Path(folder).is_absolute():
            raise ValueError("give an absolute path")
        return folder


class BackupTold(Told):
    """A collection in a folder."""

    collection: str
    format: str = Field(description="The engine that wrote it; the same can read it.")
    file: str
    sha256: str
    bytes: int
    points: int = Field(description="Assets, documents and jobs, and the description.")
    made_at: str

    @classmethod
    def of(cls, backup: Backup) -> BackupTold:
        return cls(
            collection=backup.collection,
            format=backup.format,
            file=backup.file,
            sha256=backup.sha256,
            bytes=backup.bytes,
            points=backup.points,
            made_at=backup.made_at,
        )


class KeptTold(Told):
    """Whether copies of uploaded files are where Semblance keeps them."""

    looked_at: int = Field(description="Assets with a kept original; at most 10,000 are looked at.")
    missing: int = Field(description="Those of them whose original is gone.")


class RestoredTold(BackupTold):
    """A collection that was made from its backup."""

    originals: KeptTold | None = Field(description="Null if their place does not answer.")

    @classmethod
    def after(cls, backup: Backup, kept: Kept | None) -> RestoredTold:
        told = None if kept is None else KeptTold(looked_at=kept.looked_at, missing=kept.missing)
        return cls(**BackupTold.of(backup).model_dump(), originals=told)

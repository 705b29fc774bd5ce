"""The ledger's own payload fields that every Collection has indexed from its first day."""

from __future__ import annotations

from indexer.domain import FieldType

LEDGER_FIELDS = {
    "entry": FieldType.KEYWORD,
    "status": FieldType.KEYWORD,
    "kind": FieldType.KEYWORD,
    "job": FieldType.KEYWORD,
    "documents": FieldType.KEYWORD,
    "container": FieldType.KEYWORD,
    "media_type": FieldType.KEYWORD,
    "added_at": FieldType.DATETIME,
    "indexed_at": FieldType.DATETIME,
    "finished_at": FieldType.DATETIME,
    "cancelled_at": FieldType.DATETIME,
    "lease.owner": FieldType.KEYWORD,
    "lease.queue": FieldType.KEYWORD,
    "lease.until": FieldType.DATETIME,
    "text": FieldType.TEXT,
}

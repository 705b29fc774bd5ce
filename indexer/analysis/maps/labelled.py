"""Labels of assets, from their metadata."""

from __future__ import annotations

from collections.abc import Mapping

from indexer.analysis.subject import Subject
from indexer.errors import InvalidInput


def labels(subject: Subject, field: str) -> list[str | None]:
    """What each asset has in this metadata field, as text; of a list its first, None if nothing.

    `field` is a path (`class`, `camera.model`). Raises `InvalidInput` if no asset has it.
    """
    found = [label(payload.get("metadata"), field) for payload in subject.payloads("metadata")]
    if not any(value is not None for value in found):
        raise InvalidInput(
            f"None of these {len(found):,} assets has the metadata field {field!r}; choose a "
            "field that they have, or give them one.",
            field=field,
        )
    return found


def label(metadata: object, field: str) -> str | None:
    """What this metadata has in the field, as text."""
    value = metadata
    for key in field.removeprefix("metadata.").split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    if isinstance(value, list):
        value = value[0] if value else None
    if value is None or value == "" or isinstance(value, Mapping | list):
        return None
    return f"{value:g}" if isinstance(value, float) else str(value)

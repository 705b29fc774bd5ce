"""Reads classes from a metadata field: which asset has which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from indexer.analysis.method import Parameters
from indexer.analysis.subject import Subject
from indexer.errors import InvalidInput
from indexer.filter_json import payload_field

MAX_CLASSES = 1000
"""A field with more different values names things, not classes."""

NONE = -1
"""The class of an asset that has no value in the field."""

REST = "(other)"
"""What an asset has that lacks the one value that was asked about."""

Codes = NDArray[np.int32]


class OfField(Parameters):
    """Parameters of an analysis that learns from a field."""

    label: str = Field(
        min_length=1,
        description="The metadata field whose values are the classes, such as `label`; "
        "`camera.model` names one inside another.",
    )
    value: str | None = Field(
        None,
        description="Tell the assets that have this value in the field from those that have "
        "others: for fields that hold several values an asset.",
    )


@dataclass(frozen=True, slots=True)
class Labelled:
    """The class of each row: `codes`, shape (n,), index into `classes`, or `NONE`.

    `classes` are in the order of the alphabet; each has at least one row, and there are at least
    two.
    """

    classes: Sequence[str]
    codes: Codes

    @property
    def rows(self) -> NDArray[np.int64]:
        """The rows that have a class."""
        return np.flatnonzero(self.codes != NONE)

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many rows each class has."""
        return np.bincount(self.codes[self.rows], minlength=len(self.classes))

    def name(self, code: int) -> str | None:
        """The class with this code; None for `NONE`."""
        return None if code == NONE else self.classes[code]


def read_labels(subject: Subject, asked: OfField) -> Labelled:
    """The classes that a field gives the rows of a Subject.

    Numbers and truth values count as their text. Raises `InvalidInput` if no asset has the field,
    if all have the same value or nearly each its own, and if some have several values and none of
    them was asked about.
    """
    subject.progress.step("Reading labels", 0, len(subject))
    place = payload_field(asked.label).replace("[]", "")
    key = place.partition(".")[0]
    found = [[*_values(one, place.split("."))] for one in subject.payloads(key)]
    if not any(found):
        raise _wrong(subject, asked, f"no asset has one{_known(subject)}")
    if asked.value is not None:
        found = [[asked.value if asked.value in one else REST] if one else [] for one in found]
    several = sum(len(set(one)) > 1 for one in found)
    if several:
        raise _wrong(
            subject,
            asked,
            f"{several:,} assets have several; ask about one of them as `value`, such as "
            f"{_most_frequent(found)!r}",
        )
    return _coded(subject, asked, [one[0] if one else None for one in found])


def _coded(subject: Subject, asked: OfField, values: Sequence[str | None]) -> Labelled:
    classes = sorted({value for value in values if value is not None})
    if asked.value is not None and asked.value not in classes:
        raise _wrong(subject, asked, f"no asset has {asked.value!r}")
    if len(classes) == 1:
        raise _wrong(subject, asked, f"all that have one have {classes[0]!r}; two are needed")
    if len(classes) > MAX_CLASSES:
        raise _wrong(
            subject,
            asked,
            f"there are {len(classes):,} different ones, more than the {MAX_CLASSES:,} that can be "
            "classes; name a field that sorts assets into groups",
        )
    code = {name: number for number, name in enumerate(classes)}
    codes = [NONE if value is None else code[value] for value in values]
    return Labelled(classes, np.array(codes, np.int32))


def _values(payload: object, steps: Sequence[str]) -> Iterator[str]:
    """The scalars at the end of a path, as text; lists on the way are gone through."""
    if isinstance(payload, list):
        for one in payload:
            yield from _values(one, steps)
    elif steps:
        if isinstance(payload, Mapping) and steps[0] in payload:
            yield from _values(payload[steps[0]], steps[1:])
    elif isinstance(payload, bool):
        yield str(payload).lower()
    elif isinstance(payload, str | int | float):
        # 3.0 and 3 are one number, as in filters.
        yield str(int(payload) if isinstance(payload, float) and payload.is_integer() else payload)


def _most_frequent(found: Sequence[Sequence[str]]) -> str:
    return Counter(value for one in found for value in one).most_common(1)[0][0]


def _known(subject: Subject) -> str:
    names = ", ".join(sorted(subject.collection.fields))
    return f"; fields that are there: {names}" if names else "; this collection has no metadata"


def _wrong(subject: Subject, asked: OfField, why: str) -> InvalidInput:
    return InvalidInput(
        f"The values of field {asked.label!r} in collection {subject.collection.name!r} cannot be "
        f"taken as classes: {why}.",
        collection=subject.collection.name,
        field=asked.label,
    )

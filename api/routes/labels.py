"""Labels that analyses found: saved as metadata, and taken out again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import ENGINE
from api.routes.analyses import ANALYSIS
from api.schemas.labels import LabelsTold, LabelsWanted
from indexer.analysis.labels import saved
from indexer.analysis.labels.found import found_labels

router = APIRouter(prefix="/collections/{collection}/analyses", tags=["analyses"])


@router.post("/{id}/labels")
def save_labels(analysis: ANALYSIS, wanted: LabelsWanted, engine: ENGINE) -> LabelsTold:
    """Save the labels that an analysis found as metadata, so that filters find them.

    For `classification`, `propagation`, `probe` (assets that had no label) and `label_errors` (the
    suggested labels). Nothing is overwritten: 409 if an asset has another value in the field. What
    was written is kept in the table `saved`.
    """
    labels = found_labels(engine.blobs, analysis, wanted.at_least)
    count = saved.save(engine.access, analysis, labels, wanted.field)
    return LabelsTold(field=wanted.field, assets=count)


@router.delete("/{id}/labels")
def drop_labels(
    analysis: ANALYSIS,
    engine: ENGINE,
    field: Annotated[str, Query(min_length=1, max_length=200, examples=["subject"])],
) -> LabelsTold:
    """Undo the saving: take the field out wherever the analysis wrote it, names of clusters too.

    What was there before or has been changed since stays. 404 if nothing was saved in this field.
    """
    count = saved.drop(engine.access, analysis, field)
    return LabelsTold(field=field, assets=count)

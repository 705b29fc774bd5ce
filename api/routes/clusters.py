"""Clusters of an analysis that is kept: renamed, merged, brought up to date, saved as labels."""

from __future__ import annotations

from fastapi import APIRouter

from api.deps import ENGINE
from api.routes.analyses import ANALYSIS, told
from api.schemas.analyses import AnalysisTold
from api.schemas.clusters import ClusterName, Label, Labelled, Merge
from indexer.analysis.clusters import keeping
from indexer.analysis.labels.saving import metadata_key

router = APIRouter(prefix="/collections/{collection}/analyses/{id}/clusters", tags=["analyses"])


@router.post("/merge")
def merge_clusters(analysis: ANALYSIS, asked: Merge, engine: ENGINE) -> AnalysisTold:
    """Make clusters one, with the number of the first of them."""
    changed = keeping.merge(engine.access, analysis, asked.clusters, asked.name)
    return told(engine.store, changed)


@router.post("/assign")
def assign_to_clusters(analysis: ANALYSIS, engine: ENGINE) -> AnalysisTold:
    """Put assets that were added since into the clusters there are; drop those deleted since.

    Nothing is clustered anew: numbers, names and centres stay as they are.
    """
    return told(engine.store, keeping.assign(engine.access, analysis))


@router.post("/label")
def label_by_clusters(analysis: ANALYSIS, asked: Label, engine: ENGINE) -> Labelled:
    """Save the clusters' names as a metadata field of their members; other metadata stays.

    Nothing is overwritten: 409 if a member has another value in the field. Names that this analysis
    saved there are brought up to date. `DELETE .../labels` takes them out again.
    """
    count = keeping.label(engine.access, analysis, asked.field, asked.clusters)
    return Labelled(labelled=count, field=metadata_key(asked.field))


@router.patch("/{cluster}")
def rename_cluster(
    analysis: ANALYSIS, cluster: int, asked: ClusterName, engine: ENGINE
) -> AnalysisTold:
    """Call a cluster something else; the name stays when the analysis is run again."""
    return told(engine.store, keeping.rename(engine.access, analysis, cluster, asked.name))

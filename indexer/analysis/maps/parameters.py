"""What a person can choose in a map."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from indexer.analysis.method import Parameters

By = Literal["umap", "pca", "lda", "tsne"]


class MapParameters(Parameters):
    by: By = Field(
        "umap",
        description="umap: neighbours lie together; pca: the axes of largest variance; "
        "lda: the axes that tell the classes of `label` apart; tsne: as umap, for small "
        "collections.",
    )
    neighbours: int = Field(
        15,
        ge=2,
        le=200,
        description="umap: how many neighbours each asset is held to; few show detail, many the "
        "whole. Trustworthiness is measured over as many.",
    )
    min_dist: float = Field(
        0.1,
        ge=0,
        le=0.99,
        description="umap: how far apart the most similar assets are drawn; 0 packs them.",
    )
    perplexity: float = Field(
        30, ge=2, le=100, description="tsne: how many neighbours each asset is held to, roughly."
    )
    label: str | None = Field(
        None, min_length=1, description="lda: the metadata field with the classes."
    )
    redraw: bool = Field(
        False,
        description="Draw a umap or tsne map anew. Otherwise assets that came since the last one "
        "are placed into it and the others stay, as long as nine in ten were there.",
    )

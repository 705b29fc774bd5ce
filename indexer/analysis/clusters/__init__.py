"""Clusters: which groups of assets there are, what they are called, who stands for them.

parameters  what a person can choose
kmeans      spherical k-means at any size      choosing   k, if none is given
density     HDBSCAN over the neighbour graph   matching   numbers as in the former run
portraits   centres, cohesion, representatives hierarchy  the tree over them
naming      names: from words, from a vocabulary
tables      all of it as tables                edits      renamed, merged, assigned, labelled
method      the analysis itself
"""

from indexer.analysis.clusters.method import METHOD

__all__ = ["METHOD"]

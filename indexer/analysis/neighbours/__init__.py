"""The neighbour graph: for every row its nearest other rows by cosine."""

from indexer.analysis.neighbours.building import nearest_neighbours
from indexer.analysis.neighbours.graph import NeighbourGraph

__all__ = ["NeighbourGraph", "nearest_neighbours"]

"""The neighbour graph: for every row its nearest other rows by cosine.

`nearest_neighbours` makes one from vectors, exactly where that takes seconds, else approximately;
`updated` fits in what was added and takes out what was deleted; `from_store` asks the store's own
index; `to_table` and `from_table` keep it. Each graph says its own recall.
"""

from indexer.analysis.neighbours.building import nearest_neighbours
from indexer.analysis.neighbours.graph import NeighbourGraph
from indexer.analysis.neighbours.stored import from_store, outgrows_memory
from indexer.analysis.neighbours.tables import from_table, to_table
from indexer.analysis.neighbours.updating import fits, places_of, updated

__all__ = [
    "NeighbourGraph",
    "fits",
    "from_store",
    "from_table",
    "nearest_neighbours",
    "outgrows_memory",
    "places_of",
    "to_table",
    "updated",
]

"""Maps: every asset a point in the plane, similar ones together.

`method` draws a map or keeps the former one; `drawing` has the ways to draw; `layout` is UMAP's;
`trust` measures; `points` and `tiles` are for showing.
"""

from indexer.analysis.maps.method import METHOD

__all__ = ["METHOD"]

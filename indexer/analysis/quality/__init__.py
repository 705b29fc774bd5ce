"""Quality: pictures and texts that are hard to look at or to read.

`pictures` and `texts` measure one asset; `issues` turns measures into scores and flags; `measuring`
reads originals, several at once; and `method` is the analysis, which keeps all of it as tables.
"""

from indexer.analysis.quality.method import METHOD

__all__ = ["METHOD"]

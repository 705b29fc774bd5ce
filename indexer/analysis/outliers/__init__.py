"""Outliers: assets that are unlike the others.

`scores` measures how far rows stand from others, `judging` says of each row what follows from it,
and `method` is the analysis, which keeps that as tables.
"""

from indexer.analysis.outliers.method import METHOD

__all__ = ["METHOD"]

"""Two Spaces compared over the same assets: before and after a change, or two models.

`method` puts it together; `overlap` compares neighbours, `structure` what is between them (maps,
clusters, distances), `separation` how well each Space tells labels apart; `verdict` says it in
words.
"""

from indexer.analysis.comparison.method import METHOD

__all__ = ["METHOD"]

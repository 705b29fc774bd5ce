"""Analyses: what can be seen in the vectors of a whole Collection.

Each module holds one Method: its parameters, and a function from a Subject (the vectors of a Space,
their neighbour graph, what the ledger knows of their assets) to an Outcome (tables and a summary).
Nothing in them knows where a Subject comes from or where an Outcome is kept.
"""

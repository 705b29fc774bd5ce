"""Cells of CSV files, as spreadsheets take them."""

from __future__ import annotations

_RUN = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(value: object) -> object:
    """The value; text that a spreadsheet would run gets an apostrophe first, and stays text."""
    return f"'{value}" if isinstance(value, str) and value[:1] in _RUN else value

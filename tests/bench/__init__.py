"""Benchmarks: each prints what it measures and writes JSON; none of them asserts a time."""

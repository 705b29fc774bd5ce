"""Readers find documents in a location and yield their assets, lazily; they never write."""

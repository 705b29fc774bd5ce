"""The demo's sample collection, made from what is installed anyway: no network, no bundled data."""

from indexer.samples.collection import NOTES, make_samples

__all__ = ["NOTES", "make_samples"]

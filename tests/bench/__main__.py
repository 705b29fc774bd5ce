"""`./run bench [NAME] [OPTIONS]`: one benchmark, or all that need no data from elsewhere."""

from __future__ import annotations

import sys
from importlib import import_module

BENCHES = {
    "startup": "seconds until help, until the server answers, until it is ready",
    "queries": "latency through HTTP at 10,000 and 100,000 assets, by stage",
    "users": "queries a second and waits of 50 people at once",
    "towers": "models as torch runs them beside their compiled form",
    "ingest": "pictures a second beside the model's bare forward pass",
    "memory": "peak memory over 1,000 and 20,000 pictures",
    "kills": "workers, Redis, the store and servers killed again and again: is anything lost?",
    "footprint": "bytes an asset takes on disk and in memory, part by part",
    "maps": "maps of 10,000 and 100,000 assets beside umap-learn's",
    "peers": "pictures a second beside other programs; takes a Python that has them",
    "graph": "the neighbour graph beside pynndescent and hnswlib; takes a Python that has them",
    "outliers": "planted misfits found, beside cleanlab; takes the folder of the data",
    "quality": "spoilt pictures found, beside cleanvision; takes a folder of photographs",
    "cranfield": "search quality on Cranfield; takes the folder of the data",
    "labels": "labels by words, learnt, spread and doubted; takes the folder of all data",
    "clusters": "how good and how fast clusters are found; takes the folder of all data",
    "duplicates": "variants found among thousands of pictures; takes the folder of all data",
    "relevance": "whether relevance tells a match from none; takes the folder of all data",
}


def main() -> None:
    names = sys.argv[1:2] or ["startup", "queries", "users", "towers", "ingest", "memory"]
    if names[0] not in BENCHES:
        lines = [f"  {name:10} {what}" for name, what in BENCHES.items()]
        print("Usage: ./run bench [NAME] [OPTIONS]\n" + "\n".join(lines))
        raise SystemExit(0 if names[0] in {"-h", "--help"} else 2)
    for name in names:
        print(f"== {name}")
        import_module(f"tests.bench.{name}").main(sys.argv[2:])


if __name__ == "__main__":
    main()

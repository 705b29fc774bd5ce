"""Run by a Python that has imagededup: hashes of files, and all pairs of them that are near."""

from __future__ import annotations

import json
import sys
import time
from multiprocessing import Pool

_MOST = 16


def main(files: str, output: str) -> None:
    import numpy as np
    from imagededup.methods import AHash, DHash, PHash, WHash

    with open(files) as file:
        paths = json.load(file)
    told = {}
    for method in (PHash, DHash, AHash, WHash):
        began = time.perf_counter()
        hasher = method(verbose=False)
        with Pool(2) as pool:
            hashes = pool.map(hasher.encode_image, paths, chunksize=64)
        seconds = time.perf_counter() - began
        numbers = np.array([int(hash, 16) for hash in hashes], np.uint64)
        pairs = []
        for row in range(len(paths) - 1):
            apart = np.bitwise_count(numbers[row + 1 :] ^ numbers[row])
            near = np.flatnonzero(apart <= _MOST)
            pairs += [(paths[row], paths[row + 1 + int(o)], int(apart[o])) for o in near]
        told[method.__name__] = {"seconds": round(seconds, 1), "pairs": pairs}
    with open(output, "w") as file:
        json.dump(told, file)


if __name__ == "__main__":
    main(*sys.argv[1:3])

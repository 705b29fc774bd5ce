"""Perceptual hashes of pictures, and which of many are near each other, in any turn or mirrored.

The hash is the signs of the 63 lowest frequencies (8 × 8 without the mean) of the discrete cosine
transform of the picture squeezed to 32 × 32 (after pHash, C. Zauner 2010, with 0 in place of the
median as the threshold). So brightness and contrast leave it as it is, and the hash of the mirrored
or turned picture follows from the bits alone: a mirror image negates the odd frequencies, a quarter
turn swaps rows and columns. Pictures are decoded once, for all eight ways they may lie.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Grey = NDArray[np.uint8]

_SIDE = 32
_LOW = 8
BITS = _LOW * _LOW - 1


@dataclass(frozen=True, slots=True)
class Turn:
    """How a picture lies: first mirrored left to right or not, then quarter turns to the left."""

    mirrored: bool
    quarters: int

    @property
    def back(self) -> Turn:
        """The turn that undoes this one; one that mirrors undoes itself."""
        return self if self.mirrored else Turn(False, -self.quarters % 4)

    def of(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture, shape (height, width, ...), laid like this."""
        laid = picture[:, ::-1] if self.mirrored else picture
        return np.ascontiguousarray(np.rot90(laid, self.quarters))


TURNS = tuple(Turn(mirrored, quarters) for mirrored in (False, True) for quarters in range(4))
"""The eight ways a picture may lie; the first is as it is."""


def perceptual_hash(grey: Grey) -> np.uint64:
    """63 bits that survive resizing, compression, and changes of brightness and contrast."""
    import cv2

    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    bits = cv2.dct(small)[:_LOW, :_LOW] > 0
    bits[0, 0] = False
    return np.uint64(_packed(bits.reshape(1, _LOW, _LOW))[0])


def turned(hashes: Hashes, turn: Turn) -> Hashes:
    """The hashes that the same pictures have when they lie like this."""
    bits = _unpacked(hashes)
    odd = np.arange(_LOW) % 2 == 1
    if turn.mirrored:
        bits = bits ^ odd[None, None, :]
    for _ in range(turn.quarters):
        bits = bits.transpose(0, 2, 1) ^ odd[None, :, None]
    bits = bits.copy()
    bits[:, 0, 0] = False
    return _packed(bits)


def distances(first: Hashes, second: Hashes) -> NDArray[np.uint8]:
    """In how many bits the hashes differ, pair by pair."""
    return np.asarray(np.bitwise_count(first ^ second), np.uint8)


def nearest_turn(first: Hashes, second: Hashes) -> tuple[NDArray[np.int8], NDArray[np.uint8]]:
    """For each pair the turn of the second that is nearest to the first, and its distance."""
    each = np.stack([distances(first, turned(second, turn)) for turn in TURNS])
    best = each.argmin(axis=0)
    return best.astype(np.int8), np.take_along_axis(each, best[None], axis=0)[0]


def near(hashes: Hashes, radius: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """All pairs of distinct hashes within the radius (at most 8) in any turn, in blocks.

    Multi-index hashing (Norouzi, Punjani and Fleet 2012): the bits are dealt to three keys of 21;
    of two hashes that differ in at most 8 bits, one key differs in at most 2. So each hash looks
    into 232 drawers a key instead of at every other hash. A pair may come more than once.
    """
    others = [hashes] + [turned(hashes, turn) for turn in TURNS[1:] if turn != Turn(False, 3)]
    for key in range(3):
        drawers = _Drawers.of(_key(hashes, key))
        for other in others:
            keys = _key(other, key)
            for flips in _flips(radius // 3):
                for asking, found in drawers.beside(keys ^ flips):
                    keep = distances(other[asking], hashes[found]) <= radius
                    keep &= asking != found
                    if keep.any():
                        yield asking[keep], found[keep]


_KEY_BITS = BITS // 3
_BLOCK = 1 << 23


@dataclass(frozen=True, slots=True)
class _Drawers:
    """Rows sorted by a key of 21 bits: those of one key lie between two bounds."""

    rows: NDArray[np.int64]
    bounds: NDArray[np.int64]

    @classmethod
    def of(cls, keys: NDArray[np.int64]) -> _Drawers:
        counts = np.bincount(keys, minlength=1 << _KEY_BITS)
        return cls(np.argsort(keys, kind="stable"), np.concatenate([[0], np.cumsum(counts)]))

    def beside(
        self, keys: NDArray[np.int64]
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Each asking row with every row in its drawer, in blocks of bounded size."""
        first = self.bounds[keys]
        counts = self.bounds[keys + 1] - first
        asking = np.flatnonzero(counts)
        total = np.cumsum(counts[asking])
        cuts = (
            np.searchsorted(total, np.arange(_BLOCK, int(total[-1]) + 1, _BLOCK))
            if len(total)
            else ()
        )
        for rows in np.split(asking, cuts):
            many = counts[rows]
            if len(rows) == 0:
                continue
            offsets = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
            yield np.repeat(rows, many), self.rows[np.repeat(first[rows], many) + offsets]


def _key(hashes: Hashes, number: int) -> NDArray[np.int64]:
    # every third bit, so that each key has its share of the telling low frequencies
    bits = _unpacked(hashes).reshape(len(hashes), -1)[:, 1 + number :: 3]
    return bits @ (1 << np.arange(_KEY_BITS, dtype=np.int64))


def _flips(most: int) -> list[int]:
    flips = [0]
    if most >= 1:
        flips += [1 << bit for bit in range(_KEY_BITS)]
    if most >= 2:
        flips += [1 << one | 1 << two for one in range(_KEY_BITS) for two in range(one)]
    return flips


def _unpacked(hashes: Hashes) -> NDArray[np.bool_]:
    octets = np.ascontiguousarray(hashes).astype(">u8").view(np.uint8).reshape(-1, _LOW)
    return np.unpackbits(octets, axis=1).reshape(-1, _LOW, _LOW).astype(np.bool_)


def _packed(bits: NDArray[np.bool_]) -> Hashes:
    octets = np.packbits(bits.reshape(len(bits), -1), axis=1)
    return octets.view(">u8").reshape(-1).astype(np.uint64)

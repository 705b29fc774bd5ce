"""One epoch of the layout, point by point. Written for numba: plain loops over float32 numbers."""

# numba takes the types from the values it is given.
# mypy: allow-untyped-defs

import numpy as np

_F = np.float32
_U = np.uint32


def moved(old, new, indptr, indices, weights, first, last, epoch, step, a, b, seed, repulsions):
    """Write into `new[first:last]` where these points of `old` move to in this epoch.

    Each neighbour pulls as often as its weight says (weight 0.5: every other epoch), and each time
    so many points, drawn by chance, push. Every single move is at most 4 units long.
    """
    size = np.uint64(old.shape[0])
    for i in range(first, last):
        x = old[i, 0]
        y = old[i, 1]
        chance = _U(_U(seed) + _U(epoch) * _U(0x85EBCA6B) + _U(i) * _U(0xC2B2AE35))
        chance = _U((chance ^ (chance >> _U(16))) * _U(0x7FEB352D))
        for edge in range(indptr[i], indptr[i + 1]):
            weight = weights[edge]
            # Edges have their turn at different times, so that not all pull at once.
            phase = _F((edge * 2654435769) & 0xFFFF) / _F(65536)
            turns = np.floor(_F(epoch + 1) * weight + phase)
            if turns <= np.floor(_F(epoch) * weight + phase):
                continue
            j = indices[edge]
            dx = x - old[j, 0]
            dy = y - old[j, 1]
            square = dx * dx + dy * dy
            if square > _F(0):
                power = square**b
                pull = -_F(2) * a * b * power / (square * (a * power + _F(1)))
                x += step * min(_F(4), max(_F(-4), pull * dx))
                y += step * min(_F(4), max(_F(-4), pull * dy))
            for _ in range(repulsions):
                chance = _U(chance + _U(0x9E3779B9))
                mixed = _U((chance ^ (chance >> _U(16))) * _U(0x7FEB352D))
                mixed = _U((mixed ^ (mixed >> _U(15))) * _U(0x846CA68B))
                mixed = _U(mixed ^ (mixed >> _U(16)))
                j = np.int64((np.uint64(mixed) * size) >> np.uint64(32))
                dx = x - old[j, 0]
                dy = y - old[j, 1]
                square = dx * dx + dy * dy
                if j != i and square > _F(0):
                    push = _F(2) * b / ((_F(0.001) + square) * (a * square**b + _F(1)))
                    x += step * min(_F(4), max(_F(-4), push * dx))
                    y += step * min(_F(4), max(_F(-4), push * dy))
        new[i, 0] = x
        new[i, 1] = y

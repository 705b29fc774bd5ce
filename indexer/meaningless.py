"""Questions that mean nothing: made-up words and pictures of nothing, always the same ones.

What a Collection answers to them is what it answers by chance; `indexer.relevance` says what that
is good for. They are put as real ones are: words alone, in a phrase, in a question; pictures that
are plain, grainy or cloudy.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

import numpy as np
import PIL.Image
from numpy.typing import NDArray

TEXTS: Final = 120
PICTURES_OF_A_SORT: Final = 8
_SEED: Final = 1871  # the year of "Jabberwocky"
_SIDE: Final = 256

_PHRASES: Final = (
    "{}",
    "{} {}",
    "{} {} {}",
    "a {}",
    "a {} {}",
    "the {} of {}",
    "a {} in the {}",
    "how to {} a {}",
    "{} and {}",
    "two {} with a {}",
    "what is {}",
    "{} of {} {} in {} at {} {}",
)
_CONSONANTS: Final = "bcdfghjklmnprstvwz"
_VOWELS: Final = "aeiou"
_ENDINGS: Final = "lmnrst"

_Chance = np.random.Generator


def texts() -> list[str]:
    """120 phrases whose content words are made up."""
    chance = random.Random(_SEED)
    phrases = (_PHRASES[number % len(_PHRASES)] for number in range(TEXTS))
    return [
        phrase.format(*(_word(chance) for _ in range(phrase.count("{}")))) for phrase in phrases
    ]


def pictures() -> list[PIL.Image.Image]:
    """24 RGB pictures of 256 × 256 pixels: 8 of one colour each, 8 of grain, 8 of clouds."""
    chance = np.random.default_rng(_SEED)
    sorts: tuple[Callable[[_Chance], NDArray[np.float64]], ...] = (_plain, _grain, _clouds)
    arrays = (sort(chance) for _ in range(PICTURES_OF_A_SORT) for sort in sorts)
    return [PIL.Image.fromarray(np.clip(array, 0, 255).astype(np.uint8)) for array in arrays]


def _word(chance: random.Random) -> str:
    return "".join(_syllable(chance) for _ in range(chance.randint(2, 3)))


def _syllable(chance: random.Random) -> str:
    ending = chance.choice(_ENDINGS) if chance.random() < 0.4 else ""
    return chance.choice(_CONSONANTS) + chance.choice(_VOWELS) + ending


def _plain(chance: _Chance) -> NDArray[np.float64]:
    return np.broadcast_to(chance.uniform(0, 255, 3), (_SIDE, _SIDE, 3))


def _grain(chance: _Chance) -> NDArray[np.float64]:
    return _coloured(chance.standard_normal((3, _SIDE, _SIDE)), chance)


def _clouds(chance: _Chance) -> NDArray[np.float64]:
    """Noise whose amplitude falls with frequency as in photographs, 1/f (Field, 1987)."""
    frequencies = np.fft.fftfreq(_SIDE)
    distance = np.hypot(frequencies[:, None], frequencies[None, :])
    distance[0, 0] = 1 / _SIDE
    noise = np.fft.fft2(chance.standard_normal((3, _SIDE, _SIDE)))
    return _coloured(np.fft.ifft2(noise / distance).real, chance)


def _coloured(noise: NDArray[np.float64], chance: _Chance) -> NDArray[np.float64]:
    """Three planes of noise as one picture, its channels mixed, around a random colour."""
    mixed = np.einsum("chw,cd->hwd", noise, chance.standard_normal((3, 3)))
    scaled = (mixed - mixed.mean(axis=(0, 1))) / mixed.std()
    colour, contrast = chance.uniform(60, 200, 3), chance.uniform(20, 60)
    return np.asarray(colour + contrast * scaled, dtype=np.float64)

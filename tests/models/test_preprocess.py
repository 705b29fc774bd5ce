"""Pictures are prepared as timm's own evaluation does it, in each of its ways to crop."""

from __future__ import annotations

from typing import Any

import numpy as np
import PIL.Image
import pytest

from indexer.embedders.preprocess import prepare
from indexer.embedders.vision.from_timm import as_preprocess
from tests.models.libraries import normalised


@pytest.mark.parametrize("crop", ["center", "squash", "border"])
@pytest.mark.parametrize("size", [(64, 64), (48, 80)])
@pytest.mark.parametrize("share", [1.0, 0.875])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_timms_ways_to_crop(
    crop: str,
    size: tuple[int, int],
    share: float,
    interpolation: str,
    photos: dict[str, PIL.Image.Image],
) -> None:
    from timm.data.transforms_factory import create_transform

    data: dict[str, Any] = {
        "input_size": (3, *size),
        "interpolation": interpolation,
        "mean": (0.485, 0.456, 0.406),
        "std": (0.229, 0.224, 0.225),
        "crop_pct": share,
        "crop_mode": crop,
    }
    reference: Any = create_transform(**data)
    for name, photo in photos.items():
        ours = normalised(prepare(photo, as_preprocess(data)), data["mean"], data["std"])
        np.testing.assert_allclose(ours, reference(photo).numpy(), atol=1e-6, err_msg=name)

"""Nothing that comes with an image model is ever run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from indexer.embedders.loading import LoadedEmbedders
from indexer.errors import ModelUnavailable
from tests.models.libraries import save_transformers


class Trap:
    """Unpickled, it makes a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.file,)


@pytest.mark.parametrize("library", ["timm:test_vit", "torchvision:mobilenet_v3_small"])
def test_pickled_code_in_a_weights_file(library: str, tmp_path: Path) -> None:
    import torch

    torch.save({"state_dict": {"weight": Trap(tmp_path / "trapped")}}, tmp_path / "trap.pt")
    with pytest.raises(ModelUnavailable, match=r"trap\.pt"):
        LoadedEmbedders("cpu").get(f"{library}/{tmp_path / 'trap.pt'}")
    assert not (tmp_path / "trapped").exists()


def test_pickled_code_in_a_folder_of_transformers(tmp_path: Path) -> None:
    import torch

    save_transformers("vit", tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save({"weight": Trap(tmp_path / "trapped")}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelUnavailable, match="could not be read"):
        LoadedEmbedders("cpu").get(f"transformers:{tmp_path}")
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize("file", ["config.json", "preprocessor_config.json"])
def test_a_folder_that_brings_program_code(file: str, tmp_path: Path) -> None:
    save_transformers("vit", tmp_path)
    (tmp_path / "trap.py").write_text(f"open({str(tmp_path / 'trapped')!r}, 'w')")
    told = json.loads((tmp_path / file).read_text("utf-8"))
    told |= {
        "model_type": "trap",
        "image_processor_type": "Trap",
        "auto_map": dict.fromkeys(("AutoConfig", "AutoModel"), "trap.Trap")
        | {"AutoImageProcessor": "trap.Trap"},
    }
    (tmp_path / file).write_text(json.dumps(told))
    with pytest.raises(ModelUnavailable):
        LoadedEmbedders("cpu").get(f"transformers:{tmp_path}")
    assert not (tmp_path / "trapped").exists()

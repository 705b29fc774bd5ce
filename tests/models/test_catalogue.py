"""Models are found by name, told about without being loaded, and missed with a remedy."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from indexer.embedders.loading import LoadedEmbedders
from indexer.embedders.naming import architectures, resolve
from indexer.errors import ModelNotFound

GET_CLIP = """
import sys
from indexer.embedders.loading import LoadedEmbedders
from indexer.errors import ModelUnavailable
try:
    LoadedEmbedders().get(sys.argv[1])
except ModelUnavailable as error:
    print(error.message)
    print("torch" in sys.modules)
"""

NAME_A_MODEL = """
import sys
from indexer.embedders.catalogue import ROWS
from indexer.embedders.naming import resolve
from indexer.embedders.loading import LoadedEmbedders
resolve("clip-vit-b-32"), resolve("ViT-B-16/openai"), resolve("timm:resnet50")
resolve("torchvision:resnet50"), resolve("transformers:facebook/dinov2-large")
for row in ROWS:
    LoadedEmbedders().available(row.name) if row.name != "mini" else None
LoadedEmbedders().get("pixels")
libraries = {"torch", "open_clip", "sentence_transformers", "timm", "torchvision", "transformers"}
print(sorted(libraries & set(sys.modules)))
"""


def run(code: str, *arguments: str, **environment: str) -> tuple[list[str], float]:
    """Lines that a fresh interpreter prints, and its seconds; the hub's settings are read once."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, **environment},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines(), time.monotonic() - started


def test_naming_a_model_imports_no_model_library() -> None:
    lines, _ = run(NAME_A_MODEL)
    assert lines == ["[]"]


@pytest.mark.parametrize(
    ("name", "full", "dimension"),
    [
        ("ViT-B-16/openai", "open_clip:ViT-B-16/openai", 512),
        ("open_clip:ViT-L-14/openai", "open_clip:ViT-L-14/openai", 768),
        ("sentence-transformers:all-mpnet-base-v2", None, None),
        ("sentence-transformers:BAAI/bge-m3", None, None),
        (
            "sentence-transformers/all-mpnet-base-v2",
            "sentence-transformers:sentence-transformers/all-mpnet-base-v2",
            None,
        ),
        ("timm:resnet50.a1_in1k", None, None),
        ("torchvision:resnet50", None, None),
        ("transformers:facebook/dinov2-large", None, None),
    ],
)
def test_models_beyond_the_catalogue(name: str, full: str | None, dimension: int | None) -> None:
    model = resolve(name)
    assert model.name == (full or name)
    assert model.dimension == dimension
    assert resolve(model.name) == model


def test_local_weights_are_found_from_any_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weights.safetensors").touch()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "modules.json").write_text("[]")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "preprocessor_config.json").write_text("{}")
    here = tmp_path.resolve()
    clip, texts = resolve("open_clip:ViT-B-32/weights.safetensors"), resolve("texts")
    timm, torchvision, pictures = (
        resolve(f"{name}")
        for name in ("timm:a/weights.safetensors", "torchvision:b/weights.safetensors", "pictures")
    )
    assert clip.name == f"open_clip:ViT-B-32/{here}/weights.safetensors"
    assert texts.name == f"sentence-transformers:{here}/texts"
    assert timm.name == f"timm:a/{here}/weights.safetensors"
    assert torchvision.name == f"torchvision:b/{here}/weights.safetensors"
    assert pictures.name == f"transformers:{here}/pictures"
    monkeypatch.chdir("/")
    assert resolve(clip.name) == clip
    assert resolve(texts.name) == texts
    assert [resolve(one.name) for one in (timm, torchvision, pictures)] == [
        timm,
        torchvision,
        pictures,
    ]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("clip-vit-b32", "Did you mean clip-vit-b-32"),
        ("minilm-l6", "Did you mean minilm"),
        ("nonsense", "Known: mini, clip-vit-b-32"),
        ("open_clip:ViT-B-23/openai", "Did you mean ViT-B-32"),
        ("open_clip:ViT-B-32//no/such/file.safetensors", "/no/such/file.safetensors"),
        ("open_clip:ViT-B-32", "neither a tag"),
        ("sentence-transformers:./no/such/folder", "no folder ./no/such/folder"),
        ("", "open_clip:ARCHITECTURE/TAG"),
        ("dinov2-b14", "Did you mean dinov2-b-14"),
        ("timm:resnet50//no/such/file.safetensors", "/no/such/file.safetensors"),
        ("timm:resnet50/weights.txt", "'weights.txt' is no weights file"),
        ("timm:", "timm:NAME"),
        ("transformers:./no/such/folder", "no folder ./no/such/folder"),
        ("transformers:dinov2", "There is no folder dinov2"),
    ],
)
def test_unknown_names_list_near_ones_and_how_others_are_named(name: str, told: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        resolve(name)
    assert told in caught.value.message


def test_unknown_tags_list_the_known_ones() -> None:
    with pytest.raises(ModelNotFound, match="laion2b_s34b_b79k"):
        LoadedEmbedders("cpu").get("open_clip:ViT-B-32/no_such_tag")


def test_open_clips_architectures_are_known_without_importing_it() -> None:
    import open_clip

    assert set(open_clip.list_models()) <= set(architectures())


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("clip-vit-b-32", "open_clip_model.safetensors"),
        ("siglip2-b-32", "timm/ViT-B-32-SigLIP2-256"),
        ("minilm-multilingual", "model.safetensors"),
        ("vgg16", "model.safetensors of timm/vgg16.tv_in1k"),
        ("dinov2-s-14", "model.safetensors of facebook/dinov2-small"),
        ("transformers:someone/something", "hf download someone/something model.safetensors"),
    ],
)
def test_offline_and_missing_names_the_file_and_the_remedy(
    name: str, file: str, tmp_path: Path
) -> None:
    (message, torch_imported), seconds = run(
        GET_CLIP, name, HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path)
    )
    assert file in message
    assert "HF_HUB_OFFLINE" in message
    assert "hf download" in message
    assert str(tmp_path) in message
    assert torch_imported == "False"
    assert seconds < 10


def test_a_hub_out_of_reach_is_reported_within_seconds(tmp_path: Path) -> None:
    (message, _), seconds = run(
        GET_CLIP,
        "clip-vit-b-32",
        HF_HUB_OFFLINE="0",
        HF_HOME=str(tmp_path),
        HF_ENDPOINT="http://127.0.0.1:9",  # the discard port, where nothing listens
    )
    assert "the hub did not answer" in message
    assert "--model open_clip:ViT-B-32//path/to/open_clip_model.safetensors" in message
    assert seconds < 15


def test_availability_is_told_without_loading(tmp_path: Path) -> None:
    loader = LoadedEmbedders("cpu")
    assert loader.available("minilm").on_disk
    missing = loader.available("sentence-transformers:nobody/has-this-model")
    assert not missing.on_disk
    assert "hf download nobody/has-this-model" in missing.remedy
    weights = tmp_path / "some.safetensors"
    weights.touch()
    assert loader.available(f"open_clip:ViT-B-32/{weights}").where == str(tmp_path)


def test_an_embedder_is_loaded_once_for_all_threads() -> None:
    loader = LoadedEmbedders("cpu")
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(loader.get("minilm"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(map(id, found))) == 1

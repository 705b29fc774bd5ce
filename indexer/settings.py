"""All settings, read once from the environment (`SEMBLANCE_…`) and frozen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from indexer.errors import InvalidInput

ReadConsistency = Literal["one", "majority", "quorum", "all"]
"""How many copies of a point a Qdrant cluster compares before it answers."""

_REDIS_SCHEMES = ("redis", "rediss", "redis+socket", "sentinel")


def _default_data_folder() -> Path:
    return Path(platformdirs.user_data_dir("semblance", appauthor=False))


def _default_cache_folder() -> Path:
    return Path(platformdirs.user_cache_dir("semblance", appauthor=False))


class Settings(BaseSettings):
    """What a person can set. Every field is an environment variable with the prefix SEMBLANCE_."""

    model_config = SettingsConfigDict(
        env_prefix="SEMBLANCE_",
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,  # a line left blank in a file of settings is no key of no letters
    )

    data: Path = Field(
        default_factory=_default_data_folder,
        description="Folder that holds collections, copies of uploaded files and thumbnails.",
    )
    cache: Path = Field(
        default_factory=_default_cache_folder,
        description="Folder for what can be made again: compiled models, fetched thumbnails. May "
        "be emptied.",
    )
    blobs: str | None = Field(
        None,
        description="Folder that all machines mount, or s3://bucket/prefix (gs://, az://), for "
        "copies of uploaded files and thumbnails; by default a folder in the data folder.",
    )
    model: str = Field("mini", description="Model that new collections use.")
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        "auto", description="Where models run; auto takes a GPU where there is one."
    )
    compile: bool = Field(
        True,
        description="Compile models for this processor in the background, where that is faster.",
    )
    batch_size: int | None = Field(
        None,
        ge=1,
        le=4096,
        description="Assets per forward pass; by default 32 on a processor, 256 on a GPU.",
    )
    workers: int | None = Field(
        None, ge=1, le=256, description="Threads that decode; by default one per processor."
    )
    qdrant_url: str | None = Field(
        None, description="A Qdrant server or cluster; by default the engine runs in this process."
    )
    qdrant_api_key: SecretStr | None = Field(None, description="Key for the Qdrant server.")
    qdrant_grpc: bool = Field(
        True,
        description="Speak gRPC with the Qdrant server, on the port after that of its URL; false "
        "for proxies that pass HTTP alone.",
    )
    qdrant_shards: int | None = Field(
        None, ge=1, le=1024, description="Shards of new collections; by default one a node."
    )
    qdrant_replicas: int = Field(
        1, ge=1, le=32, description="Copies that new collections keep of each shard."
    )
    qdrant_write_replicas: int = Field(
        1, ge=1, le=32, description="Copies that must have a write before it is acknowledged."
    )
    qdrant_read_consistency: ReadConsistency = Field(
        "one", description="How many copies a read compares: one, majority, quorum or all."
    )
    qdrant_vectors_on_disk: bool = Field(
        False, description="New collections keep full vectors on disk rather than in memory."
    )
    qdrant_payload_on_disk: bool = Field(
        True, description="New collections keep texts and metadata on disk."
    )
    qdrant_int8: bool = Field(
        False,
        description="New collections keep a copy of each vector in memory at a quarter of its "
        "size, which finds candidates; the full vectors put them in order.",
    )
    qdrant_oversampling: float = Field(
        2.0, ge=1, le=16, description="With int8: candidates compared anew for each hit wanted."
    )
    qdrant_hnsw_m: int = Field(
        16, ge=4, le=128, description="Links a vector of the index; more find more and take memory."
    )
    qdrant_hnsw_ef: int = Field(
        128, ge=8, le=4096, description="Candidates a search keeps; more find more and take time."
    )
    qdrant_strict: bool = Field(
        False, description="Set limits in new collections for whoever else uses the server."
    )
    redis_url: str | None = Field(
        None, description="Redis for Celery workers; by default jobs run in this process."
    )
    lease_seconds: float = Field(
        60.0,
        gt=0,
        le=3600,
        description="With several workers: after this, what a worker that died had in hand is "
        "taken up by others.",
    )
    batch_seconds: float = Field(
        1800.0, gt=0, description="Longest that a worker may take for one batch before it ends."
    )
    host: str = Field("127.0.0.1", description="Address that the server listens on.")
    port: int = Field(7700, ge=0, le=65535, description="Port that the server listens on.")
    api_key: SecretStr | None = Field(
        None, description="Key that clients must send; needed when the host is not this machine."
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Host names under which the server may be called, beside localhost."
    )
    metrics_key: SecretStr | None = Field(
        None, description="Key that reads /metrics and nothing else; the API key reads it as well."
    )
    metrics_port: int | None = Field(
        None, ge=0, le=65535, description="Port on which a worker tells its metrics."
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="How servers and workers log: lines for people, or JSON lines."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "warning", description="From where on servers and workers log."
    )
    otlp_endpoint: str | None = Field(
        None, description="An OpenTelemetry collector (OTLP over HTTP) that is sent traces."
    )
    folders: Annotated[tuple[Path, ...], NoDecode] = Field(
        (), description="Folders that API clients may index by path; the command line may use all."
    )
    max_file_bytes: int = Field(
        512 * 1024**2, ge=1, description="Largest file that is read, in bytes."
    )
    max_image_pixels: int = Field(
        250_000_000, ge=1, description="Largest picture that is decoded, in pixels."
    )
    max_archive_bytes: int = Field(
        64 * 1024**3, ge=1, description="Most bytes that one archive may unpack to."
    )
    max_archive_members: int = Field(
        1_000_000, ge=1, description="Most members that one archive may have."
    )

    @field_validator("allowed_hosts", "folders", mode="before")
    @classmethod
    def _list(cls, value: object, about: ValidationInfo) -> object:
        # Read here, because what pydantic says of it names neither the variable nor the form.
        if not isinstance(value, str):
            return value
        try:
            read: object = json.loads(value)
        except ValueError:
            read = None
        if not (isinstance(read, list) and all(isinstance(one, str) for one in read)):
            name = f"SEMBLANCE_{about.field_name}".upper()
            raise InvalidInput(
                f"{name} is set to {value!r}; it should be a list in JSON, such as "
                f'{name}=\'["one", "another"]\'.',
                setting=name,
            )
        return read

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, url: str | None) -> str | None:
        if url is None or _is_redis(url):
            return url
        # The value is not repeated: there may be a password in it.
        raise InvalidInput(
            "SEMBLANCE_REDIS_URL is no address of a Redis; it should be like redis://:password@"
            f"host:6379/0 (in place of redis: {', '.join(_REDIS_SCHEMES[1:])}).",
            setting="SEMBLANCE_REDIS_URL",
        )

    def check_scaled_out(self) -> None:
        """Raise `InvalidInput` unless both servers are named that several processes share."""
        if self.redis_url is None:
            raise InvalidInput(
                "Workers in processes of their own need Redis: set SEMBLANCE_REDIS_URL (and "
                "SEMBLANCE_QDRANT_URL). Without both, `semblance serve` and `semblance index` "
                "do all the work themselves.",
                setting="SEMBLANCE_REDIS_URL",
            )
        if self.qdrant_url is None:
            raise InvalidInput(
                "SEMBLANCE_REDIS_URL is set and SEMBLANCE_QDRANT_URL is not: workers in processes "
                "of their own cannot open the data folder of this one. Set both, or neither.",
                setting="SEMBLANCE_QDRANT_URL",
            )


def _is_redis(url: str) -> bool:
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in _REDIS_SCHEMES:
        return False
    try:
        # Sentinels are several addresses in one, which no parser of URLs takes apart.
        return scheme == "sentinel" or urlsplit(url).port != 0
    except ValueError:
        return False

"""What the queues are called, in Semblance and in Redis, and how much waits in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from redis import Redis

QUEUES: Final = ("images", "texts", "analysis")

STEPS: Final = (0, 3, 6)
"""Priority steps of the transport on Redis; what has the lowest step is taken first."""

SEPARATOR: Final = ":"

UNACKED: Final = "unacked"
"""The hash in which Kombu keeps what workers have taken and not finished."""

_PATIENCE_SECONDS = 1.0


def list_name(queue: str, step: int) -> str:
    """The Redis list of a queue's jobs of that priority step."""
    return queue if step == 0 else f"{queue}{SEPARATOR}{step}"


def open_redis(url: str) -> Redis:
    """A connection that gives up after a second: for looking, not for jobs."""
    from redis import Redis

    # Celery's name for a socket is not that of the Redis library.
    return Redis.from_url(
        url.replace("redis+socket://", "unix://", 1),
        socket_timeout=_PATIENCE_SECONDS,
        socket_connect_timeout=_PATIENCE_SECONDS,
    )


def depths(redis: Redis) -> dict[tuple[str, int], int]:
    """Jobs that wait, by queue and priority step. Raises `redis.RedisError`."""
    places = [(queue, step) for queue in QUEUES for step in STEPS]
    pipeline = redis.pipeline(transaction=False)
    for queue, step in places:
        pipeline.llen(list_name(queue, step))
    return dict(zip(places, pipeline.execute(), strict=True))


def in_hand(redis: Redis) -> int:
    """Jobs that workers have taken and not finished. Raises `redis.RedisError`."""
    return int(redis.hlen(UNACKED))

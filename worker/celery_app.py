"""Celery, set up for work that must not be lost and may be repeated.

messages   JSON, ids alone; one queue a Kind of work, three priorities each
taken      one at a time, acknowledged when done: what a killed worker had comes back
run        on threads of one process, so that the models are loaded once and never forked
at once    never twice: leases in the ledger (`indexer.leases`) decide who works on what
"""

from __future__ import annotations

from celery import Celery
from kombu import Queue

from indexer.domain import Kind
from indexer.errors import QueueUnavailable
from indexer.ports import Priority
from indexer.settings import Settings
from worker.queues import QUEUES, SEPARATOR, STEPS

INDEX_TASK = "semblance.index_assets"
ANALYSE_TASK = "semblance.analyse"

QUEUE_OF = {Kind.IMAGE: "images", Kind.TEXT: "texts"}

ANALYSIS_QUEUE = "analysis"

PRIORITY_OF = dict(zip(Priority, STEPS, strict=True))

VISIBILITY_SECONDS = 300
"""After this a message that was taken and not acknowledged is handed out again. Short on purpose:
a batch that is still being worked on is not begun twice, because its assets are leased."""

_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 15


def make_app(settings: Settings) -> Celery:
    """The Celery app that the settings describe. Raises `QueueUnavailable` if no Redis is set."""
    if settings.redis_url is None:
        raise QueueUnavailable("Celery workers need Redis: set SEMBLANCE_REDIS_URL.")
    app = Celery("semblance", broker=settings.redis_url, set_as_current=False)
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_queues=[Queue(name, routing_key=name) for name in QUEUES],
        task_default_queue=QUEUES[0],
        task_create_missing_queues=False,
        task_acks_late=True,
        task_acks_on_failure_or_timeout=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_pool="threads",
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
        broker_connection_timeout=_CONNECT_SECONDS,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_SECONDS,
            "priority_steps": list(STEPS),
            "sep": SEPARATOR,
            "socket_connect_timeout": _CONNECT_SECONDS,
            "socket_timeout": _ANSWER_SECONDS,
            "socket_keepalive": True,
            "health_check_interval": 25,
        },
    )
    return app

"""What travels with a Celery task: the request and job it comes from, and the trace it is in.

Both go in one header of the message. A worker's log lines and spans so lead back to the request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from worker.logs import belongings, bound
from worker.tracing import Traces

HEADER: Final = "semblance"

_TRAVELLING = ("request", "job")


@contextmanager
def travelling(traces: Traces | None = None) -> Iterator[None]:
    """For as long as the block lasts, what is sent carries the header, and what is run reads it."""
    from celery import signals

    sender, runner = _Sender(traces), _Runner(traces)
    connected = (
        (signals.before_task_publish, sender.send),
        (signals.task_prerun, runner.begin),
        (signals.task_postrun, runner.end),
        # Whoever listens to this sets up logging; Celery then leaves it alone.
        (signals.setup_logging, _leave_logging_alone),
    )
    for signal, receiver in connected:
        signal.connect(receiver, weak=False)
    try:
        yield
    finally:
        for signal, receiver in connected:
            signal.disconnect(receiver)


class _Sender:
    def __init__(self, traces: Traces | None) -> None:
        self._traces = traces

    def send(self, headers: dict[str, Any], **_: object) -> None:
        carried = {name: value for name, value in belongings().items() if name in _TRAVELLING}
        carried |= self._traces.carrier() if self._traces is not None else {}
        if carried:
            headers[HEADER] = carried


class _Runner:
    """Tasks in hand, each with what is undone at its end; begun and ended by the same thread."""

    def __init__(self, traces: Traces | None) -> None:
        self._traces = traces
        self._open: dict[str, ExitStack] = {}

    def begin(
        self,
        task_id: str,
        task: Any,
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
        **_: object,
    ) -> None:
        given = task.request.get(HEADER)
        carried = {str(k): str(v) for k, v in given.items()} if isinstance(given, Mapping) else {}
        stack = ExitStack()
        stack.enter_context(
            bound(
                task=task_id,
                collection=_collection(args, kwargs or {}),
                **{name: carried.get(name) for name in _TRAVELLING},
            )
        )
        if self._traces is not None:
            stack.enter_context(self._traces.continued(task.name, carried, "consumer"))
        self._open[task_id] = stack

    def end(self, task_id: str, **_: object) -> None:
        stack = self._open.pop(task_id, None)
        if stack is not None:
            stack.close()


def _collection(args: Sequence[object], kwargs: Mapping[str, object]) -> str | None:
    """The task's collection: its argument of that name, else its first one."""
    named = kwargs.get("collection", args[0] if args else None)
    return named if isinstance(named, str) else None


def _leave_logging_alone(**_: object) -> None:
    return

"""Assets are added: files that are sent, texts, and paths on the server."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import PurePath
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, File, Form, UploadFile

from api.auth import CALLER, Caller, allowed_path
from api.deps import COLLECTION, SERVING, Serving
from api.routes.jobs import start_job
from api.schemas.assets import Added, Additions, FileTold, TextGiven
from api.schemas.jobs import JobTold, Location
from indexer import collections, jobs
from indexer.adding import Outcome, Upload, add_uploads
from indexer.content import handed_over, in_memory
from indexer.domain import Status
from indexer.errors import AssetTooLarge, Forbidden, InvalidInput, SemblanceError
from indexer.ledger import reason_of

router = APIRouter(prefix="/collections/{collection}/assets", tags=["assets"])

_TEXT_ENDINGS = {".txt", ".md"}


@router.post("/upload", status_code=202)
async def upload_assets(
    collection: COLLECTION,
    serving: SERVING,
    files: Annotated[list[UploadFile], File(description="Pictures, texts, PDFs, archives.")],
    metadata: Annotated[
        str | None, Form(description="Metadata for all of them: a JSON object as text.")
    ] = None,
) -> Added:
    """Add files; each says what became of it, and one that is bad does not stop the others."""
    given = _metadata(metadata)
    add = partial(_add_files, serving, collection, files, given)
    return await anyio.to_thread.run_sync(add, limiter=serving.uploads)


@router.post("", status_code=202)
async def add_assets(
    collection: COLLECTION, additions: Additions, serving: SERVING, who: CALLER
) -> Added:
    """Add texts, and files or folders that are on the server, each as a job of its own."""
    if not additions.texts and not additions.paths:
        raise InvalidInput("There is nothing to add: give texts or paths.", field="texts")
    add = partial(_add_both, serving, collection, additions, who)
    return await anyio.to_thread.run_sync(add, limiter=serving.uploads)


def _metadata(text: str | None) -> Mapping[str, object]:
    if text is None or not text.strip():
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"metadata is not JSON: {error}.", field="metadata") from error
    if not isinstance(value, dict):
        raise InvalidInput("metadata is a JSON object of names and values.", field="metadata")
    return value


def _add_files(
    serving: Serving,
    collection: str,
    files: Sequence[UploadFile],
    metadata: Mapping[str, object],
) -> Added:
    collections.get(serving.engine.store, collection)
    uploads = [_upload(serving, file, metadata) for file in files]
    return _add(serving, collection, uploads)


def _upload(serving: Serving, file: UploadFile, metadata: Mapping[str, object]) -> Upload:
    limit = serving.engine.settings.max_file_bytes
    name = _safe_name(file.filename or "unnamed")
    if (file.size or 0) > limit:
        raise AssetTooLarge(
            f"{name} is larger than {limit} bytes (SEMBLANCE_MAX_FILE_BYTES).",
            file=name,
            limit_bytes=limit,
        )
    return Upload(name, handed_over(file.file), metadata)


def _safe_name(name: str) -> str:
    """The name as people gave it, folders kept, but leading nowhere outside."""
    steps = [step for step in PurePath(name.replace("\\", "/")).parts if step not in ("/", "..")]
    printable = "/".join(steps).replace("\0", "")
    return printable.encode("utf-8", "replace").decode("utf-8")[-500:] or "unnamed"


def _add(serving: Serving, collection: str, uploads: Sequence[Upload]) -> Added:
    job, outcomes = add_uploads(
        serving.engine, serving.queue, collection, uploads, serving.reading.held
    )
    told = JobTold.of(jobs.progress(serving.engine.store, job))
    return Added(job=told, files=[FileTold.of(outcome, job.id) for outcome in outcomes])


def _add_both(serving: Serving, collection: str, additions: Additions, who: Caller) -> Added:
    collections.get(serving.engine.store, collection)
    for path in additions.paths:
        allowed_path(path, who, serving.engine.settings)  # before anything is begun
    uploads = [_text_upload(number, text) for number, text in enumerate(additions.texts, start=1)]
    added = _add(serving, collection, uploads) if uploads else Added(job=None, files=[])
    begun = [_begin(serving, collection, path, who) for path in additions.paths]
    first = added.job or next((job for job, _ in begun if job is not None), None)
    return Added(job=first, files=[*added.files, *(file for _, file in begun)])


def _text_upload(number: int, given: TextGiven) -> Upload:
    name = _safe_name(given.name or f"text {number}")
    if PurePath(name).suffix.lower() not in _TEXT_ENDINGS:
        name += ".txt"  # the ending decides how it is read: this is text, whatever it is called
    return Upload(name, in_memory(given.text.encode("utf-8", "replace")), given.metadata)


def _begin(
    serving: Serving, collection: str, path: str, who: Caller
) -> tuple[JobTold | None, FileTold]:
    try:
        job = start_job(serving, collection, Location(path=path), who)
    except Forbidden:
        raise
    except SemblanceError as error:
        # One path that is not there does not stop the others.
        return None, FileTold.of(Outcome(path, Status.FAILED, reason=reason_of(error)), None)
    return job, FileTold.of(Outcome(path, Status.PENDING), job.id)

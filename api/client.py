"""Semblance from Python: every method is one call of the HTTP API.

    from api.client import connect

    with connect() as client:
        client.wait(client.index("photos"))
        for hit in client.search("a red boat", kind="image")["hits"]:
            print(hit["relevance"], hit["source"]["path"])

Answers are plain dictionaries (`api.answers`). Errors are those of `indexer.errors`, whichever
process they arose in.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from api.analysis_calls import AnalysisCalls
from api.answers import Answer, Collection, Job, Model, Totals, Uploaded, Worker
from api.asking import Picture, Where, files_to_send, search_body
from api.asset_calls import DEFAULT
from api.backup_calls import BackupCalls
from api.cluster_calls import ClusterCalls
from api.duplicate_calls import DuplicateCalls
from api.job_calls import JobCalls
from api.label_calls import LabelCalls
from api.map_calls import MapCalls
from api.transport import Transport, segment
from indexer.errors import CollectionNotFound, StoreLocked

if TYPE_CHECKING:
    from api.address import Address
    from indexer.settings import Settings

_OWNER_SECONDS = 20.0
"""How long to wait for a server that has the data folder's lock but no address yet."""


class Client(
    AnalysisCalls, BackupCalls, ClusterCalls, DuplicateCalls, JobCalls, LabelCalls, MapCalls
):
    """Semblance's API: over TCP with a URL, or over a Unix socket. Made by `connect`."""

    def __init__(
        self, url: str | None = None, *, socket: str | None = None, token: str | None = None
    ) -> None:
        super().__init__(Transport(url, socket, token))
        self.url = url

    def close(self) -> None:
        """Give the connections back; a server made by `connect` ends with `connect`."""
        self._transport.close()

    def models(self) -> list[Model]:
        """The catalogue: what there is, what is on this machine, and how to bring the rest."""
        return cast("list[Model]", self._transport.json("GET", "/v1/models"))

    def workers(self) -> list[Worker]:
        """Processes that work for the servers; none where a server does its work itself."""
        return cast("list[Worker]", self._transport.json("GET", "/v1/workers"))

    def collections(self) -> list[Collection]:
        """Every Collection, by name."""
        return cast("list[Collection]", self._transport.json("GET", "/v1/collections"))

    def collection(self, name: str = DEFAULT) -> Collection:
        """One Collection. Raises `CollectionNotFound`."""
        return cast("Collection", self._json("GET", name, ""))

    def create_collection(self, name: str, models: Sequence[str] = ()) -> Collection:
        """Make an empty Collection; without models it gets the default one."""
        body = {"name": name, **({"models": list(models)} if models else {})}
        return cast("Collection", self._transport.json("POST", "/v1/collections", json=body))

    def delete_collection(self, name: str) -> None:
        """Remove a Collection with all it knows and its aliases, for good; files stay.

        Raises `Conflict` for an alias.
        """
        self._json("DELETE", name, "")

    def aliases(self) -> dict[str, str]:
        """Further names of Collections, which can be used wherever one is named."""
        told = self._transport.json("GET", "/v1/aliases")
        return {one["alias"]: one["collection"] for one in told}

    def set_alias(self, alias: str, collection: str) -> None:
        """Make an alias lead to a Collection, in one step wherever it led before.

        Raises `CollectionExists` for the name of a Collection, and `CollectionNotFound`.
        """
        body = {"collection": collection}
        self._transport.json("PUT", f"/v1/aliases/{segment(alias)}", json=body)

    def drop_alias(self, alias: str) -> None:
        """Forget an alias; the Collection stays. Raises `AliasNotFound`."""
        self._transport.json("DELETE", f"/v1/aliases/{segment(alias)}")

    def totals(self, collection: str = DEFAULT) -> Totals:
        """What became of everything that was found."""
        return cast("Totals", self._json("GET", collection, "/stats"))

    def index(
        self,
        path: str | Path,
        collection: str = DEFAULT,
        *,
        exclude: Sequence[str] = (),
        labels: bool = False,
        prune: bool = False,
        copy: bool = False,
        columns: Mapping[str, object] | None = None,
    ) -> Job:
        """Start to index a file or folder; a Collection that is missing is made.

        `copy`: workers elsewhere do not see the folder, so that pictures are copied to where they
        can read them. `columns` of tables: text, image, id, and a list for metadata. See `wait`.
        """
        body = {
            "path": str(Path(path).expanduser().absolute()),
            "exclude": list(exclude),
            "labels": labels,
            "prune": prune,
            "copy": copy,
            **({"columns": dict(columns)} if columns else {}),
        }
        return cast("Job", self._add(collection, "/index", json=body))

    def upload(
        self,
        files: Sequence[str | Path] | Mapping[str, bytes],
        collection: str = DEFAULT,
        *,
        metadata: Mapping[str, object] | None = None,
    ) -> Uploaded:
        """Hand over files (paths, or contents by name); `metadata` is given to every one.

        A Collection that is missing is made, as by `index`.
        """
        with ExitStack() as stack:
            parts = files_to_send(files, stack)
            try:
                self.collection(collection)
            except CollectionNotFound:  # asked first: large files are sent only once
                self.create_collection(collection)
            answer = self._json(
                "POST",
                collection,
                "/assets/upload",
                files=[("files", part) for part in parts],
                data={"metadata": json.dumps(dict(metadata))} if metadata else {},
            )
        return cast("Uploaded", answer)

    def add_texts(
        self, texts: Sequence[str | Mapping[str, object]], collection: str = DEFAULT
    ) -> Uploaded:
        """Add texts, or mappings of text, name and metadata; makes the Collection if need be."""
        rows = [{"text": text} if isinstance(text, str) else dict(text) for text in texts]
        return cast("Uploaded", self._add(collection, "/assets", json={"texts": rows}))

    def search(
        self,
        text: str | None = None,
        *,
        image: Picture | Sequence[Picture] = (),
        like: str | Sequence[str] = (),
        vector: Sequence[float] | None = None,
        unlike: str | Sequence[str] = (),
        unlike_image: Picture | Sequence[Picture] = (),
        collection: str = DEFAULT,
        where: Where = None,
        **options: object,
    ) -> Answer:
        """What is nearest in meaning; text, pictures, asset ids and a vector add up.

        `unlike` texts and pictures push away. Options: kind ("image" or "text"), limit, offset,
        min_score, min_relevance (0.5: clear matches alone), group (one hit a document), least
        (least similar first), hybrid, space.
        """
        body = search_body(
            text=text,
            image=image,
            like=like,
            vector=vector,
            unlike=unlike,
            unlike_image=unlike_image,
            where=where,
            options=options,
        )
        return cast("Answer", self._json("POST", collection, "/search", json=body))

    def _add(self, collection: str, path: str, **options: Any) -> Any:
        try:
            return self._json("POST", collection, path, **options)
        except CollectionNotFound:
            self.create_collection(collection)
            return self._json("POST", collection, path, **options)


@contextmanager
def connect(settings: Settings | None = None, *, resume: bool = True) -> Iterator[Client]:
    """A client of the server that runs on the data folder, or of one made for the occasion.

    The latter lives as long as the block, on a private socket; with `resume` it also takes up
    what an earlier process left unfinished. Raises `StoreLocked` if the data folder is in use by
    something that is no server.
    """
    from indexer.settings import Settings

    with ExitStack() as stack:
        address = _address(settings or Settings(), resume, stack)
        client = Client(address.url, socket=address.socket, token=address.token)
        with closing(client):
            yield client


def _address(settings: Settings, resume: bool, stack: ExitStack) -> Address:
    from api.address import published

    patience = time.monotonic() + _OWNER_SECONDS
    while True:
        address = published(settings.data)
        if address is not None:
            return address
        # Imported only now: with a server at hand, no web framework needs to load.
        from api.server import local_server

        try:
            return stack.enter_context(local_server(settings, resume=resume))
        except StoreLocked:
            # Its owner may be a server that is just starting or just ending.
            if time.monotonic() > patience:
                raise
            time.sleep(0.2)

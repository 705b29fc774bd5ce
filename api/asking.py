"""How a question in Python becomes the JSON of the API."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from api.cli.where import Filter, parse_where
from indexer.errors import InvalidInput, InvalidQuery, NotFound

Where = str | Sequence[str] | Mapping[str, object] | None
"""A condition such as `"year>=1900"`, several of them, or the API's filter JSON."""

Picture = bytes | str | Path
"""An encoded picture, or the path of one."""


def search_body(
    *,
    text: str | None,
    image: Picture | Sequence[Picture],
    like: str | Sequence[str],
    vector: Sequence[float] | None = None,
    unlike: str | Sequence[str],
    unlike_image: Picture | Sequence[Picture],
    where: Where,
    options: Mapping[str, object],
) -> dict[str, object]:
    """The body of a search; only what was given is in it. Raises `InvalidQuery`, `NotFound`."""
    parts: list[dict[str, object]] = [{"text": text}] if text is not None else []
    parts += [{"image": _encoded(picture)} for picture in _pictures(image)]
    parts += [{"asset": id} for id in _texts(like)]
    parts += [{"vector": [float(number) for number in vector]}] if vector is not None else []
    if not parts:
        raise InvalidQuery(
            "Say what to search for: a text, a picture, the id of an asset or a vector."
        )
    away: list[dict[str, object]] = [{"text": words} for words in _texts(unlike)]
    away += [{"image": _encoded(picture)} for picture in _pictures(unlike_image)]
    body = {"parts": parts, "not": away or None, "filter": filter_of(where), **options}
    return {name: value for name, value in body.items() if value is not None}


def filter_of(where: Where) -> Filter | None:
    """The filter JSON of conditions in any of their forms. Raises `InvalidQuery`."""
    if where is None:
        return None
    if isinstance(where, Mapping):
        return dict(where)
    return parse_where([where] if isinstance(where, str) else where)


def filter_params(where: Where) -> dict[str, str]:
    """The same as a URL's query: nothing if there are no conditions."""
    condition = filter_of(where)
    return {} if condition is None else {"filter": json.dumps(condition)}


def files_to_send(
    files: Sequence[str | Path] | Mapping[str, bytes], stack: ExitStack
) -> list[tuple[str, bytes | BinaryIO]]:
    """Names with contents, or with files, which stay open until the stack ends.

    Raises `NotFound`, or `InvalidInput` if a file cannot be read.
    """
    if isinstance(files, Mapping):
        return list(files.items())
    paths = [Path(file) for file in files]
    opened: list[tuple[str, bytes | BinaryIO]] = []
    for path in paths:
        with _reading(path):
            opened.append((path.name, stack.enter_context(path.open("rb"))))
    return opened


def file_bytes(path: Path) -> bytes:
    """The file's content. Raises `NotFound`, or `InvalidInput` if it cannot be read."""
    with _reading(path):
        return path.read_bytes()


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.", path=str(path)) from None
    except OSError as error:
        raise InvalidInput(
            f"{path} cannot be read: {error.strerror or error}.", path=str(path)
        ) from error


def _encoded(picture: Picture) -> str:
    data = picture if isinstance(picture, bytes) else file_bytes(Path(picture))
    return base64.b64encode(data).decode()


def _pictures(given: Picture | Sequence[Picture]) -> Sequence[Picture]:
    return [given] if isinstance(given, bytes | str | Path) else given


def _texts(given: str | Sequence[str]) -> Sequence[str]:
    return [given] if isinstance(given, str) else given

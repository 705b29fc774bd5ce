"""Who is calling, and which folders they may have read."""

from __future__ import annotations

import base64
import binascii
import hmac
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from api.deps import SERVING, Serving
from indexer.errors import Forbidden, InvalidInput, Unauthorized
from indexer.settings import Settings


class Caller(StrEnum):
    """The owner started the server and holds its token; a client holds the key, if one is set."""

    OWNER = "owner"
    CLIENT = "client"


async def caller(request: Request, serving: SERVING) -> Caller:
    """Who is calling. Raises `Unauthorized` for a wrong key, and for none where one is needed."""
    given = _given_key(request, serving.engine.settings)
    if given is not None and _same(given, serving.token):
        return Caller.OWNER
    key = serving.engine.settings.api_key
    if key is None and given is None:
        return Caller.CLIENT
    if key is not None and given is not None and _same(given, key.get_secret_value()):
        return Caller.CLIENT
    raise Unauthorized(_why(given, serving))


CALLER = Annotated[Caller, Depends(caller)]


def allowed_path(raw: str, who: Caller, settings: Settings) -> Path:
    """The path that may be read on the caller's behalf. Raises `Forbidden`, `InvalidInput`.

    A client gets the path with every link resolved, so that what was checked is what is read.
    """
    path = Path(raw)
    if "\0" in raw or not path.is_absolute():
        raise InvalidInput(f"{raw!r} is not an absolute path on the server.", path=raw)
    if who is Caller.OWNER:
        return path
    resolved = _resolved(path)
    if any(resolved.is_relative_to(_resolved(folder)) for folder in settings.folders):
        return resolved
    raise Forbidden(
        f"{raw} is in none of the folders that clients may have read. Set SEMBLANCE_FOLDERS to "
        "allow it, index it with the command line on the server, or upload the files.",
        path=raw,
    )


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:
        raise InvalidInput(f"{path} cannot be followed to its end.", path=str(path)) from error


def _given_key(request: Request, settings: Settings) -> str | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    # Browsers ask for a password by themselves and then send it with pictures and events too.
    # Without a key it is for somebody else, such as a proxy in front.
    if scheme.lower() == "basic" and settings.api_key is not None:
        return _password(value)
    return request.headers.get("x-api-key")


def _password(value: str) -> str:
    try:
        named = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        return ""
    # As Latin-1, like every other header.
    return named.partition(b":")[2].decode("latin-1")


def _same(given: str, expected: str | None) -> bool:
    if expected is None:
        return False
    # Headers arrive as Latin-1, whatever was sent. The comparison takes equally long however
    # much of the key is right.
    return hmac.compare_digest(given.encode("latin-1"), expected.encode())


def _why(given: str | None, serving: Serving) -> str:
    if given is None:
        return "This server needs a key: send it as `Authorization: Bearer …` or `X-API-Key`."
    if serving.engine.settings.api_key is None:
        return "This is not the server's token, and no key is set: send none."
    return "The key is wrong."

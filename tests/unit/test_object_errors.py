"""What object stores answer when they refuse, told in words that help and hold no secrets."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from indexer.blobs.objects import open_objects
from indexer.blobs.thumbnails import ThumbnailCache
from indexer.content import in_memory
from indexer.errors import BlobsUnavailable, DiskFull, InvalidInput, Unavailable
from tests.buckets import KEY, SECRET, reach


@contextmanager
def refusing(status: int, code: str) -> Iterator[str]:
    """A server that answers every request like this; what it writes repeats the key, as S3 does."""
    body = f"<Error><Code>{code}</Code><AWSAccessKeyId>{KEY}</AWSAccessKeyId></Error>".encode()

    class Refusal(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(404 if self.command == "HEAD" else status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else body)

        do_GET = do_PUT = do_HEAD = do_POST = answer  # noqa: N815

        def log_message(self, format: str, *values: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Refusal) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (403, "InvalidAccessKeyId", BlobsUnavailable, "check AWS_ACCESS_KEY_ID"),
        (403, "AccessDenied", BlobsUnavailable, "what they permit"),
        (404, "NoSuchBucket", BlobsUnavailable, "a bucket that is not there"),
        (400, "AuthorizationHeaderMalformed", BlobsUnavailable, "set AWS_REGION"),
        (400, "XMinioAdminBucketQuotaExceeded", DiskFull, "no room left"),
        (400, "SomethingNew", BlobsUnavailable, "cannot do that now (SomethingNew)"),
    ],
)
def test_a_refusal_says_what_to_do_and_nothing_that_is_secret(
    status: int,
    code: str,
    kind: type[Unavailable],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with refusing(status, code) as endpoint:
        reach(monkeypatch, endpoint)
        blobs = open_objects("s3://bucket/prefix", ThumbnailCache(tmp_path))
        with pytest.raises(kind) as raised:
            blobs.put(in_memory(b"a picture"))
    assert words in raised.value.message
    assert "SEMBLANCE_BLOBS" in raised.value.message
    logged = "".join(traceback.format_exception(raised.value))
    assert KEY not in logged
    assert SECRET not in logged


@pytest.mark.parametrize(
    "url", ["ftp://host/x", "s3://", "s3://key:hidden@bucket", "az://box/x?sig=hidden", "C://x"]
)
def test_an_address_that_is_no_bucket_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="SEMBLANCE_BLOBS") as raised:
        open_objects(url, ThumbnailCache(tmp_path))
    assert "hidden" not in raised.value.message


def test_thumbnails_that_were_seen_need_no_bucket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ThumbnailCache(tmp_path)
    cache.put("a-128", b"line\nline")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert open_objects("s3://bucket", cache).get_derived("a-128") == b"line\nline"


def test_the_cache_of_thumbnails_has_a_bound(tmp_path: Path) -> None:
    cache = ThumbnailCache(tmp_path, slots=16)
    names = [f"{number}-128" for number in range(100)]
    for name in names:
        cache.put(name, name.encode())
    held = [name for name in names if cache.get(name) is not None]
    assert 8 <= len(held) == len(list(tmp_path.iterdir())) <= 16
    assert all(cache.get(name) == name.encode() for name in held)
    cache.forget(held[0])
    assert cache.get(held[0]) is None

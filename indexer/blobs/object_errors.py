"""What an object store complains about, in our words and without its own.

The library's messages hold whole requests and answers: addresses with signatures in them (Azure),
key ids (S3). They are looked at here, and neither repeated nor kept as a cause.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from indexer.errors import AssetNotFound, BlobsUnavailable, DiskFull, InvalidInput, SemblanceError

_CREDENTIALS: Mapping[str, str] = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
    "memory": "nothing",
}
_CODE = re.compile(r"<Code>(\w{1,60})</Code>")
_NO_ROOM = re.compile(
    r"<Code>(XMinioStorageFull|XMinioAdminBucketQuotaExceeded|QuotaExceeded)</Code>"
    r"|\b507 Insufficient Storage"
)
_NO_BUCKET = re.compile(r"NoSuchBucket|InvalidBucketName|ContainerNotFound|bucket does not exist")
_NO_KEYS = re.compile(r"169\.254\.169\.254|metadata\.google|Account must be specified|MissingAcc")
_REFUSED = re.compile(
    r"AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken"
    r"|AuthenticationFailed|AuthFailure|\b40[13] (Unauthorized|Forbidden)"
)
_ELSEWHERE = re.compile(r"PermanentRedirect|AuthorizationHeaderMalformed|\b301 Moved")
_PLAIN_HTTP = "BadScheme"


def checked_url(url: str) -> str:
    """The URL of a bucket. Raises `InvalidInput`, without repeating a URL that holds secrets."""
    parts = urlsplit(url)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise InvalidInput(
            "SEMBLANCE_BLOBS has more in it than a bucket and a prefix; credentials go into "
            f"{_CREDENTIALS.get(parts.scheme, 'variables of their own')}.",
            setting="SEMBLANCE_BLOBS",
        )
    if parts.scheme not in _CREDENTIALS or not (parts.netloc or parts.scheme == "memory"):
        raise InvalidInput(
            f"SEMBLANCE_BLOBS is {url}; it should be a folder, or s3://bucket/prefix, "
            "gs://bucket/prefix or az://container/prefix.",
            setting="SEMBLANCE_BLOBS",
        )
    return url


@contextlib.contextmanager
def object_errors(url: str, uri: str | None = None) -> Iterator[None]:
    """Raise what goes wrong as ours. `uri` is what is looked for, if anything."""
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, FileNotFoundError) as error:
        # From None: its message would end up in a log.
        raise _translated(error, url, uri) from None


def _translated(error: Exception, url: str, uri: str | None) -> SemblanceError:
    text = str(error)
    if _NO_ROOM.search(text):
        return DiskFull(
            f"{url} (SEMBLANCE_BLOBS) has no room left; make room there or raise its quota, then "
            "do the same again: it continues where it stopped.",
            blobs=url,
        )
    if isinstance(error, FileNotFoundError) and not _NO_BUCKET.search(text):
        return AssetNotFound(
            f"The original is gone from {url}: {uri}. Add its file again.", uri=uri
        )
    return BlobsUnavailable(f"{url} (SEMBLANCE_BLOBS) {_why(error, text, url)}.", blobs=url)


def _why(error: Exception, text: str, url: str) -> str:
    from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

    keys = _CREDENTIALS[urlsplit(url).scheme]
    found = _CODE.search(text)
    code = f" ({found[1]})" if found else ""
    if _NO_BUCKET.search(text):
        return "names a bucket that is not there; create it, or correct the name"
    if _PLAIN_HTTP in text:
        return (
            "is reached over plain http; set AWS_ALLOW_HTTP=true where the network may be trusted"
        )
    if _ELSEWHERE.search(text):
        return f"is in another region{code}; set AWS_REGION"
    if _NO_KEYS.search(text):
        return f"is given no credentials; set {keys}"
    refused = isinstance(error, PermissionDeniedError | UnauthenticatedError)
    if refused or _REFUSED.search(text):
        return f"refuses the credentials{code}; check {keys}, and what they permit"
    if found:
        return f"cannot do that now{code}; try again, or look into the server"
    return "does not answer; check that it runs, the network, and AWS_ENDPOINT_URL if it is set"

"""Plans as files: CSV to be read, a shell script, and JSON for `semblance duplicates apply`.

File names may hold anything but a NUL: quotes, newlines, bytes that are no UTF-8. The shell script
has their very bytes in single quotes; CSV and JSON have percent-encoded URIs.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, fields

from indexer.analysis.duplicates.plans import Leaving, Plan
from indexer.errors import InvalidInput
from indexer.readers.uris import path_of

FORMAT = "semblance-duplicates-1"

_COLUMNS = ("action", "path", "uri", "bytes", "sha256", "why", "keep_path", "keep_uri", "asset")

_HEAD = b"""#!/bin/sh
# Moves duplicates into a folder, and back. Nothing is deleted, nothing is overwritten.
#   sh plan.sh move FOLDER
#   sh plan.sh undo FOLDER
# Each file is moved only if it and the one that is kept still hold what they held.
set -u
[ $# -eq 2 ] || { echo "Usage: sh $0 move|undo FOLDER" >&2; exit 2; }
does=$1
folder=$2
failed=0
if command -v sha256sum >/dev/null 2>&1; then
    digest() { sha256sum < "$1" | cut -c1-64; }
else
    digest() { shasum -a 256 < "$1" | cut -c1-64; }
fi
refuse() { printf '%s: %s\\n' "$2" "$1" >&2; failed=1; }
holds() { [ -f "$1" ] && [ ! -L "$1" ] && [ "$(digest "$1")" = "$2" ]; }
carry() {
    mkdir -p -- "$(dirname -- "$2")" && mv -n -- "$1" "$2" && [ ! -e "$1" ]
}
inside() {
    up=$1
    while up=${up%/*}; [ -n "$up" ]; do
        [ ! "$up" -ef "$folder" ] || return 0
    done
    return 1
}
# one NUMBER FROM DIGEST KEPT DIGEST
one() {
    there="$folder/$1/$(basename -- "$2"; printf x)"
    there="${there%
x}"
    if [ "$does" = undo ]; then
        [ -e "$there" ] || return 0
        [ ! -e "$2" ] || { refuse "$2" "is there again, left alone"; return 0; }
        holds "$there" "$3" || { refuse "$there" "has changed, left alone"; return 0; }
        carry "$there" "$2" || refuse "$there" "could not be moved back"
        return 0
    fi
    [ -e "$2" ] || return 0
    [ ! -e "$there" ] || { refuse "$there" "is there already, left alone"; return 0; }
    ! inside "$2" || { refuse "$2" "lies in $folder already, left alone"; return 0; }
    ! inside "$4" || { refuse "$4" "to be kept, lies among what was moved away"; return 0; }
    holds "$2" "$3" || { refuse "$2" "has changed, left alone"; return 0; }
    holds "$4" "$5" || { refuse "$4" "to be kept, is gone or has changed"; return 0; }
    [ ! "$2" -ef "$4" ] || { refuse "$2" "is the same file as the one to keep"; return 0; }
    carry "$2" "$there" || refuse "$2" "could not be moved"
}
case $does in move|undo) ;; *) echo "Usage: sh $0 move|undo FOLDER" >&2; exit 2 ;; esac
"""


def as_csv(plan: Plan) -> bytes:
    """One row a file: `move`, or `stay` with the reason."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(_COLUMNS)
    for one in plan.leaving:
        kept = (one.keeper_path, one.keeper_uri)
        writer.writerow(
            ("move", one.path, one.uri, one.bytes, one.sha256, one.why, *kept, one.asset)
        )
    for stays in plan.staying:
        writer.writerow(("stay", stays.path, "", "", "", stays.reason, "", "", stays.asset))
    return buffer.getvalue().encode("utf-8", "replace")


def as_script(plan: Plan) -> bytes:
    """A POSIX shell script that moves the files, or moves them back."""
    lines = [_HEAD]
    for number, one in enumerate(plan.leaving, start=1):
        words = (_bytes(one.uri), one.sha256.encode(), _bytes(one.keeper_uri))
        quoted = b" ".join(_quoted(word) for word in (*words, one.keeper_sha256.encode()))
        lines.append(b"one %06d %s\n" % (number, quoted))
    # names end up in reasons too: nothing but one line of ASCII may stand in a comment
    stays = (json.dumps(f"{one.path}: {one.reason}").encode() for one in plan.staying)
    lines += [b"# stays: %s\n" % line for line in stays]
    return b"".join([*lines, b"exit $failed\n"])


def as_json(plan: Plan) -> bytes:
    """What `moves` reads."""
    told = {
        "format": FORMAT,
        "leaving": [asdict(one) for one in plan.leaving],
        "staying": [asdict(one) for one in plan.staying],
    }
    return (json.dumps(told, indent=1) + "\n").encode()


def moves(data: bytes, name: str) -> list[Leaving]:
    """The files that a plan's JSON names. Raises `InvalidInput` if it is no plan."""
    try:
        told = json.loads(data)
        if not isinstance(told, Mapping) or told.get("format") != FORMAT:
            raise ValueError("it does not say that it is one")
        wanted = {field.name for field in fields(Leaving)}
        found = [Leaving(**{key: one[key] for key in wanted}) for one in told["leaving"]]
        for one in found:
            path_of(one.uri)
            path_of(one.keeper_uri)
    except (ValueError, KeyError, TypeError, InvalidInput) as error:
        raise InvalidInput(
            f"{name} is no plan that can be carried out ({error}); write one with "
            "`semblance duplicates plan --format move -o FILE`.",
            path=name,
        ) from error
    return found


def _bytes(uri: str) -> bytes:
    return os.fsencode(path_of(uri))


def _quoted(word: bytes) -> bytes:
    return b"'" + word.replace(b"'", b"'\"'\"'") + b"'"

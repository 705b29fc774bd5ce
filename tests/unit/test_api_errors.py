"""Every error has a status, and every answer the one shape."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from api.errors import STATUS, answer, answer_unexpected, status_of
from indexer import errors
from indexer.errors import SemblanceError

EXPECTED = {
    errors.InvalidInput: 422,
    errors.InvalidQuery: 422,
    errors.UndecodableAsset: 422,
    errors.UnsupportedMedia: 415,
    errors.AssetTooLarge: 413,
    errors.TooFewAssets: 422,
    errors.WorkerLost: 422,
    errors.NotFound: 404,
    errors.CollectionNotFound: 404,
    errors.AssetNotFound: 404,
    errors.JobNotFound: 404,
    errors.AnalysisNotFound: 404,
    errors.SpaceNotFound: 404,
    errors.AliasNotFound: 404,
    errors.ModelNotFound: 404,
    errors.Conflict: 409,
    errors.CollectionExists: 409,
    errors.SpaceMismatch: 409,
    errors.StoreLocked: 409,
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.RateLimited: 429,
    errors.Unavailable: 503,
    errors.StoreUnavailable: 503,
    errors.QueueUnavailable: 503,
    errors.BlobsUnavailable: 503,
    errors.ModelUnavailable: 503,
    errors.DiskFull: 503,
}


def all_errors(base: type[SemblanceError] = SemblanceError) -> Iterator[type[SemblanceError]]:
    for kind in base.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield kind
            yield from all_errors(kind)


def test_every_class_of_error_has_the_status_that_the_design_says() -> None:
    assert {kind: status_of(kind("…")) for kind in all_errors()} == EXPECTED


def test_the_table_names_nothing_that_is_no_error_of_ours() -> None:
    assert set(STATUS) <= set(all_errors())


def test_the_answer_holds_code_message_and_details() -> None:
    response = answer(errors.AssetNotFound("There is no asset 7.", asset="7"))
    assert response.status_code == 404
    assert json.loads(bytes(response.body)) == {
        "code": "asset_not_found",
        "message": "There is no asset 7.",
        "details": {"asset": "7"},
    }


@pytest.mark.parametrize("kind", [errors.RateLimited, errors.DiskFull])
def test_what_may_be_tried_again_says_when(kind: type[SemblanceError]) -> None:
    assert int(answer(kind("…")).headers["retry-after"]) > 0


def test_details_that_json_cannot_hold_do_not_break_the_answer() -> None:
    awkward = {"half": "\ud800", "endless": float("inf"), "set": {1}, "object": object()}
    body = json.loads(bytes(answer(errors.InvalidInput("\udcff", **awkward)).body))
    assert body["message"] == "?"
    assert body["details"]["half"] == "?"
    assert body["details"]["endless"] == "inf"


def test_the_unexpected_is_logged_under_the_id_that_is_answered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    response = answer_unexpected(ZeroDivisionError("secret"))
    body = json.loads(bytes(response.body))
    assert response.status_code == 500
    assert body["code"] == "internal"
    assert "secret" not in json.dumps(body)
    assert body["details"]["id"] in caplog.text
    assert "ZeroDivisionError: secret" in caplog.text

"""Whatever is sent, the answers are those that the OpenAPI document promises, and no 5xx."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.integration.conftest import Live
from tests.lab import png


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_answers_conform_to_the_openapi_document(live: Live) -> None:
    live.owner.post("/v1/collections", json={"name": "schema"}).raise_for_status()
    files = [("files", ("red.png", png()))]
    added = live.owner.post("/v1/collections/schema/assets/upload", files=files).json()
    live.settled("schema", added["job"]["id"])
    path = "/v1/collections/schema/analyses/quality"
    analysis = live.owner.post(path, json={}, params={"wait": 60}).json()
    assert analysis["state"] == "done"
    ids = {
        "assets": added["files"][0]["ids"][0],
        "jobs": added["job"]["id"],
        "analyses": analysis["id"],
        "map": analysis["id"],
    }
    schema = schemathesis.openapi.from_url(f"{live.url}/openapi.json")
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        if operation.method.upper() != "DELETE":
            _conforms(operation, ids)


def _conforms(operation: Any, ids: dict[str, str]) -> None:
    @how(
        max_examples=6,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def check(case: Any) -> None:
        given_parts = case.path_parameters or {}
        if "collection" in given_parts:
            given_parts["collection"] = "schema"
        for kind, id in ids.items():
            if "id" in given_parts and f"/{kind}/" in operation.path:
                given_parts["id"] = id
        # Without the owner's token: made-up paths must lead nowhere on this machine.
        case.call_and_validate(
            checks=[
                not_a_server_error,
                status_code_conformance,
                content_type_conformance,
                response_schema_conformance,
            ],
        )

    check()

"""Without a name, the only collection there is is meant."""

from __future__ import annotations

from typing import cast

import pytest

from api.cli.chosen import chosen
from api.client import Client


class Names:
    """Stands in for a client: nothing but its collections' names; `photos` is an alias of one."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def collections(self) -> list[dict[str, str]]:
        return [{"name": name} for name in self.names]

    def aliases(self) -> dict[str, str]:
        return {"photos": "two"} if "two" in self.names else {}


@pytest.mark.parametrize(
    ("there", "named", "meant"),
    [
        (("demo",), "default", "demo"),
        (("default",), "default", "default"),
        (("default", "demo"), "default", "default"),
        (("one", "two"), "default", "default"),
        ((), "default", "default"),
        (("demo",), "other", "other"),
        (("one", "two"), "photos", "two"),
    ],
)
def test_which_collection_is_meant(there: tuple[str, ...], named: str, meant: str) -> None:
    assert chosen(cast("Client", Names(*there)), named) == meant

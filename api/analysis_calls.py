"""The client's calls about analyses: run, looked at row by row, exported, cancelled, deleted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, cast

from api.analysis_answers import Analysis, Rows
from api.asking import Where, filter_of
from api.asset_calls import DEFAULT, AssetCalls
from api.transport import error_from, segment

ENDED = ("done", "failed", "cancelled")

_PAGE = 1000

TableFormat = Literal["parquet", "csv", "jsonl", "arrow"]


class AnalysisCalls(AssetCalls):
    """What can be seen in a Collection as a whole. Ids may be shortened everywhere."""

    def analyse(
        self,
        name: str,
        collection: str = DEFAULT,
        *,
        space: str | None = None,
        kind: Literal["image", "text"] | None = None,
        where: Where = None,
        within: Mapping[str, object] | None = None,
        parameters: Mapping[str, object] | None = None,
        on_progress: Callable[[Analysis], object] = lambda _: None,
    ) -> Analysis:
        """Run an analysis ("outliers", "clusters", …) and return it when it is done.

        `within` is a part of an earlier one: {analysis, table, column, equals}. `on_progress` sees
        it on the way. Raises what stopped it.
        """
        analysis = self.start_analysis(
            name,
            collection,
            space=space,
            kind=kind,
            where=where,
            within=within,
            parameters=parameters,
        )
        return self.wait_for_analysis(analysis, on_progress)

    def start_analysis(
        self,
        name: str,
        collection: str = DEFAULT,
        *,
        space: str | None = None,
        kind: Literal["image", "text"] | None = None,
        where: Where = None,
        within: Mapping[str, object] | None = None,
        parameters: Mapping[str, object] | None = None,
        wait: float = 0.5,
    ) -> Analysis:
        """Begin an analysis; returned as it is after at most `wait` seconds."""
        asked = {
            "space": space,
            "kind": kind,
            "filter": filter_of(where),
            "within": None if within is None else dict(within),
            "parameters": None if parameters is None else dict(parameters),
        }
        body = {key: value for key, value in asked.items() if value is not None}
        path = f"/analyses/{segment(name)}"
        answer = self._json("POST", collection, path, json=body, params={"wait": wait})
        return cast("Analysis", answer)

    def wait_for_analysis(
        self,
        analysis: Analysis,
        on_progress: Callable[[Analysis], object] = lambda _: None,
        *,
        seconds_between: float = 0.3,
    ) -> Analysis:
        """Return the analysis when it is done or cancelled. Raises what stopped it."""
        while analysis["state"] not in ENDED:
            on_progress(analysis)
            time.sleep(seconds_between)
            analysis = self.analysis(analysis["id"], analysis["collection"])
        error = analysis["error"]
        if error is not None:
            raise error_from(error["code"], error["message"], {"analysis": analysis["id"]})
        return analysis

    def analyses(
        self, collection: str = DEFAULT, *, name: str | None = None, limit: int = 50
    ) -> list[Analysis]:
        """Analyses, newest first: all of them, or those of one name."""
        params: dict[str, object] = {"limit": limit, **({} if name is None else {"name": name})}
        return cast("list[Analysis]", self._json("GET", collection, "/analyses", params=params))

    def analysis(self, id: str, collection: str = DEFAULT) -> Analysis:
        """One analysis as of now. Raises `AnalysisNotFound`."""
        return cast("Analysis", self._json("GET", collection, f"/analyses/{segment(id)}"))

    def rerun_analysis(self, id: str, collection: str = DEFAULT) -> Analysis:
        """Do the same once more over what is there now; see `wait_for_analysis`."""
        path = f"/analyses/{segment(id)}/rerun"
        return cast("Analysis", self._json("POST", collection, path, params={"wait": 0.5}))

    def cancel_analysis(self, id: str, collection: str = DEFAULT) -> Analysis:
        """Stop an analysis. Raises `Conflict` if it has ended."""
        answer = self._json("POST", collection, f"/analyses/{segment(id)}/cancel")
        return cast("Analysis", answer)

    def delete_analysis(self, id: str, collection: str = DEFAULT) -> None:
        """Delete an analysis with its tables, for good."""
        self._json("DELETE", collection, f"/analyses/{segment(id)}")

    def table_page(
        self,
        id: str,
        table: str,
        collection: str = DEFAULT,
        *,
        offset: int = 0,
        limit: int = 100,
        equals: tuple[str, object] | None = None,
        order: str | None = None,
        descending: bool = False,
        columns: Sequence[str] = (),
        assets: bool = True,
    ) -> Rows:
        """Some rows of an analysis' table, with the assets they name.

        `equals` is a column and the value it must have; `order` a column.
        """
        params: dict[str, Any] = {"offset": offset, "limit": limit, "assets": assets}
        if equals is not None:
            params |= {"column": equals[0], "value": str(equals[1])}
        if order is not None:
            params |= {"order": order, "descending": descending}
        if columns:
            params["columns"] = list(columns)
        path = f"/analyses/{segment(id)}/tables/{segment(table)}"
        return cast("Rows", self._json("GET", collection, path, params=params))

    def table_rows(
        self, id: str, table: str, collection: str = DEFAULT, **options: Any
    ) -> Iterator[dict[str, Any]]:
        """All rows of an analysis' table, page by page; options as of `table_page`."""
        offset = 0
        while True:
            page = self.table_page(
                id,
                table,
                collection,
                **{"assets": False, **options, "offset": offset, "limit": _PAGE},
            )
            yield from page["rows"]
            offset += len(page["rows"])
            if not page["rows"] or offset >= page["total"]:
                return

    def export_table(
        self, id: str, table: str, collection: str = DEFAULT, *, format: TableFormat = "parquet"
    ) -> Iterator[bytes]:
        """A whole table as a file, in pieces."""
        where = f"/v1/collections/{segment(collection)}/analyses/{segment(id)}"
        return self._transport.stream(f"{where}/tables/{segment(table)}/file", {"format": format})

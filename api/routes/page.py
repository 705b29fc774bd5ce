"""The web page, and the API's reference."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse

from api.reference import POLICY, reference_page

STATIC = Path(__file__).parent.parent / "web" / "static"
"""Built by the set-up; not there in a bare checkout."""

_NOT_BUILT = """<!doctype html><html lang="en"><title>Semblance</title>
<h1>Semblance</h1><p>The server runs, but its web page was not built. Run <code>./run setup</code>
and start again.</p><p><a href="/docs">The API's reference</a></p></html>"""

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """The API's reference, made from the OpenAPI document."""
    page = reference_page(request.app.openapi())
    return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})


def serve_page(app: FastAPI, folder: Path = STATIC) -> None:
    """Serve the built page for every path that is nothing else."""
    if (folder / "index.html").is_file():
        app.frontend("/", directory=folder, fallback="index.html", check_dir=False)
    else:
        app.add_api_route("/", _not_built, include_in_schema=False)


async def _not_built() -> HTMLResponse:
    return HTMLResponse(_NOT_BUILT)

"""The API's reference as one static page: no script, and no request to anywhere."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
details { border: 1px solid color-mix(in srgb, currentColor 20%, transparent); margin: .5rem 0;
  border-radius: .4rem; padding: .4rem .8rem; }
summary { cursor: pointer; overflow-wrap: anywhere; }
summary b { display: inline-block; min-width: 4.2rem; }
pre { overflow-x: auto; background: color-mix(in srgb, currentColor 7%, transparent);
  padding: .6rem; border-radius: .4rem; }
table { border-collapse: collapse; } td, th { text-align: left; padding: .15rem .8rem .15rem 0;
  vertical-align: top; }
"""

_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'"


def reference_page(document: Mapping[str, Any]) -> str:
    """The OpenAPI document as HTML."""
    info = document["info"]
    operations = "".join(
        _operation(path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    schemas = "".join(
        f'<details id="{escape(name)}"><summary>{escape(name)}</summary>{_schema(schema)}</details>'
        for name, schema in document["components"]["schemas"].items()
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])} API'
        '</title><meta name="viewport" content="width=device-width">'
        f"<style>{STYLE}</style><main><h1>{escape(info['title'])} API</h1>"
        f"<p>{escape(info.get('description', ''))}</p>"
        '<p>For programs: <a href="/openapi.json">openapi.json</a></p>'
        f"<h2>Operations</h2>{operations}<h2>Messages</h2>{schemas}</main></html>"
    )


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> str:
    described = escape(operation.get("description", operation.get("summary", "")))
    return (
        f"<details><summary><b>{method.upper()}</b> <code>{escape(path)}</code> – {described}"
        f"</summary>{_parameters(operation.get('parameters', []))}"
        f"{_contents('Send', operation.get('requestBody', {}))}"
        f"{''.join(_answers(operation['responses']))}</details>"
    )


def _parameters(parameters: Sequence[Mapping[str, Any]]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(one['name'])}</code><td>{one['in']}"
        f"<td>{_type(one['schema'])}<td>{escape(one.get('description', ''))}"
        for one in parameters
    )
    return f"<table>{rows}</table>" if rows else ""


def _answers(responses: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for status, response in responses.items():
        if status.startswith("2"):
            yield _contents(f"Answer {status}: {response['description']}", response)
    others = ", ".join(status for status in responses if not status.startswith("2"))
    yield f"<p>Otherwise: {others}, as a Problem.</p>" if others else ""


def _contents(title: str, holder: Mapping[str, Any]) -> str:
    kinds = "; ".join(
        f"<code>{escape(media)}</code> {_type(content.get('schema', {}))}"
        for media, content in holder.get("content", {}).items()
    )
    return f"<p>{escape(title)} {kinds}</p>" if kinds else ""


def _type(schema: Mapping[str, Any]) -> str:
    """The schema in a few words, messages as links."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "enum" in schema:
        return escape(", ".join(str(value) for value in schema["enum"]))
    return escape(str(schema.get("type", "any")))


def _schema(schema: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code>{'*' if name in schema.get('required', ()) else ''}"
        f"<td>{_type(field)}<td>{escape(field.get('description', ''))}{_example(field)}"
        for name, field in schema.get("properties", {}).items()
    )
    described = escape(schema.get("description", ""))
    return f"<p>{described}</p><table>{rows}</table>" if rows else f"<p>{_type(schema)}</p>"


def _example(field: Mapping[str, Any]) -> str:
    given = field.get("examples") or []
    return f" <code>{escape(json.dumps(given[0], ensure_ascii=False))}</code>" if given else ""

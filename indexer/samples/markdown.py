"""Turning the reStructuredText of docstrings and descriptions into plain Markdown to read.

Not a parser: it knows what occurs in the packages that the samples come from. What tells readers
of code something and readers of prose nothing (parameters, examples, cross-references) goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_KEPT_SECTIONS = {"", "Notes", "Note", "Warnings"}
_SHOWN_DIRECTIVES = {"note", "warning", "dropdown", "topic", "admonition", "tip", "hint"}

_SECTION = re.compile(r"^(?P<title>\S.*)\n(?P<line>([-=~^*])\3{2,})\n", re.MULTILINE)
_DIRECTIVE = re.compile(r"^(?P<indent> *)\.\. (?P<name>[\w-]+):: ?(?P<argument>.*)$")
_RULE = re.compile(r"^=+( +=+)+ *$")
_FIELD = re.compile(r"^ *:(?P<name>[A-Z][^:`]*): *(?P<value>.*)$")

_INLINE = (
    (re.compile(r":[\w:.-]+:`([^`<]+?)\s*<[^`>]+>`"), r"\1"),  # :ref:`text <target>`
    (re.compile(r":math:`([^`]+)`"), r"$\1$"),
    (re.compile(r":[\w:.-]+:`[~!]?(?:[\w.]+\.)?([^`]+)`"), r"`\1`"),  # :func:`~module.name`
    (re.compile(r"`([^`<]+?)\s*<([^`>\s]+)>`_{0,2}"), r"[\1](\2)"),
    (re.compile(r"``([^`]+)``"), r"`\1`"),
    (re.compile(r"`([^`]+)`_{1,2}(?!\w)"), r"\1"),
    (re.compile(r" ?(?:\[[\w-]+\]_,?)+"), ""),  # footnotes [1]_
    (re.compile(r" \(\)|\|[\w-]+\||^Read more in the .*$", re.MULTILINE), ""),  # what they leave
    (re.compile(r"::$", re.MULTILINE), ":"),
)


def prose(docstring: str) -> str:
    """A docstring's text without the sections that list parameters, results and examples."""
    pieces = _SECTION.split(docstring)
    kept = [pieces[0]]
    # split() yields title, line and the line's character before each section's text
    for title, text in zip(pieces[1::4], pieces[4::4], strict=True):
        if title.strip() in _KEPT_SECTIONS:
            kept.append(text)
    return "\n\n".join(piece.strip("\n") for piece in kept)


def titled(text: str, note: str) -> str:
    """Markdown whose first sentence or heading is the title, and `note` stands under it."""
    first, _, rest = text.lstrip().partition("\n\n")
    title = " ".join(first.split())
    if title.startswith("#"):
        return f"{title}\n\n*{note}*\n\n{rest.strip()}\n"
    if len(title) > 100:  # a whole paragraph: it stays where it is
        rest, title = text, re.split(r"(?<=[.:]) ", title, maxsplit=1)[0]
    return f"# {title.rstrip('.')}\n\n*{note}*\n\n{rest.strip()}\n"


def markdown(text: str) -> str:
    """The text with directives, roles, tables and heading lines as Markdown writes them."""
    lines = _tables(_blocks(text.expandtabs().splitlines()))
    joined = _SECTION.sub(lambda match: f"## {match['title']}\n", "\n".join(_fields(lines)) + "\n")
    for pattern, replacement in _INLINE:
        joined = pattern.sub(replacement, joined)
    joined = re.sub(r"^## ", "# ", joined, count=1) if joined.lstrip().startswith("## ") else joined
    return re.sub(r"\n{3,}", "\n\n", joined).strip() + "\n"


def _blocks(lines: list[str]) -> Iterator[str]:
    """Lines without directives, targets, footnotes and examples; shown directives lose indent."""
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.lstrip().startswith(".. "):
            end = _end_of_block(lines, at)
            yield from _directive(lines[at:end])
            at = end
        elif line.lstrip().startswith((">>>", "ftp ", "cd math-prog")):
            while at < len(lines) and lines[at].strip():
                at += 1
        else:
            yield line
            at += 1


def _end_of_block(lines: list[str], at: int) -> int:
    """The index of the first line after `at` that is indented no deeper."""
    depth = _indent(lines[at])
    end = at + 1
    while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > depth):
        end += 1
    return end


def _directive(block: list[str]) -> Iterator[str]:
    match = _DIRECTIVE.match(block[0])
    if match is None:  # a target, a footnote or a comment
        return
    body = [line for line in block[1:] if not re.match(r"^ +:\w+:", line)]
    depth = min((_indent(line) for line in body if line.strip()), default=0)
    dedented = [line[depth:] for line in body]
    if match["name"] == "math":
        formula = " ".join([match["argument"], *(line.strip() for line in dedented)]).strip()
        yield from ("", f"$$ {formula} $$", "")
    elif match["name"] in _SHOWN_DIRECTIVES and match["argument"] != "References":
        if match["name"] == "dropdown":
            yield from ("", f"## {match['argument']}", "")
        elif match["argument"]:
            yield from ("", match["argument"])
        yield from _blocks(dedented)
        yield ""


def _tables(lines: Iterator[str]) -> Iterator[str]:
    """Simple tables (columns under lines of =) become Markdown tables."""
    columns: list[slice] = []
    rules = 0
    for line in lines:
        if _RULE.match(line):
            if not columns:
                spans = [match.span() for match in re.finditer(r"=+", line)]
                starts = [start for start, _ in spans]
                ends: list[int | None] = [*starts[1:], None]
                columns = [slice(start, end) for start, end in zip(starts, ends, strict=True)]
            rules += 1
        elif columns and line.strip():
            yield "| " + " | ".join(line[column].strip() for column in columns) + " |"
            if rules == 1:
                yield "|" + " --- |" * len(columns)
                rules = 2
        else:
            columns, rules = [], 0
            yield line


def _fields(lines: Iterator[str]) -> Iterator[str]:
    """`:Number of Instances: 178` becomes an entry of a list."""
    for line in lines:
        match = _FIELD.match(line)
        yield f"- **{match['name']}:** {match['value']}".rstrip() if match else line


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())

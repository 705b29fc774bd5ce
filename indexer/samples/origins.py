"""Finding what installed packages bring along: files, and the texts in their source.

No package is imported for it, apart from numpy, whose texts are inside compiled code.
"""

from __future__ import annotations

import ast
import codecs
import importlib.metadata
import importlib.util
import inspect
import platform
import re
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from indexer.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Origin:
    """An installed distribution: its name, its version, and the folder of its modules."""

    name: str
    version: str
    folder: Path
    licence: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


_PACKAGES: Mapping[str, tuple[str, str]] = {
    "numpy": ("numpy", "BSD-3-Clause"),
    "networkx": ("networkx", "BSD-3-Clause"),
    "scikit-image": ("skimage", "BSD-3-Clause"),
    "scikit-learn": ("sklearn", "BSD-3-Clause"),
    "scipy": ("scipy", "BSD-3-Clause"),
}


def installed_origins() -> dict[str, Origin]:
    """All that samples are taken from, by distribution name.

    Raises Unavailable if one of them is not installed.
    """
    stdlib = Path(sysconfig.get_path("stdlib"))
    origins = {"Python": Origin("Python", platform.python_version(), stdlib, "PSF-2.0")}
    for name, (module, licence) in _PACKAGES.items():
        spec = importlib.util.find_spec(module)
        if spec is None or spec.origin is None:
            raise Unavailable(
                f"The sample collection is made from {name}, which is not installed. "
                "Remedy: pip install 'semblance[demo]', or give the demo a folder of your own "
                "with --from.",
                package=name,
            )
        version = importlib.metadata.version(name)
        origins[name] = Origin(name, version, Path(spec.origin).parent, licence)
    return origins


def docstrings(origin: Origin, module: str, names: list[str]) -> Iterator[tuple[str, str]]:
    """Pairs of name and text from the source of a module; the module's own text has the name "".

    What another version of the package does not have is left out.
    """
    path = origin.folder / f"{module.replace('.', '/')}.py"
    if not path.is_file():
        path = path.with_suffix("") / "__init__.py"
    if not path.is_file():
        return
    source = path.read_text(encoding="utf-8")
    for name in names:
        if text := _text_of(ast.parse(_excerpt(source, name)), name):
            yield name, text


def _excerpt(source: str, name: str) -> str:
    """The part of a source that holds a text: parsing all of it would take seconds in sum."""
    if name:
        pattern = rf"^(?:def|class) {name}\b[^\n]*\n(?:(?![A-Za-z_@#\"'])[^\n]*\n)*"
    else:
        pattern = r"\A(?:\s|#[^\n]*\n)*r?\"{3}[\s\S]*?\"{3}"
    match = re.search(pattern, source, re.MULTILINE)
    return match[0] if match else source


def _text_of(tree: ast.Module, name: str) -> str | None:
    """The docstring of a function or class, of the module (""), or a text given to a name."""
    if not name:
        return ast.get_docstring(tree)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return ast.get_docstring(node)
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == name
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            return node.value.value
    return None


def zen(origin: Origin) -> str:
    """The Zen of Python, which the module `this` keeps rotated by 13 letters."""
    for _, text in docstrings(origin, "this", ["s"]):
        return codecs.decode(text, "rot13")
    return ""


def distribution(name: str) -> str | None:
    """What numpy tells about one of the distributions that it draws from."""
    text = inspect.getdoc(getattr(np.random.Generator, name, None))
    if not text:
        return None
    return text.partition("\n\n")[2]  # the first line is the call's signature

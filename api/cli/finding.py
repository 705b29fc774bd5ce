"""Groups of commands that do something by themselves: they find, unless another is named."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

FIND = "find"


class FindsByDefault(TyperGroup):
    """`semblance duplicates -c photos` is `semblance duplicates find -c photos`."""

    def parse_args(self, context: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = [FIND, *args]
        return super().parse_args(context, args)

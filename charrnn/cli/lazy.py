"""LazyGroup: commands whose modules are imported when they are called, so that `charrnn --help` starts at once.

A command's module therefore imports at its top all that it needs, but nothing that imports torch: that it reaches
through `charrnn.api`, whose modules are imported when they are first used. These two are the only places that put off
an import for the start's sake; a command's --help then takes what numpy and rich take, and no torch.
"""

from collections import UserDict
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """A group that knows of each of its commands the module and the line that its own help shows."""

    def __init__(self, *args: Any, modules: Mapping[str, tuple[str, str]], **options: Any) -> None:
        """Take by each command's name its module, in which it has the same name, and its summary."""
        super().__init__(*args, **options)
        self.commands = _Commands({name: module for name, (module, _) in modules.items()})
        self._summaries = {name: summary for name, (_, summary) in sorted(modules.items())}

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._summaries.items()))


class _Commands(UserDict[str, Any]):
    """Commands by their names, given the modules that they are in."""

    def __getitem__(self, name: str) -> click.Command:
        return getattr(import_module(super().__getitem__(name)), name)

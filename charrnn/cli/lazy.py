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

Modules = Mapping[str, Mapping[str, tuple[str, str]]]


class LazyGroup(click.Group):
    """A group that knows of each of its commands the module and the line that its own help shows."""

    def __init__(self, *args: Any, modules: Modules, **options: Any) -> None:
        """Take, heading by heading, each command's name with its module, in which it has that name, and its summary."""
        super().__init__(*args, **options)
        listed = {name: module for under in modules.values() for name, (module, _) in under.items()}
        self.commands = _Commands(listed)
        self._modules, self._widest = modules, max(map(len, listed))

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the lists of commands under their headings, without importing any."""
        for heading, commands in self._modules.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(self._widest), summary) for name, (_, summary) in commands.items()])


class _Commands(UserDict[str, Any]):
    """Commands by their names, given the modules that they are in."""

    def __getitem__(self, name: str) -> click.Command:
        return getattr(import_module(super().__getitem__(name)), name)

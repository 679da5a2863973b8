"""Asked: the model and the text that a command names, by the arguments and options that such commands share."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any

import click

from charrnn.api.limits import SHORTEST_SEARCH
from charrnn.cli import completion
from charrnn.cli.common import (
    FEEDBACK,
    Decorator,
    device_option,
    load_model,
    model_argument,
    network_threads_option,
    part_option,
    reading_options,
    sources_argument,
    unseen_part_option,
)
from charrnn.cli.output import spare_inputs
from charrnn.text.reading import Reading

if TYPE_CHECKING:
    from charrnn.api import Model, Passage

feature_option: Decorator = click.option(
    "--feature",
    metavar="NAME",
    shell_complete=completion.features,
    help="Instead of --unit: the unit that follows this best; NAME=PATTERN: a regular expression.",
)
unit_option: Decorator = click.option(
    "--unit",
    metavar="L:I",
    required=True,
    shell_complete=completion.units,
    help="Layer and index, both from 0; the name of a known unit; or FILE:FEATURE, see 'find --directions'.",
)
signal_option: Decorator = click.option(
    "--signal", metavar="NAME", help="Such as h, c, tanh_c or a gate. Default: tanh_c for LSTMs, else h."
)


def characters_option(default: int, told: str, least: int = SHORTEST_SEARCH) -> Decorator:
    """Return the option of how many characters are read, from the part's beginning."""
    number = click.IntRange(least)
    return click.option("--characters", type=number, default=default, show_default=True, help=f"Read that many{told}.")


def seed_option(of: str) -> Decorator:
    """Return the option of a seed."""
    return click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help=of)


def signals_option(told: str) -> Decorator:
    """Return the option of a list of signals, with commas between them."""
    return click.option(
        "--signals",
        metavar="NAMES",
        callback=lambda context, option, value: value if value is None else value.split(","),
        help=told,
    )


@dataclass(frozen=True)
class Asked:
    """The model and the text that a command names; each is loaded when it is used."""

    name: str
    device: str
    sources: tuple[str, ...]
    part: str | None
    reading: Reading

    @cached_property
    def model(self) -> "Model":
        """The model."""
        return load_model(self.name, self.device)

    def passage(self, characters: int | None = None) -> "Passage":
        """Read the part of the text, or so many characters of it."""
        read = self.model.read
        return read(*self.sources, part=self.part, characters=characters, reading=self.reading, feedback=FEEDBACK)


_own_sources: Decorator = click.argument(
    "sources", nargs=-1, metavar="[SOURCE]...", callback=spare_inputs, shell_complete=completion.sources
)


def _asked(part: Decorator, sources: Decorator = _own_sources) -> Decorator:
    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def with_asked(
            *, model: str, sources: tuple[str, ...], part: str | None, reading: Reading, device: str, **rest: Any
        ) -> Any:
            return command(Asked(model, device, sources, part, reading), **rest)

        decorated: Callable[..., Any] = with_asked
        for option in (network_threads_option, device_option, reading_options, part, sources, model_argument):
            decorated = option(decorated)
        return decorated

    return decorate


asks_for_text = _asked(part_option)
asks_for_unseen_text = _asked(unseen_part_option)
asks_for_given_text = _asked(part_option, sources_argument)

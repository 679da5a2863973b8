"""How a sample is shown while it is written: into a pipe, in a terminal, or coloured."""

import math
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from charrnn.display.signs import visible
from charrnn.errors import ConfigError
from charrnn.model.cells import state_names
from charrnn.model.clamping import Clamp
from charrnn.model.config import ModelConfig
from charrnn.model.units import Unit
from charrnn.neurons.signal_names import shown_signal
from charrnn.sampling.sampler import Drawn
from charrnn.sampling.texts import Seeded

if TYPE_CHECKING:
    from charrnn.display.terminal import Writer

GUESSES = 5  # likeliest characters that are shown under each one


@dataclass(frozen=True)
class Look:
    """What is shown beside the characters: colour by surprisal or by a unit, and so many guesses under each."""

    surprisal: bool = False
    watch: Unit | None = None
    squashed: bool = False  # the unit's memory has no bound, and is shown by its tanh
    guesses: int = 0
    signal: str = ""  # what is shown of the unit
    held: str = ""  # which units are clamped, and at what

    @classmethod
    def parse(cls, color: str, guesses: int, config: ModelConfig, clamps: Sequence[str] = ()) -> "Look":
        """Return the look that `--color` names.

        Raises:
            ConfigError: it is not none, surprisal or a unit of the model.
        """
        held = ", ".join(_held(Clamp.parse(clamp, config)) for clamp in clamps)
        if color in ("none", "surprisal"):
            return cls(surprisal=color == "surprisal", guesses=guesses, held=held)
        if ":" not in color:
            raise ConfigError(f"color is {color!r}", "choose none, surprisal or a unit such as 0:42")
        memory = "c" if "c" in state_names(config) else "h"
        signal = shown_signal(config, memory)
        return cls(False, Unit.parse(color, config), signal != memory, guesses, signal, held)

    @property
    def is_drawn(self) -> bool:
        """Whether there is anything beside the characters."""
        return self.surprisal or self.watch is not None or self.guesses > 0

    def value(self, drawn: Drawn) -> float:
        """The value that a character's colour shows."""
        if drawn.value is None:
            return drawn.nats if self.surprisal else 0.0
        return math.tanh(drawn.value) if self.squashed else drawn.value

    def writer(self) -> "Writer | None":
        """What draws it, or None: into a pipe goes the text alone, unless the guesses were asked for."""
        if not self.is_drawn:
            return None
        from charrnn.cli.screen import console  # rich: a plain sample starts without
        from charrnn.display.highlight import SURPRISING, Highlight
        from charrnn.display.terminal import Writer

        screen = console()
        if not (self.guesses or screen.is_terminal):
            return None
        scale = "surprisal in nats" if self.surprisal else f"{self.signal} of unit {self.watch}" if self.watch else ""
        scale += f"; clamped: {self.held}" if scale and self.held else ""
        top = SURPRISING if self.surprisal else None
        return Writer(Highlight.of("", scale, "", "", [], [], top), self.guesses > 0, screen)


def _held(clamp: Clamp) -> str:
    return f"h of {clamp.layer}:{clamp.index} = {clamp.value:g}"


def write(prime: str, samples: Iterable[Seeded], look: Look) -> None:
    """Write the samples to stdout as they are drawn."""
    for number, (_, characters) in enumerate(samples):
        if number:  # where a person looks on, each sample has ended its line
            sys.stdout.write("---\n" if sys.stdout.isatty() else "\n---\n")
        write_prime(prime, look)
        write_one(characters, look)


def write_prime(prime: str, look: Look) -> None:
    """Write, where a person looks on, what a sample goes on from, dimmed."""
    if sys.stdout.isatty() and prime:
        shown = visible(prime)
        click.echo(shown if os.environ.get("TERM") == "dumb" else click.style(shown, dim=True), nl=look.is_drawn)


def write_one(characters: Iterator[Drawn], look: Look) -> None:
    """Write one sample to stdout as it is drawn."""
    writer = look.writer()
    if writer:
        from charrnn.display.highlight import cell

        for drawn in characters:
            writer.put(cell(drawn.character, look.value(drawn), drawn.guesses))
        writer.end()
        return
    on_terminal = sys.stdout.isatty()
    for drawn in characters:
        sys.stdout.write(visible(drawn.character) if on_terminal else drawn.character)
        if on_terminal:
            sys.stdout.flush()
    if on_terminal:
        sys.stdout.write("\n")

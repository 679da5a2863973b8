"""How a sample is shown while it is written: into a pipe, in a terminal, or coloured."""

import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic, sleep
from typing import TYPE_CHECKING

import click

from charrnn.display.signs import visible
from charrnn.errors import ConfigError
from charrnn.model import known
from charrnn.model.cells import state_names
from charrnn.model.checkpoint import Checkpoint
from charrnn.model.clamping import Clamp
from charrnn.model.units import Unit
from charrnn.neurons.signal_names import default_signal, shown_signal
from charrnn.sampling.sampler import Drawn, Sampler

if TYPE_CHECKING:
    from charrnn.api.sample import Written
    from charrnn.display.highlight import Cell
    from charrnn.display.terminal import Writer

    Heads = Callable[[Written], str] | None

GUESSES = 5  # likeliest characters that are shown under each one
TYPED = 2000  # characters of a prime that are coloured; what stands before them is dimmed


@dataclass(frozen=True)
class Look:
    """What is shown beside the characters: colour by surprisal or by a unit, and so many guesses under each."""

    surprisal: bool = False
    watch: Unit | None = None
    squashed: bool = False  # the unit's memory has no bound, and is shown by its tanh
    guesses: int = 0
    shown: str = ""  # what is shown of the unit
    held: str = ""  # which units are clamped, and at what

    @classmethod
    def parse(cls, color: str, guesses: int, checkpoint: Checkpoint, clamps: Sequence[str] = ()) -> "Look":
        """Return the look that `--color` names.

        Raises:
            ConfigError: it is not none, surprisal, a unit of the model or the name of a known one.
        """
        config, units = checkpoint.config, checkpoint.header.known_units
        held = cls.told(known.clamp(units, clamp, config) for clamp in clamps)
        if color in ("none", "surprisal"):
            return cls(surprisal=color == "surprisal", guesses=guesses, held=held)
        try:
            unit = known.unit(units, color, config)
        except ConfigError as error:
            problem = error.problem if ":" in color else f"color is {color!r}"
            raise ConfigError(problem, f"choose none, surprisal or a unit: {error.cure}") from None
        memory = "c" if "c" in state_names(config) else "h"
        about = known.of_unit(units, unit, default_signal(config))
        follows = f", {about.feature.replace('_', ' ')}" if about else ""
        signal = shown_signal(config, memory)
        return cls(False, unit, signal != memory, guesses, f"{signal} of unit {unit}{follows}", held)

    @staticmethod
    def told(clamps: Iterable[Clamp]) -> str:
        """Which units are clamped, and at what."""
        return ", ".join(f"h of {clamp.unit} = {clamp.value:g}" for clamp in clamps)

    @property
    def is_drawn(self) -> bool:
        """Whether there is anything beside the characters."""
        return self.surprisal or self.watch is not None or self.guesses > 0

    def cell(self, drawn: Drawn) -> "Cell":
        """A character with the value that its colour shows, and the guesses under it."""
        from charrnn.display.highlight import cell

        return cell(drawn.character, self._value(drawn), drawn.guesses)

    def _value(self, drawn: Drawn) -> float:
        if drawn.value is None:
            return drawn.nats if self.surprisal else 0.0
        return math.tanh(drawn.value) if self.squashed else drawn.value

    def writer(self, legend: bool = True) -> "Writer | None":
        """What draws it, or None: into a pipe goes the text alone, unless the guesses were asked for."""
        if not self.is_drawn:
            return None
        from charrnn.cli.screen import console  # rich: a plain sample starts without
        from charrnn.display.highlight import SURPRISING, Highlight
        from charrnn.display.terminal import Writer

        screen = console()
        if not (self.guesses or screen.is_terminal):
            return None
        scale = "surprisal in nats" if self.surprisal else self.shown
        scale += f"; clamped: {self.held}" if scale and self.held else ""
        top = SURPRISING if self.surprisal else None
        return Writer(Highlight.of("", scale, "", "", [], [], top), self.guesses > 0, screen, legend)


def write(texts: "Iterable[Written]", look: Look, slow: float | None = None, heads: "Heads" = None) -> None:
    """Write texts to stdout as they are drawn, `slow` characters a second.

    `heads`, where there are any, stand in a terminal above the first text of each prime and temperature.
    """
    on_terminal, last = sys.stdout.isatty(), None
    for number, text in enumerate(texts):
        setting = (text.prime, text.temperature)
        if on_terminal and heads and setting != last:
            click.echo(dimmed(f"── {heads(text)}", bold=True))
        elif number:  # where a person looks on, each sample has ended its line
            sys.stdout.write("---\n" if on_terminal else "\n---\n")
        last = setting
        write_one(text.prime, text.sampler, paced(text.characters, slow), look, legend=not number)


def write_one(prime: str, sampler: Sampler, characters: Iterator[Drawn], look: Look, legend: bool) -> None:
    """Write one sample to stdout as it is drawn; where a person looks on, what it goes on from before it.

    That is dimmed, or where there are colours coloured as the sample is, and underlined.
    """
    on_terminal, writer = sys.stdout.isatty(), look.writer(legend)
    coloured = prime[-TYPED:] if writer and on_terminal else ""
    if on_terminal and len(coloured) < len(prime):
        click.echo(dimmed(visible(prime.removesuffix(coloured)), dim=True), nl=False)
    if writer is None:
        _write_plain(characters, on_terminal)
        return
    for drawn in sampler.typed(prime, len(prime) - len(coloured), look.guesses, look.watch) if coloured else ():
        writer.put(look.cell(drawn), typed=True)
    for drawn in characters:
        writer.put(look.cell(drawn))
    writer.end()


def _write_plain(characters: Iterator[Drawn], on_terminal: bool) -> None:
    for drawn in characters:
        sys.stdout.write(visible(drawn.character) if on_terminal else drawn.character)
        if on_terminal:
            sys.stdout.flush()
    if on_terminal:
        sys.stdout.write("\n")


def paced(characters: Iterator[Drawn], rate: float | None) -> Iterator[Drawn]:
    """Yield so many characters a second, each seen at once; None: as fast as they are drawn."""
    if rate is None:
        yield from characters
        return
    due = monotonic()
    for drawn in characters:
        sleep(max(0.0, due - monotonic()))
        due = max(due, monotonic() - 1) + 1 / rate  # what was late is made up for, but for a second at most
        yield drawn
        sys.stdout.flush()


def dimmed(text: str, **style: bool) -> str:
    """Return a text in a style, but for a terminal that knows none."""
    return text if os.environ.get("TERM") == "dumb" else click.style(text, **style)

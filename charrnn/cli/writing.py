"""How a sample is shown while it is written: into a pipe, in a terminal, coloured, or as a report."""

import math
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from charrnn.display.signs import visible

if TYPE_CHECKING:
    from charrnn.display.terminal import Writer
    from charrnn.model.config import ModelConfig
    from charrnn.model.units import Unit
    from charrnn.sampling.sampler import Drawn


@dataclass(frozen=True)
class Look:
    """What is shown beside the characters: colour by surprisal or by a unit, and so many guesses under each."""

    surprisal: bool = False
    watch: "Unit | None" = None
    squashed: bool = False  # the unit's memory has no bound, and is shown by its tanh
    guesses: int = 0
    signal: str = ""  # what is shown of the unit
    held: str = ""  # which units are clamped, and at what

    @classmethod
    def parse(cls, color: str, guesses: int, config: "ModelConfig", held: str = "") -> "Look":
        """Return the look that `--color` names.

        Raises:
            ConfigError: it is not none, surprisal or a unit of the model.
        """
        from charrnn.errors import ConfigError
        from charrnn.model.units import Unit

        if color in ("none", "surprisal"):
            return cls(surprisal=color == "surprisal", guesses=guesses, held=held)
        if ":" not in color:
            raise ConfigError(f"color is {color!r}", "choose none, surprisal or a unit such as 0:42")
        bounded = config.cell == "gru" or (config.cell == "rnn" and config.nonlinearity == "tanh")
        signal = "h" if bounded else "tanh(h)" if config.cell == "rnn" else "tanh(c)"
        return cls(False, Unit.parse(color, config), not bounded, guesses, signal, held)

    @property
    def is_drawn(self) -> bool:
        """Whether there is anything beside the characters."""
        return self.surprisal or self.watch is not None or self.guesses > 0

    def value(self, drawn: "Drawn") -> float:
        """The value that a character's colour shows."""
        if drawn.value is None:
            return drawn.nats if self.surprisal else 0.0
        return math.tanh(drawn.value) if self.squashed else drawn.value

    def writer(self) -> "Writer | None":
        """What draws it, or None: into a pipe goes the text alone, unless the guesses were asked for."""
        from charrnn.cli.screen import console
        from charrnn.display.highlight import SURPRISING, Highlight
        from charrnn.display.terminal import Writer

        if not self.is_drawn:
            return None
        screen = console()
        if not (self.guesses or screen.is_terminal):
            return None
        scale = "surprisal in nats" if self.surprisal else f"{self.signal} of unit {self.watch}" if self.watch else ""
        scale += f"; clamped: {self.held}" if scale and self.held else ""
        top = SURPRISING if self.surprisal else None
        return Writer(Highlight.of("", scale, "", "", [], [], top), self.guesses > 0, screen)


def as_report(prime: str, samples: "Iterator[tuple[int | None, Iterator[Drawn]]]", with_nats: bool) -> dict[str, Any]:
    """Return what `--json` says of the samples."""
    drawn = [(seed, list(characters)) for seed, characters in samples]
    nats = [d.nats for _, characters in drawn for d in characters]
    reports = [_report(prime, seed, characters, with_nats) for seed, characters in drawn]
    return {"samples": reports, "nats": sum(nats) / len(nats) if nats else None}


def _report(prime: str, seed: int | None, drawn: "list[Drawn]", with_nats: bool) -> dict[str, Any]:
    report: dict[str, Any] = {"prime": prime, "text": "".join(d.character for d in drawn), "seed": seed}
    if with_nats:
        report["nats"] = [d.nats for d in drawn]
    if drawn and drawn[0].guesses:
        report["alternatives"] = [d.guesses for d in drawn]
    return report


def write(prime: str, samples: "Iterator[tuple[int | None, Iterator[Drawn]]]", look: Look) -> None:
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


def write_one(characters: "Iterator[Drawn]", look: Look) -> None:
    """Write one sample to stdout as it is drawn."""
    writer = look.writer() if look.is_drawn else None
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

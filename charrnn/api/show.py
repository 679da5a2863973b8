"""What one unit or several do over a stretch of a text, in colours."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from charrnn.api.drawing import Drawing
from charrnn.api.passage import Passage
from charrnn.display import grid, page
from charrnn.display.highlight import Highlight
from charrnn.errors import ConfigError
from charrnn.feedback import SILENT, Feedback
from charrnn.model import known as known_units
from charrnn.model.config import ModelConfig
from charrnn.model.devices import choose_precision, name_of
from charrnn.model.directions import Direction, named
from charrnn.model.known import KnownUnit
from charrnn.model.network import CharRNN
from charrnn.model.units import Unit
from charrnn.neurons.best import best_unit
from charrnn.neurons.columns import recorded_columns
from charrnn.neurons.features import feature_named
from charrnn.neurons.passages import telling_passage
from charrnn.neurons.recording import Watched, guesses, watch
from charrnn.neurons.signal_names import check_signals, default_signal, is_bounded, shown_signal
from charrnn.text.vocabulary import Vocabulary

PROJECTION = "tanh((h · w − mean) / 2 sd)"  # what is coloured of a direction w
SCANNED = 60_000  # characters over which a unit is looked for; fewer may hold too little of a feature


@dataclass(frozen=True)
class Shown(Drawing):
    """The values of some units over a stretch of a passage, and the likeliest next characters there."""

    passage: Passage
    units: tuple[Unit | Direction, ...]
    signal: str
    start: int  # of the stretch, in characters of the passage
    watched: Watched  # what the units did over the stretch
    config: ModelConfig
    vocabulary: Vocabulary
    known: KnownUnit | None = None  # what the one unit was found to follow
    precision: str = "float32"  # of the recording

    @property
    def text(self) -> str:
        """The stretch's characters."""
        return self.vocabulary.decode(self.watched.ids)

    @property
    def pieces(self) -> Sequence[str]:
        """The stretch's symbols, characters or longer ones."""
        return self.vocabulary.pieces(self.watched.ids)

    @property
    def is_bounded(self) -> bool:
        """Whether the values keep to −1 to 1; those that do not are coloured by their tanh."""
        return is_bounded(self.config, self.signal) and not self._is_direction

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it: of one unit `unit` and its values, of several `units` and a list for each."""
        units, values = [str(unit) for unit in self.units], self.watched.values.tolist()
        return {
            "model": self.passage.model,
            "source": " ".join(self.passage.source),
            "signal": self.signal,
            "bounded": self.is_bounded,
            "precision": self.precision,
            "start": self.start,
            "total": len(self.passage),
            "text": self.text,
            **({"symbols": list(self.pieces)} if self.vocabulary.symbols else {}),
            **({"unit": units[0], "values": values[0]} if len(units) == 1 else {"units": units, "values": values}),
            "guesses": list(guesses(self.watched, self.vocabulary)),
        }

    @cached_property
    def highlight(self) -> Highlight:
        """The text coloured by one unit, or with a row of colours for each of several under it."""
        rows = self.watched.values.tolist()
        rows = rows if self.is_bounded else [[math.tanh(value) for value in row] for row in rows]
        signal = PROJECTION if self._is_direction else shown_signal(self.config, self.signal)
        scale, text, names = signal, self.pieces, [str(unit) for unit in self.units]
        under = guesses(self.watched, self.vocabulary)
        where = f"{self.vocabulary.noun}s {self.start:,} to {self.start + len(text):,} of {len(self.passage):,}"
        source = f"{self.passage.title}, {where}"
        if len(names) == 1:
            name = names[0] if self._is_direction else f"unit {names[0]}"
            title = f"{self.known.title if self.known else name[0].upper() + name[1:]} of {self.passage.model}"
            scale = f"{scale} of {name}"
            return Highlight.of(title, scale, source, text, rows[0], under)
        values = dict(zip(names, rows, strict=True))
        return Highlight.stacked(
            f"{'Directions' if self._is_direction else 'Units'} of {self.passage.model}",
            scale,
            source,
            text,
            values,
            under,
        )

    @property
    def _is_direction(self) -> bool:
        return isinstance(self.units[0], Direction)

    def room(self, form: str) -> int:
        """Return how many of the stretch's characters a file in a format ("html", "svg", "png", …) shows."""
        room = {"svg": grid.room, "png": grid.room, "html": page.room}.get(form)
        return room(self.highlight) if room else len(self.watched.ids)


def show(
    network: CharRNN,
    vocabulary: Vocabulary,
    passage: Passage,
    unit: str | Sequence[str] = (),
    *,
    feature: str | None = None,
    signal: str | None = None,
    start: int | None = None,
    length: int = 600,
    guesses: int = 0,
    known: Sequence[KnownUnit] = (),
    precision: str | None = None,
    feedback: Feedback = SILENT,
) -> Shown:
    """Show what units do over a stretch of a text.

    Args:
        network: whose units they are.
        vocabulary: its characters.
        passage: the text.
        unit: one or several, such as "0:42", the name of a known unit, or FILE:FEATURE, a direction that `find` saved.
        feature: in its place, the name of a feature, or NAME=PATTERN: the unit that follows it best is shown.
        signal: such as h, c, tanh_c or a gate; None: that of a known unit; else tanh_c for LSTMs, and h.
        start: where the stretch begins; None: at 0, or with `feature` where it changes.
        length: characters of the stretch.
        guesses: likeliest next characters to tell at each.
        known: what units of the model were found to follow.
        precision: float32 or bfloat16, in which units are recorded; None: float32, but where the unit that follows a
            feature is looked for, as `choose_precision` has it.
        feedback: where notes and counts go.

    Raises:
        ConfigError: there is no such unit, feature or signal, both or neither of unit and feature are given, or the
            stretch is empty.
    """
    if bool(unit) == bool(feature):
        raise ConfigError(f"{'both' if unit else 'neither'} unit and feature are given", "give one of them")
    asked = [unit] if isinstance(unit, str) else list(unit)
    by_name = [None if ":" in each else known_units.named(known, each) for each in asked]
    signal_asked = signal
    if not signal:
        kept = {each.signal for each in by_name if each}
        signal = kept.pop() if len(kept) == 1 and all(by_name) else default_signal(network.config)
    names = dict.fromkeys(found.unit if found else each for found, each in zip(by_name, asked, strict=True))
    units = [named(each, network.config, network.weights) for each in names]
    if feature:
        found, place = _best_unit(network, passage, feature, signal, length, precision, feedback)
        units, start = [found], place if start is None else start
    if any(isinstance(each, Direction) for each in units):
        signal = _only_directions(units, signal_asked)
    start = start or 0
    number = choose_precision(precision or "float32", network.device)
    watched = watch(network, passage.ids, units, signal, start, start + length, guesses, number)
    first = units[0]
    about = known_units.of_unit(known, first, signal) if len(units) == 1 and isinstance(first, Unit) else None
    return Shown(passage, tuple(units), signal, start, watched, network.config, vocabulary, about, name_of(number))


def _only_directions(units: Sequence[Unit | Direction], signal: str | None) -> str:
    """Return the signal that directions are of; raises ConfigError for units among them, or another signal."""
    if not all(isinstance(each, Direction) for each in units):
        raise ConfigError("units and directions have different scales", "show them one after the other")
    if signal not in (None, "h"):
        raise ConfigError(f"a direction is one of h, and the signal is {signal}", "leave --signal out")
    return "h"


def _best_unit(
    network: CharRNN,
    passage: Passage,
    feature: str,
    signal: str,
    length: int,
    precision: str | None,
    feedback: Feedback,
) -> tuple[Unit, int]:
    """The unit that follows a feature best, and where a stretch begins that it was not chosen on and that tells."""
    wanted = feature_named(feature)
    check_signals([signal], network.config)
    text, ids, before = passage.text[:SCANNED], passage.ids[:SCANNED], passage.before
    number = choose_precision(precision, network.device)
    with (
        feedback.bar(len(ids), "recording") as bar,
        recorded_columns(network, ids, [signal], number, bar.update) as columns,
    ):
        bar.close()
        found = best_unit(columns, text, wanted, before)
    half = len(text) // 2
    feedback.note(
        f"unit {found.unit} follows {feature} best: {found.metric} {found.score:.3f} over {len(text) - half:,} "
        f"characters, chosen on the {half:,} before them"
    )
    return found.unit, telling_passage(text, wanted, length, half, before)

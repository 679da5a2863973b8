"""One offline page in which every unit can be looked at, over a passage and over whatever is typed into it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from charrnn.api.find import features_wanted, search_units
from charrnn.api.limits import SHORTEST_SEARCH, SPREAD
from charrnn.api.passage import Passage
from charrnn.api.result import Result
from charrnn.display.explorer import ENCODING, KNOWN, MOST, Explorer, Network, Ranked, html
from charrnn.display.packing import DEFLATE15, packed
from charrnn.errors import CheckpointError, ConfigError, counted
from charrnn.feedback import SILENT, Feedback
from charrnn.files import replacing
from charrnn.model import exchange
from charrnn.model.cells import gate_names
from charrnn.model.checkpoint import Checkpoint
from charrnn.model.config import ModelConfig
from charrnn.model.devices import choose_precision, name_of
from charrnn.model.known import KnownUnit
from charrnn.model.network import CharRNN
from charrnn.model.units import Unit
from charrnn.neurons.features import Feature
from charrnn.neurons.finding import Finding
from charrnn.neurons.measures import strength_of
from charrnn.neurons.passages import as_lines, telling_passage
from charrnn.neurons.recording import guesses, record, state_before, surprisals
from charrnn.neurons.signal_names import default_signal, is_bounded, shown_signal
from charrnn.neurons.stretches import REPORT, Stretches
from charrnn.neurons.tasks import TrainingText
from charrnn.text.vocabulary import Vocabulary

SENTENCE = 160  # characters, at most, of a piece of text in which a feature shows


@dataclass(frozen=True)
class Explored(Result):
    """The page, and what it opens with."""

    passage: Passage
    start: int  # where the page's passage begins, and
    end: int  # ends, in characters of `passage`
    unit: Unit
    findings: tuple[Finding, ...]  # the surest first
    drawn: Explorer
    precision: str  # in which units were recorded to rank the features: float32 or bfloat16

    def to_dict(self) -> dict[str, Any]:
        """Return what the page opens with, as JSON has it; the values are on the page, and in what `dump` writes."""
        features = [each.to_dict() for each in self.findings]
        place = {"start": self.start, "end": self.end, "unit": str(self.unit), "precision": self.precision}
        return {**self.passage.origin(), **place, "features": features}

    def __str__(self) -> str:
        where = f"characters {self.start:,} to {self.end:,} of {counted(len(self.passage), 'character')}"
        return f"a page of {where}, which opens at unit {self.unit} ({len(self.content) / 1e6:.1f} MB)"

    @cached_property
    def page(self) -> str:
        """The page, as HTML."""
        return html(self.drawn)

    @cached_property
    def content(self) -> bytes:
        """The page as the bytes of its file."""
        return self.page.encode(ENCODING)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page.

        Raises:
            OSError: the file cannot be written.
        """
        with replacing(Path(path)) as temporary:
            temporary.write_bytes(self.content)


def explore(
    network: CharRNN,
    vocabulary: Vocabulary,
    passage: Passage,
    *,
    start: int | None = None,
    length: int = 4000,
    characters: int = 60_000,
    unit: str | None = None,
    checkpoint: Checkpoint | None = None,
    training: Passage | None = None,
    known: Sequence[KnownUnit] = (),
    precision: str | None = None,
    feedback: Feedback = SILENT,
) -> Explored:
    """Make a page to play with.

    Args:
        network: whose units are shown.
        vocabulary: its characters.
        passage: the text.
        start: where what is shown begins; None: a line of a stretch on which scores were measured.
        length: how many characters are shown.
        characters: how many are read to rank the features, as `find` does.
        unit: at which the page opens, such as "0:42"; None: the best single one, else the best known one.
        checkpoint: the network's, where the page carries it and runs it; None: the page shows what was recorded.
        training: text that the model was trained on, as `find` takes it.
        known: units that are ranked where the text is too short to measure any on.
        precision: float32 or bfloat16, in which units are recorded; None: the passage shown in float32, and what ranks
            the features as `choose_precision` has it.
        feedback: where notes and counts go.

    Raises:
        ConfigError: there is no such unit, the text is too short, or the page would have too many values.
    """
    opens = Unit.parse(unit, network.config) if unit else None
    ids = passage.ids
    check_room(network.config, length)
    if len(ids) < 2:
        raise ConfigError(f"the text has {counted(len(ids), 'character')} that the model knows", "give a longer text")
    searched = replace(passage, text=passage.text[: SPREAD * characters], ids=ids[: SPREAD * characters])
    over = Stretches.over(len(searched), characters)
    begins = _line_after(searched.text, over.starts[REPORT], length) if start is None else start
    if begins >= len(ids):
        raise ConfigError(f"the text has {len(ids):,} characters, none from {begins:,} on", "choose a lower --start")
    ranking = name_of(choose_precision(precision, network.device))
    findings, features = _ranked(network, searched, over, ranking, training, feedback)
    sentences = {each.name: _sentence(searched, each) for each in features} if checkpoint else {}
    ranked = [_in_the_list(each, sentences.get(each.feature, "")) for each in findings] or _as_known(known, network)
    opens = opens or (Unit(ranked[0].layer, ranked[0].index) if ranked else Unit(0, 0))
    shown = choose_precision(precision or "float32", network.device)
    drawn = _explorer(network, vocabulary, passage, begins, length, ranked, opens, shown)
    if checkpoint:
        carried = Network(_document(checkpoint), state_before(network, ids, begins))
        drawn = replace(drawn, network=carried)
    return Explored(passage, begins, begins + len(drawn.text), opens, tuple(findings), drawn, ranking)


def _document(checkpoint: Checkpoint) -> dict[str, Any]:
    """The model as a page holds it: in 8 bits where it is stored so, else in half precision where that can hold it."""
    if checkpoint.number == "int8":
        return exchange.document(checkpoint, None, DEFLATE15, packed)
    try:
        return exchange.document(checkpoint, "float16", DEFLATE15, packed)
    except CheckpointError:
        return exchange.document(checkpoint, "float32", DEFLATE15, packed)


def _sentence(passage: Passage, feature: Feature) -> str:
    """Whole words from where a line begins, in which a feature shows."""
    start = telling_passage(passage.text, feature, SENTENCE, before=passage.before)
    piece = as_lines(passage.text[start : start + SENTENCE])
    return piece[: max(piece.rfind(" "), piece.rfind("\n"))].rstrip() or piece


def check_room(config: ModelConfig, length: int) -> None:
    """Raise ConfigError where a page of so many characters would have too many values."""
    units = config.num_layers * config.hidden_size
    if units * length > MOST:
        room = f"a page of {units:,} units has room for {MOST // units:,} characters"
        raise ConfigError(room, f"give --length {MOST // units} or less")


def _ranked(
    network: CharRNN,
    passage: Passage,
    over: Stretches,
    precision: str,
    training: Passage | None,
    feedback: Feedback,
) -> tuple[list[Finding], list[Feature]]:
    """What `find` finds, the surest first, and what it looked for; nothing where the text is too short to say."""
    if len(passage) < SHORTEST_SEARCH:
        least = f"that takes {SHORTEST_SEARCH:,} characters"
        feedback.note(f"the text is too short to rank features over: {least}")
        return [], []
    wanted, _ = features_wanted(passage.text, (), (), None, feedback)
    signals = [default_signal(network.config)]
    learned = TrainingText(training.ids, training.text) if training else None
    found = search_units(
        network, passage.ids, passage.text, passage.before, wanted, signals, 0, feedback, over, precision, learned
    )
    known = (each for each in found if not isinstance(each, str))
    return sorted(known, key=lambda each: (each.verdict != "single unit", -each.gain)), wanted


def _line_after(text: str, place: int, length: int) -> int:
    """Where a line begins after a place, if the passage still fits there."""
    last = max(0, len(text) - length)
    middle = min(place, last)
    ends = (as_lines(text[middle:last]).find(end) for end in "\n ")  # a line, or where there is none, a word
    return middle + next((end + 1 for end in ends if end >= 0), 0)


def _explorer(
    network: CharRNN,
    vocabulary: Vocabulary,
    passage: Passage,
    start: int,
    length: int,
    ranked: Sequence[Ranked],
    opens: Unit,
    precision: torch.dtype,
) -> Explorer:
    config, ids = network.config, passage.ids
    signal, gates = default_signal(config), gate_names(config)
    recording = record(network, ids, [signal, *gates], start, start + length, precision=precision)
    values = recording.signals[signal]
    stop = start + len(recording.ids)
    return Explorer(
        title=passage.model,
        scale=shown_signal(config, signal),
        source=f"{_named(passage)}, {vocabulary.noun}s {start:,} to {stop:,} of {len(ids):,}",
        text=vocabulary.pieces(recording.ids),
        values=values if is_bounded(config, signal) else np.tanh(values),
        gates={name: recording.signals[name] for name in gates},
        signed=("g", "n"),
        surprisal=_predicted(surprisals(network, ids, start, stop), start),
        guesses=list(guesses(recording, vocabulary)),
        ranked=ranked,
        opens=(opens.layer, opens.index),
    )


def _predicted(nats: npt.NDArray[Any], start: int) -> npt.NDArray[Any]:
    """Surprisals [T] of a passage, but NaN for the first character of a text, which nothing predicts."""
    return nats if start else np.concatenate([[np.nan], nats[1:]])


def _named(passage: Passage) -> str:
    return passage.title or "a text"


def _in_the_list(finding: Finding, sentence: str) -> Ranked:
    scores = (finding.score, finding.surface_score, finding.layer_score)
    chosen = (finding.sign, finding.q_value, finding.named)
    unit, curve = finding.unit, _shares(finding)
    return Ranked(finding.feature, unit.layer, unit.index, finding.metric, *scores, *chosen, sentence, curve)


def _shares(finding: Finding) -> list[tuple[int, float]]:
    """By number of units, the share of the layer's strength that they have; nothing where nothing follows it."""
    binary = finding.kind == "binary"
    whole = strength_of(finding.layer_score, binary)
    if finding.verdict == "not found" or whole <= 0:
        return []
    return [(point.units, strength_of(point.score, binary) / whole) for point in finding.curve]


def _as_known(known: Sequence[KnownUnit], network: CharRNN) -> list[Ranked]:
    """The known units of the signal that the page shows, the surest first, as they stand in the list."""
    shown = [each for each in known if each.signal == default_signal(network.config)]
    units = [Unit.parse(each.unit, network.config) for each in shown]
    ranked = [
        Ranked(each.feature, unit.layer, unit.index, each.metric, each.score, None, None, each.sign, None, KNOWN)
        for each, unit in zip(shown, units, strict=True)
    ]
    return sorted(ranked, key=lambda each: -each.score)

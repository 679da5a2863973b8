"""Which unit follows a feature, how surely, and whether it is one unit at all."""

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.api.drawing import Plot
from charrnn.api.limits import SHORTEST_SEARCH
from charrnn.api.passage import Passage, check_length
from charrnn.api.result import Result
from charrnn.display import findings as shown
from charrnn.display import needed
from charrnn.errors import ConfigError, counted
from charrnn.feedback import SILENT, Feedback
from charrnn.model.config import ModelConfig
from charrnn.model.devices import choose_precision, name_of
from charrnn.model.directions import save as save_directions
from charrnn.model.known import KnownUnit
from charrnn.model.network import CharRNN
from charrnn.neurons.columns import recorded_columns
from charrnn.neurons.controls import CHARACTERS, Untrained, untrained_strengths
from charrnn.neurons.features import Feature
from charrnn.neurons.features.registry import feature_named, features_for, own_feature
from charrnn.neurons.features.text_kind import text_kind as kind_of
from charrnn.neurons.finding import Finding
from charrnn.neurons.search import search
from charrnn.neurons.signal_names import check_signals, default_signal
from charrnn.neurons.stretches import DISCOVER, REPORT, Stretches
from charrnn.neurons.tasks import Task, TrainingText, unchanging


@dataclass(frozen=True)
class Findings(Plot):
    """What was found of each feature."""

    passage: Passage
    findings: tuple[Finding, ...]
    skipped: tuple[str, ...]  # features that hardly change over the text
    text_kind: str
    signals: tuple[str, ...]  # that were searched
    precision: str  # of the recording: float32 or bfloat16
    over: Stretches  # of the passage that were read
    training: int = 0  # characters of the training text that predictors without a network were fitted on as well

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        start, over = self.passage.start, self.over
        discover, report = ({"start": start + a, "end": start + b} for a, b in map(over.span, (DISCOVER, REPORT)))
        stretches = [
            {"start": start + begin, "end": start + end, "half": ("discover", "report")[number % 2]}
            for number, (begin, end) in enumerate(zip(over.starts, over.stops, strict=True))
        ]
        return {
            **self.passage.origin(),
            "text_kind": self.text_kind,
            "signals": list(self.signals),
            "precision": self.precision,
            "training_characters": self.training,
            "discover": discover,
            "report": report,
            "stretches": stretches,
            "skipped": list(self.skipped),
            "features": [each.to_dict() for each in self.findings],
        }

    def __str__(self) -> str:
        return shown.text(self.to_dict())

    def plot(self, path: Path, form: str) -> None:
        """Draw how many units have how much of their layer's score."""
        needed.draw(self.to_dict(), path, form)

    @property
    def best(self) -> Finding | None:
        """The single unit that is most above what the last characters alone tell, if there is one."""
        return max(self._single, key=lambda each: each.gain, default=None)

    @property
    def known_units(self) -> list[KnownUnit]:
        """The single units, as a model's file keeps them."""
        where = (" ".join(map(os.path.basename, self.passage.source)), self.passage.part)
        return [
            KnownUnit(f.feature, str(f.unit), f.signal, -1 if f.sign < 0 else 1, f.metric, f.score, *where)
            for f in self._single
        ]

    @property
    def _single(self) -> list[Finding]:
        return [each for each in self.findings if each.verdict == "single unit"]


@dataclass(frozen=True)
class KnownFindings(Result):
    """What a model's file says of its units, where a text is too short to measure any on."""

    passage: Passage
    known_units: tuple[KnownUnit, ...]  # the surest first

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it: nothing was measured."""
        known = [asdict(each) for each in self.known_units]
        return self.passage.origin() | {"features": [], "known_units": known}

    def __str__(self) -> str:
        return shown.known(self.to_dict())


def find(
    network: CharRNN,
    passage: Passage,
    *,
    feature: Sequence[str] = (),
    regex: Sequence[str] = (),
    text_kind: str | None = None,
    signals: Sequence[str] | None = None,
    characters: int | None = None,
    precision: str | None = None,
    seed: int = 0,
    training: Passage | None = None,
    directions: str | os.PathLike[str] | None = None,
    known: Sequence[KnownUnit] = (),
    feedback: Feedback = SILENT,
) -> Findings | KnownFindings:
    """Find the unit that follows each feature of a text best: chosen on one half of it, measured on the other.

    Args:
        network: whose units are searched.
        passage: at least SHORTEST_SEARCH characters; of fewer, the known units are told.
        feature: names of features; none: all that fit the kind of text.
        regex: features as NAME=PATTERN, what a regular expression matches.
        text_kind: prose, play, c, python or markup; None: as the text looks.
        signals: such as h, tanh_c or a gate; None: h and, for LSTMs, tanh_c.
        characters: how many are read, in stretches from all over the passage; None: all.
        precision: float32 or bfloat16, in which units are recorded; None: as `choose_precision` has it.
        seed: of the intervals.
        training: text that the model was trained on, on which predictors that ask no network are fitted as well.
        directions: a file to write the directions to that probes read from the layers' hidden states.
        known: what units of the model were found to follow.
        feedback: where notes and counts go.

    Raises:
        ConfigError: the text is too short, a feature or signal is none, or no feature changes enough.
    """
    if len(passage) < SHORTEST_SEARCH:
        return _known(passage, [] if "all" in feature else feature, regex, known, feedback)
    wanted, kind = features_wanted(passage.text, feature, regex, text_kind, feedback)
    searched = signals_wanted(signals, network.config)
    if directions and "h" not in searched:
        raise ConfigError(f"directions are of h, and the signals are {', '.join(searched)}", "add h to --signals")
    over = Stretches.over(len(passage), characters)
    kept = name_of(choose_precision(precision, network.device))
    learned = TrainingText(training.ids, training.text) if training else None
    found = search_units(
        network,
        passage.ids,
        passage.text,
        passage.before,
        wanted,
        searched,
        seed,
        feedback,
        over,
        kept,
        learned,
        directions is not None,
    )
    skipped = tuple(each for each in found if isinstance(each, str))
    findings = tuple(each for each in found if not isinstance(each, str))
    if len(wanted) == 1 and not findings:
        raise unchanging(wanted[0], passage.text, passage.before, over)
    if not findings:
        whole = counted(len(over.places), "character")
        raise ConfigError(f"none of {', '.join(skipped)} changes enough over {whole}", "give a longer text")
    if directions:
        name = " ".join(map(os.path.basename, passage.source))
        read = [replace(each.direction, text=name) for each in findings if each.direction]
        save_directions(Path(directions), read, network.weights())
    fitted = len(training) if training else 0
    return Findings(passage, findings, skipped, kind, tuple(searched), kept, over, fitted)


def _known(
    passage: Passage, feature: Sequence[str], regex: Sequence[str], known: Sequence[KnownUnit], feedback: Feedback
) -> KnownFindings:
    """The known units, or those of some features; ConfigError where one is not known."""
    asked = [each for each in known if not feature or each.feature in feature]
    missing = set(feature) - {each.feature for each in asked}
    if regex or missing or not asked:
        check_length(passage.text)
    feedback.note(
        f"{counted(len(passage), 'character')} are too few to measure units on, which takes {SHORTEST_SEARCH:,}: "
        "these are the units that the model's file names"
    )
    return KnownFindings(passage, tuple(sorted(asked, key=lambda each: -abs(each.score))))


def search_units(
    network: CharRNN,
    ids: npt.NDArray[np.integer],
    text: str,
    before: str,
    wanted: Sequence[Feature],
    signals: Sequence[str],
    seed: int,
    feedback: Feedback,
    over: Stretches | None = None,
    precision: str | None = None,
    training: TrainingText | None = None,
    directions: bool = False,
) -> list[Finding | str]:
    """Record a text, ids [T], or stretches of it, and search for features beside all controls.

    Returns:
        What was found of each, or the name of one that hardly changes.
    """
    over = over or Stretches.over(len(ids))
    number_format = choose_precision(precision, network.device)

    def untrained(tasks: Sequence[Task]) -> Mapping[str, Untrained]:
        with feedback.bar(len(over.thinned(CHARACTERS).places), "recording an untrained network") as bar:
            return untrained_strengths(network, ids, tasks, signals, over, number_format, bar.update)

    with (
        feedback.bar(len(over.places), "recording") as bar,
        recorded_columns(network, over.of(ids), signals, number_format, bar.update) as columns,
    ):
        bar.close()
        with ExitStack() as stack:  # the bar appears with the first feature: two at once would move a terminal's cursor
            searching = cache(lambda: stack.enter_context(feedback.bar(len(wanted), "searching", "feature")))

            def on_feature(count: int) -> None:
                searching().update(count)

            return search(
                columns, over.of(ids), text, wanted, before, seed, on_feature, over, untrained, training, directions
            )


def features_wanted(
    text: str, names: Sequence[str], regexes: Sequence[str], text_kind: str | None, feedback: Feedback = SILENT
) -> tuple[list[Feature], str]:
    """Return the features asked for, each once, and the kind of text.

    Raises:
        ConfigError: there is no such feature, or two of one name.
    """
    kind = text_kind or kind_of(text)
    asked = [feature_named(name) for name in dict.fromkeys(names) if name != "all"]
    asked += [own_feature(definition) for definition in dict.fromkeys(regexes)]
    twice = next((each.name for each in asked if sum(each.name == other.name for other in asked) > 1), None)
    if twice:
        raise ConfigError(f"{twice} has two definitions", "give each a name of its own")
    everything = "all" in names or not (names or regexes)
    if everything:
        feedback.note(f"the features for {kind} are tried" + ("" if text_kind else " (--text-kind chooses others)"))
    fitting = features_for(kind) if everything else []
    return list({feature.name: feature for feature in (*fitting, *asked)}.values()), kind


def signals_wanted(names: Sequence[str] | None, config: ModelConfig) -> list[str]:
    """Return the signals asked for, each once; None: h and, for LSTMs, tanh_c.

    Raises:
        ConfigError: a cell has no such signal.
    """
    signals = list(dict.fromkeys(["h", default_signal(config)] if names is None else names))
    check_signals(signals, config)
    return signals

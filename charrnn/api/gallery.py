"""What a model's best units follow, each on a passage worth reading, with the figures that support it."""

import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from charrnn.api.drawing import note_missing
from charrnn.api.exhibits import About, Excerpt, Shown, rank
from charrnn.api.find import search_units, signals_wanted
from charrnn.api.gallery_text import GalleryText, text_for
from charrnn.api.limits import CONTEXT, TRAINING
from charrnn.api.passage import UNSEEN, encode
from charrnn.api.result import Result, json_text, write
from charrnn.display import gallery as page_of
from charrnn.display import page, picture
from charrnn.display.findings import Q_VALUE
from charrnn.feedback import SILENT, Feedback
from charrnn.files import make_folder, replacing
from charrnn.model.devices import choose_precision, name_of
from charrnn.neurons.features import Feature
from charrnn.neurons.features.text_kind import text_kind
from charrnn.neurons.finding import Finding
from charrnn.neurons.gallery import Exhibit, changes, cost, exhibits
from charrnn.neurons.passages import telling_passage, whole_lines
from charrnn.neurons.recording import watch
from charrnn.neurons.signal_names import is_bounded, shown_signal
from charrnn.neurons.tasks import TrainingText
from charrnn.text.reading import DEFAULT, Reading

if TYPE_CHECKING:
    from charrnn.api.model import Model

PAGE, FIGURES = "index.html", "gallery.json"


@dataclass(frozen=True)
class Gallery(Result):
    """What was found of each theme, with its passages and figures."""

    about: About
    shown: tuple[Shown, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self.about) | {"features": [each.to_dict() for each in self.shown]}

    def __str__(self) -> str:
        return "\n".join(
            [
                f"{'':17} {'unit':>5} {'score (95 %)':18} last 5 layer   q {'cost':>8} verdict",
                *(each.row() for each in self.shown),
                "\nCost: of holding the unit, in nats per character, where its feature is on (of a",
                "count: everywhere); with *, more than of holding any of some random units.",
                Q_VALUE,
            ]
        )

    @cached_property
    def page(self) -> str:
        """The page, as HTML; it refers to the pictures that `save` puts beside it."""
        about = self.about
        of = f"{about.source}, {about.characters:,} characters" + (
            f" of its {about.part} part" if about.part in ("train", "val", "test") else ""
        )
        lines = [
            f"Over {of}. Units were chosen on one half of them, in stretches; every figure is from the other.",
            "Blue is −1, red +1. ↵ is a newline, ⇥ a tab. Point at a character for its value.",
        ]
        cards = [each.card(about) for each in self.shown]
        return page_of.html(f"What single units of {about.model} follow", lines, cards)

    def _repr_html_(self) -> str:
        return page.frame(self.page, 800)

    def save(self, path: str | os.PathLike[str], feedback: Feedback = SILENT) -> None:
        """Write a folder with the page, the pictures and all figures; pictures of an earlier gallery there are removed.

        Raises:
            OSError: a file cannot be written.
        """
        folder, missing = Path(path), set[str]()
        make_folder(folder)
        self._sweep(folder)
        for each in self.shown:
            for highlight, stem in each.pictures(self.about):
                write(folder / f"{stem}.svg", page.svg(highlight))
                with replacing(folder / f"{stem}.png") as temporary:
                    missing |= picture.draw(highlight, temporary)
        note_missing(missing, feedback)
        write(folder / FIGURES, json_text(self.to_dict(), indent=1) + "\n")
        write(folder / PAGE, self.page)  # last, as it refers to the others

    def _sweep(self, folder: Path) -> None:
        """Remove the pictures of an earlier gallery that this one does not have."""
        for each in self.shown:
            name = each.exhibit.theme.name
            for path in (*folder.glob(f"{name}.*"), *folder.glob(f"{name}-*")):
                number = path.stem.removeprefix(name)
                ours = path.suffix in (".svg", ".png") and (not number or number[1:].isdecimal())
                if ours and path.stem not in each.stems:
                    path.unlink()


def gallery(
    model: "Model",
    sources: Sequence[str] = (),
    *,
    passage: Sequence[str] = (),
    length: int = 600,
    characters: int = 60_000,
    signals: Sequence[str] | None = None,
    ablated: int = 4_000,
    seed: int = 0,
    part: str | None = None,
    reading: Reading = DEFAULT,
    precision: str | None = None,
    feedback: Feedback = SILENT,
) -> Gallery:
    """Find the unit that follows each theme of the 2015 study, what it costs to hold it, and passages that show it.

    Args:
        model: whose units are shown.
        sources: the text; none: the model's own where it is here, or else one that the model writes.
        passage: words of passages to show, for features that change in them; none: for each feature one that tells.
        length: of a passage, at most, in characters.
        characters: how many are read: half to choose units on, half to measure on.
        signals: such as h, tanh_c or a gate; None: h and, for LSTMs, tanh_c.
        ablated: characters that are scored with each unit held at its mean.
        seed: of all that is drawn.
        part: all, train, val or test; None: of the model's own text one that it was not trained on, else all.
        reading: how bytes become characters.
        precision: float32 or bfloat16, in which units are recorded; None: as `choose_precision` has it.
        feedback: where notes and counts go.

    Raises:
        ConfigError: the text is too short, has no such passage, or the cell has no such signal.
    """
    searched, checkpoint = signals_wanted(signals, model.config), model.checkpoint
    text = text_for(model, sources, part, reading, characters, seed, feedback)
    ids = encode(checkpoint, text.whole, feedback)
    text = replace(text, characters=checkpoint.vocabulary.decode_folded(ids[len(text.before) :]))
    places = [text.place(checkpoint.vocabulary.folded(words)) for words in passage]
    read, kind = ids[len(text.before) :][:characters], text_kind(text.characters)
    number = name_of(choose_precision(precision, model.network.device))
    about = About(model.name, text.source, text.part, kind, len(read), searched, ablated, seed, number)
    curator = _Curator(model, text, ids, read, about, feedback)
    shown = curator.with_costs(curator.found())
    return Gallery(about, tuple(curator.with_excerpts(each, places, length) for each in sorted(shown, key=rank)))


@dataclass(frozen=True)
class _Curator:
    model: "Model"
    text: GalleryText
    ids: npt.NDArray[np.integer]  # of the whole text
    read: npt.NDArray[np.integer]  # of what is measured
    about: About
    feedback: Feedback

    @property
    def characters(self) -> str:
        """Those that are measured."""
        return self.text.characters[: len(self.read)]

    @property
    def training(self) -> TrainingText | None:
        """The end of what the model was trained on, where the text is another part of the same."""
        if self.text.part not in UNSEEN:
            return None
        end = self.text.split["train"]
        ids = self.ids[max(0, end - TRAINING) : end]
        return TrainingText(ids, self.model.vocabulary.decode_folded(ids))

    def found(self) -> list[Exhibit]:
        """Look for the unit that follows each theme."""
        network, kind, context, seed = self.model.network, self.about.text_kind, self.text.context, self.about.seed

        def search(wanted: Sequence[Feature]) -> list[Finding | str]:
            asked = (self.read, self.characters, context, wanted, self.about.signals, seed, self.feedback)
            return search_units(network, *asked, precision=self.about.precision, training=self.training)

        return exhibits(kind, search)

    def with_costs(self, found: list[Exhibit]) -> list[Shown]:
        """Measure what it costs to hold the units that were found."""
        network, about, context = self.model.network, self.about, self.text.context
        half, count = len(self.read) - len(self.read) // 2, sum(exhibit.found for exhibit in found)
        shown = []
        with self.feedback.bar(count * (min(about.ablated, half) - 1), "ablating") as bar:
            for each in found:
                signal = shown_signal(network.config, each.finding.signal) if each.finding else ""
                measured = (about.ablated, context, about.seed, bar.update)
                price = cost(network, self.read, self.characters, each, *measured) if each.found else None
                shown.append(Shown(each, signal, price))
        return shown

    def with_excerpts(self, shown: Shown, places: list[int], length: int) -> Shown:
        """Add the passages asked for in which the feature changes; where there are none, one that shows it best."""
        exhibit, text, whole = shown.exhibit, self.text, self.text.whole
        if exhibit.feature is None or not exhibit.found:
            return shown
        chosen = [
            place
            for place in places
            if changes(exhibit, whole[place : place + length], whole[max(0, place - CONTEXT) : place])
        ]
        if not chosen:
            half = len(text.characters) // 2
            chosen = [len(text.before) + telling_passage(text.characters, exhibit.feature, length, half, text.context)]
        lengths = [len(whole_lines(whole[place : place + length + 1], length)) for place in chosen]
        return replace(shown, excerpts=[self._excerpt(exhibit, *each) for each in zip(chosen, lengths, strict=True)])

    def _excerpt(self, exhibit: Exhibit, start: int, length: int) -> Excerpt:
        """Record a finding's unit over a passage of the whole text."""
        finding, network = exhibit.finding, self.model.network
        if finding is None:
            raise ValueError("there is no unit to show")
        watched = watch(network, self.ids, [finding.unit], finding.signal, start, start + length, 1)
        values = watched.values[0].tolist()
        values = values if is_bounded(network.config, finding.signal) else [math.tanh(value) for value in values]
        text = self.model.vocabulary.decode_folded(watched.ids)
        return Excerpt(start, text, values, self.text.part_at(start))

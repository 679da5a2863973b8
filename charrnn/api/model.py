"""Model: a trained model, and all that can be done with it; its methods are named as the commands are."""

import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from charrnn import api
from charrnn.api.passage import Extract, Passage, as_read, passage_of, read_extract, read_passage
from charrnn.errors import ConfigError, counted
from charrnn.feedback import SILENT, Feedback
from charrnn.model import known
from charrnn.model.checkpoint import Checkpoint, Figures, locate, save
from charrnn.model.checkpoint import load as load_checkpoint
from charrnn.model.classes import without_classes
from charrnn.model.config import ModelConfig
from charrnn.model.storage import NumberFormat
from charrnn.sampling.distribution import SamplingConfig
from charrnn.text.reading import DEFAULT, Reading
from charrnn.text.vocabulary import END, Vocabulary

if TYPE_CHECKING:  # all that imports torch: a model writes without it
    from charrnn.api.ablate import Cost
    from charrnn.api.dump import Dumped
    from charrnn.api.explore import Explored
    from charrnn.api.export import Exported
    from charrnn.api.find import Findings, KnownFindings
    from charrnn.api.gallery import Gallery
    from charrnn.api.gates import Gates
    from charrnn.api.gradients import Gradients
    from charrnn.api.grep import Alike
    from charrnn.api.highlight import Coloured
    from charrnn.api.info import Info
    from charrnn.api.items import SampledItems
    from charrnn.api.match import Matches
    from charrnn.api.sample import Texts
    from charrnn.api.score import Scored
    from charrnn.api.score_items import ItemScores
    from charrnn.api.show import Shown
    from charrnn.api.steer import Steered
    from charrnn.api.trace import Trace
    from charrnn.model.network import CharRNN
    from charrnn.neurons.recording import Recording

_ALWAYS_THERE = ("auto", "cpu")


def load(model: str | os.PathLike[str], device: str = "auto") -> "Model":
    """Load what MODEL means on the command line: a checkpoint file, or a run folder (its best).

    Raises:
        CheckpointError: there is no such checkpoint, or it is damaged.
        DeviceError: there is no such device.
    """
    name = os.fspath(model)
    checkpoint = load_checkpoint(locate(name))
    if device not in _ALWAYS_THERE:
        api.devices.check(device)
    return Model(checkpoint, name, device)


class Model:
    """A trained model. Its methods are named as the commands are, and their arguments as the options.

    Where a method takes a passage, a string serves too; `read` makes a passage of files and named corpora.
    """

    def __init__(self, checkpoint: Checkpoint, name: str = "", device: str = "auto") -> None:
        self.checkpoint, self.name = checkpoint, name
        self._device = device
        self.build: Callable[[Checkpoint, str], CharRNN] | None = None  # a command's, which times its threads

    @property
    def config(self) -> ModelConfig:
        """The sizes and kind of the network."""
        return self.checkpoint.config

    @property
    def vocabulary(self) -> Vocabulary:
        """The characters that it knows."""
        return self.checkpoint.vocabulary

    @property
    def figures(self) -> Figures:
        """Where in its training it stands, and its losses then."""
        return self.checkpoint.header.figures

    @cached_property
    def network(self) -> "CharRNN":
        """The network in torch, on the device that was asked for; one of items begins each anew.

        Raises:
            ConfigError: the items of the model have classes.
        """
        network = (self.build or api.devices.network)(without_classes(self.checkpoint), self._device)
        network.end = self.vocabulary.end
        return network

    def info(self) -> "Info":
        """Return what it is and what it was trained on."""
        return api.info.info(self.checkpoint, self.name)

    def extract(
        self,
        *sources: str,
        part: str | None = "all",
        reading: Reading = DEFAULT,
        feedback: Feedback = SILENT,
    ) -> Extract:
        """Read a text with all its characters, to be scored: those too that it does not know; otherwise as `read`."""
        return read_extract(self.checkpoint, sources, part, reading, feedback)

    def score(
        self,
        text: str | Extract,
        *,
        against: Sequence["str | Model"] = (),
        baseline: bool = False,
        dynamic: bool = False,
        start: int = 0,
        length: int = 5000,
        feedback: Feedback = SILENT,
    ) -> "Scored":
        """Measure how well it predicts a text of at least two characters: nats for each, and their mean.

        `against` are other models, of which it is told which one the text is most like. Arguments and errors as of
        `api.score.score`.
        """
        if not isinstance(text, Extract):
            check_text(text)
            text = Extract(as_read(self.checkpoint, text))
        models = {self.name: self}
        for other in against:
            loaded = other if isinstance(other, Model) else load(other, self._device)
            loaded.build = loaded.build or self.build
            models.setdefault(loaded.name, loaded)
        scorers = {name: (model.checkpoint, model.network) for name, model in models.items()}
        return api.score.score(
            scorers, text, baseline=baseline, dynamic=dynamic, start=start, length=length, feedback=feedback
        )

    def score_items(
        self,
        *sources: str,
        each: str | None = None,
        part: str = "all",
        label: str | None = None,
        by_label: bool = False,
        sort: Literal["text", "surprise"] = "text",
        with_nats: bool = False,
        reading: Reading | None = None,
        feedback: Feedback = SILENT,
    ) -> "ItemScores":
        """Measure how well a model of items predicts each; arguments and errors as of `api.score_items.score_items`."""
        build = self.build or api.devices.network
        return api.score_items.score_items(
            self.checkpoint,
            sources,
            lambda checkpoint: build(checkpoint, self._device),
            each=each,
            part=part,
            label=label,
            by_label=by_label,
            sort=sort,
            with_nats=with_nats,
            reading=reading,
            feedback=feedback,
        )

    def sample_items(
        self,
        count: int = 1,
        *,
        length: int = 1000,
        prime: str = "",
        new: bool = False,
        distinct: bool = False,
        label: str | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        clamp: str | Sequence[str] = (),
        text: Sequence[str] = (),
        nearest: bool = False,
        seed: int | None = None,
        feedback: Feedback = SILENT,
    ) -> "SampledItems":
        """Draw items from a model of items, on the CPU; iterate over them once. Errors as of `api.items.sample`.

        `new` keeps those alone that are not in the text that was learned, `distinct` none twice. `text` are the sources
        of that text, where the run's folder is not at hand, or to tell the `nearest` item.
        """
        check_text(prime)
        return api.items.sample(
            self.checkpoint,
            self.name,
            api.items.Choice(count, new, distinct),
            length,
            prime,
            secrets.randbits(32) if seed is None else seed,
            SamplingConfig(temperature, top_k, top_p, min_p),
            [known.clamp(self.checkpoint.header.known_units, one, self.config) for one in _several(clamp)],
            label,
            text,
            nearest,
            feedback,
        )

    def sample(
        self,
        length: int = 1000,
        *,
        prime: str = "",
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        stop: str | Sequence[str] = (),
        clamp: str | Sequence[str] = (),
        seed: int | None = None,
    ) -> Iterator[str]:
        """Yield the characters of a text as they are drawn, on the CPU; the same seed draws what `charrnn sample` does.

        `clamp` holds units, such as "0:42=0.9".

        Raises:
            VocabularyError: the prime has characters that the model does not know.
            ConfigError: a setting is out of its range, or a unit is none.
        """
        check_text(prime)
        (text,) = self.write(
            length=length,
            prime=prime,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            min_p=min_p,
            stop=_several(stop),
            clamp=_several(clamp),
            seed=seed,
            device="cpu",
        )
        return (one.character for one in text.characters)

    def write(self, *, prime: str | Sequence[str] = "", device: str | None = None, **options: Any) -> "Texts":
        """Write one text or several, with all the settings of `charrnn sample`; arguments as of `api.sample.write`."""
        self._refuse_items()
        prime = _several(prime)
        return api.sample.write(self.checkpoint, self.name, prime=prime, device=device or self._device, **options)

    def record(self, text: str, signals: Sequence[str] | None = None, guesses: int = 5) -> "Recording":
        """Record every unit at every character of a text, [L, T, H] for each signal, and the likeliest next characters.

        Raises:
            VocabularyError: the text has characters that the model does not know, or none at all.
            ConfigError: the cell has no such signal.
        """
        check_text(text)
        return api.highlight.record(self.network, self.vocabulary, as_read(self.checkpoint, text), signals, guesses)

    def highlight(self, text: str, color: str = "surprisal", guesses: int = 5) -> "Coloured":
        """Colour a text by how unexpected each character was, or by a unit such as "0:42" or a known one's name.

        A notebook shows the highlight in colour; str() gives it with marks for the colours.

        Raises:
            VocabularyError: the text has characters that the model does not know, or none at all.
            ConfigError: there is no such unit.
        """
        check_text(text)
        color = color if color == "surprisal" else self._unit(color)
        read = as_read(self.checkpoint, text)
        return api.highlight.highlight(self.network, self.vocabulary, self.name, read, color, guesses)

    def read(
        self,
        *sources: str,
        part: str | None = None,
        characters: int | None = None,
        reading: Reading = DEFAULT,
        feedback: Feedback = SILENT,
    ) -> Passage:
        """Read a text, or a part of it, from what SOURCE means on the command line: files, folders, named corpora.

        Without a source it is the text that the model was trained on, where that is here, else one that it writes.
        `part` is all, train, val or test; None is a part of the model's own text that it was not trained on, else all.
        `characters` is how many to read at most.

        Raises:
            SourceError: a source is not there, or is no text.
            ConfigError: a part is asked for and the text is not the one that the model was trained on.
            VocabularyError: the model knows no character of it.
        """
        if not sources:
            return api.own_text.own_passage(self, part, characters, reading, feedback)
        return read_passage(
            self.checkpoint,
            sources,
            part=part,
            characters=characters,
            reading=reading,
            name=self.name,
            feedback=feedback,
        )

    def dump(
        self,
        passage: Passage | str,
        path: str | os.PathLike[str],
        *,
        signals: Sequence[str] | None = None,
        dtype: Literal["float16", "float32"] = "float16",
        precision: str = "float32",
        feedback: Feedback = SILENT,
    ) -> "Dumped":
        """Write every unit's values to a file; arguments and errors as of `api.dump.dump`."""
        read = self._passage(passage, feedback)
        return api.dump.dump(
            self.network,
            self.vocabulary,
            read,
            path,
            signals=signals,
            dtype=dtype,
            precision=precision,
            feedback=feedback,
        )

    def explore(
        self,
        passage: Passage | str,
        *,
        start: int | None = None,
        length: int = 4000,
        characters: int = 60_000,
        unit: str | None = None,
        no_model: bool = False,
        precision: str | None = None,
        feedback: Feedback = SILENT,
    ) -> "Explored":
        """Make a page on which all units can be looked at; arguments and errors as of `api.explore.explore`.

        The page carries the network and runs it on what is typed, unless `no_model` leaves it out.
        """
        read = self._passage(passage, feedback)
        if self.vocabulary.symbols and not no_model:
            feedback.note("the page shows what was recorded; it runs no network of symbols longer than a character")
        return api.explore.explore(
            self.network,
            self.vocabulary,
            read,
            start=start,
            length=length,
            characters=characters,
            unit=None if unit is None else self._unit(unit),
            checkpoint=None if no_model or self.vocabulary.symbols else self.checkpoint,
            training=self._training(read),
            known=self.checkpoint.header.known_units,
            precision=precision,
            feedback=feedback,
        )

    def find(
        self,
        passage: Passage | str,
        feature: Sequence[str] = (),
        *,
        regex: Sequence[str] = (),
        text_kind: str | None = None,
        signals: Sequence[str] | None = None,
        characters: int | None = None,
        precision: str | None = None,
        seed: int = 0,
        directions: str | os.PathLike[str] | None = None,
        feedback: Feedback = SILENT,
    ) -> "Findings | KnownFindings":
        """Find the unit that follows each feature of a text best; arguments and errors as of `api.find.find`."""
        read = self._passage(passage, feedback)
        return api.find.find(
            self.network,
            read,
            feature=feature,
            regex=regex,
            text_kind=text_kind,
            signals=signals,
            characters=characters,
            precision=precision,
            seed=seed,
            training=self._training(read),
            directions=directions,
            known=self.checkpoint.header.known_units,
            feedback=feedback,
        )

    def compare(
        self,
        others: "Model | Sequence[Model]",
        text: str,
        *,
        feature: str | None = None,
        signal: str = "h",
        characters: int = 20_000,
        count: int = 10,
        source: str = "",
        precision: str | None = None,
        feedback: Feedback = SILENT,
    ) -> "Matches":
        """Match its units with those of others over a text; arguments and errors as of `api.match.match`."""
        if END not in text:
            check_text(text)
            text = as_read(self.checkpoint, text)
        return api.match.match(
            [self, *([others] if isinstance(others, Model) else others)],
            text,
            feature=feature,
            signal=signal,
            characters=characters,
            count=count,
            source=source,
            precision=precision,
            feedback=feedback,
        )

    def ablate(
        self,
        passage: Passage | str,
        unit: str,
        *,
        feature: str | None = None,
        how: Literal["mean", "zero", "resample"] = "mean",
        seed: int = 0,
        precision: str = "float32",
        feedback: Feedback = SILENT,
    ) -> "Cost":
        """Measure what it costs to do without a unit; arguments and errors as of `api.ablate.ablate`."""
        read, unit = self._passage(passage, feedback), self._unit(unit)
        options: dict[str, Any] = {"feature": feature, "how": how, "seed": seed, "precision": precision}
        return api.ablate.ablate(self.network, read, unit, **options, feedback=feedback)

    def show(
        self,
        passage: Passage | str,
        unit: str | Sequence[str] = (),
        *,
        feature: str | None = None,
        signal: str | None = None,
        start: int | None = None,
        length: int = 600,
        guesses: int = 0,
        precision: str | None = None,
        feedback: Feedback = SILENT,
    ) -> "Shown":
        """Show what units do over a stretch of a text, in colours; arguments and errors as of `api.show.show`."""
        return api.show.show(
            self.network,
            self.vocabulary,
            self._passage(passage, feedback),
            unit,
            feature=feature,
            signal=signal,
            start=start,
            length=length,
            guesses=guesses,
            known=self.checkpoint.header.known_units,
            precision=precision,
            feedback=feedback,
        )

    def steer(
        self,
        unit: str,
        *,
        prime: str | None = None,
        length: int = 300,
        temperature: float = 0.7,
        low: float | None = None,
        high: float | None = None,
        seed: int = 0,
        feature: str | None = None,
        count: int = 20,
    ) -> "Steered":
        """Write with a unit held low, free and held high; arguments and errors as of `api.steer.steer`."""
        self._refuse_items()
        if prime is not None:
            check_text(prime)
        return api.steer.steer(
            self.network,
            self.checkpoint,
            self._unit(unit),
            prime=prime,
            length=length,
            temperature=temperature,
            low=low,
            high=high,
            seed=seed,
            feature=feature,
            count=count,
            name=self.name,
        )

    def gallery(
        self,
        *sources: str,
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
    ) -> "Gallery":
        """Show what its best units follow on a text or its own; arguments and errors as of `api.gallery.gallery`."""
        return api.gallery.gallery(
            self,
            sources,
            passage=passage,
            length=length,
            characters=characters,
            signals=signals,
            ablated=ablated,
            seed=seed,
            part=part,
            reading=reading,
            precision=precision,
            feedback=feedback,
        )

    def gradients(
        self, passage: Passage | str, *, distance: int = 100, losses: int = 64, feedback: Feedback = SILENT
    ) -> "Gradients":
        """Measure how far a loss's gradient reaches back; arguments and errors as of `api.gradients.gradients`."""
        self._refuse_items()
        read = self._passage(passage, feedback)
        return api.gradients.gradients(self.network, read, distance=distance, losses=losses, feedback=feedback)

    def gates(self, passage: Passage | str, *, precision: str | None = None, feedback: Feedback = SILENT) -> "Gates":
        """Count how often each unit's gates are nearly shut and open; errors as of `api.gates.gates`."""
        return api.gates.gates(self.network, self._passage(passage, feedback), precision=precision, feedback=feedback)

    def grep(
        self,
        passage: Passage | str,
        units: Sequence[str],
        start: int,
        end: int,
        *,
        count: int = 10,
        signal: str | None = None,
        precision: str = "float32",
        feedback: Feedback = SILENT,
    ) -> "Alike":
        """Find where units do what they do from `start` to `end`; arguments and errors as of `api.grep.grep`."""
        read, units = self._passage(passage, feedback), [self._unit(each) for each in _several(units)]
        options: dict[str, Any] = {"count": count, "signal": signal, "precision": precision}
        return api.grep.grep(self.network, read, units, start, end, **options, feedback=feedback)

    def trace(
        self,
        passage: Passage | str,
        position: int,
        *,
        of: str | None = None,
        length: int = 300,
        measure: Literal["norm", "product"] = "norm",
    ) -> "Trace":
        """Measure what bears on one prediction; arguments and errors as of `api.trace.trace`."""
        read = self._passage(passage, SILENT)
        return api.trace.trace(self.network, self.vocabulary, read, position, of=of, length=length, measure=measure)

    def keep(self, findings: "Findings") -> list[known.KnownUnit]:
        """Remember the single units that were found, in place of what was known of those features; return them.

        From then on `unit` takes a feature's name, such as "inside_quotes", or one word of it; `save` writes them.
        """
        found = findings.known_units
        features = [each.feature for each in findings.findings]
        kept = known.joined(self.checkpoint.header.known_units, features, found)
        self.checkpoint = replace(self.checkpoint, header=replace(self.checkpoint.header, known_units=kept))
        return found

    def save(self, path: str | os.PathLike[str], number: NumberFormat = "float32") -> None:
        """Write it as a checkpoint, which every command reads as MODEL; float16 halves it, int8 quarters it.

        Raises:
            CheckpointError: a weight is beyond what float16 can hold.
        """
        save(self.checkpoint, Path(path), number)

    def export(self, path: str | os.PathLike[str], number: NumberFormat | None = None) -> "Exported":
        """Write it for other programs, as JSON or ONNX; arguments and errors as of `api.export.export`."""
        return api.export.export(without_classes(self.checkpoint), path, number)

    def _refuse_items(self) -> None:
        """Raise ConfigError for a model of items, where a running text is read or written."""
        if self.checkpoint.header.corpus.items:
            raise ConfigError(
                f"{self.name} is a model of items, and this is for running texts",
                "see what is for items in docs/items.md, or train without --each",
            )

    def __repr__(self) -> str:
        config, corpus, val = self.config, self.checkpoint.header.corpus, self.figures.val_nats
        size = f"{counted(config.num_layers, 'layer')} of {counted(config.hidden_size, 'unit')}"
        noun = self.vocabulary.noun
        loss = "" if val is None else f", val {val:.4f} nats per {noun}"
        return (
            f"<Model: {config.kind}, {size}, {config.parameters:,} parameters, "
            f"trained on {corpus.name} ({corpus.characters:,} {noun}s){loss}>"
        )

    def _unit(self, name: str) -> str:
        """Return L:I for the name of a known unit; what is L:I or FILE:FEATURE already, as it is."""
        if ":" in name:
            return name
        found = known.named(self.checkpoint.header.known_units, name)
        return found.unit if found else name

    def _passage(self, passage: Passage | str, feedback: Feedback) -> Passage:
        if isinstance(passage, Passage):
            return passage
        check_text(passage)
        return passage_of(self.checkpoint, passage, self.name, feedback)

    def _training(self, passage: Passage) -> Passage | None:
        """The text that it was trained on, as far as a passage has it."""
        return passage_of(self.checkpoint, passage.training, self.name) if passage.training else None


def check_text(text: object) -> None:
    """A text is a string of characters, as those of files are: half a surrogate pair is none."""
    if not isinstance(text, str):
        raise ConfigError(
            f"the text is of type {type(text).__name__}", "give a string, as Path(...).read_text() returns"
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ConfigError(
            f"the text has half a surrogate pair at character {error.start}",
            "replace it, as text.encode('utf-8', 'replace').decode() does",
        ) from None


def _several(texts: str | Sequence[str]) -> Sequence[str]:
    several = list(texts) if isinstance(texts, Iterable) and not isinstance(texts, str | bytes) else [texts]
    for each in several:
        check_text(each)
    return several

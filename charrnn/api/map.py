"""Models that answer an input: to train one, let it answer, measure it, and see where it looks while it answers."""

import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from charrnn.api.drawing import Drawing
from charrnn.api.map_images import AttendedPicture, drawn_from, features, seeing
from charrnn.api.result import Result
from charrnn.conditioned import answering, generated, scoring
from charrnn.conditioned.answering import Answer
from charrnn.conditioned.checkpoint import ConditionedCheckpoint, Header
from charrnn.conditioned.checkpoint import load as load_checkpoint
from charrnn.conditioned.config import ConditionedConfig
from charrnn.conditioned.examples import LONGEST, Example, Examples, Origin, most_common, read_examples
from charrnn.conditioned.extractors import check_alike
from charrnn.conditioned.features import Features, read_features
from charrnn.conditioned.inputs import inputs_of, pairs_of
from charrnn.conditioned.pointing import Pointing, pointing, pointing_at
from charrnn.conditioned.reader import Input, Reader
from charrnn.conditioned.rows import CLASSES
from charrnn.display import alignment
from charrnn.display.alignment import END, Alignment
from charrnn.display.gaze import Gaze
from charrnn.display.highlight import Highlight
from charrnn.display.signs import one_line
from charrnn.errors import ConfigError, SourceError, check_choice, check_range, counted
from charrnn.feedback import SILENT, Feedback
from charrnn.model.checkpoint import locate
from charrnn.text.store import fetch_missing

if TYPE_CHECKING:
    from charrnn.api.map_training import resume, train

__all__ = [
    "Answered",
    "Attended",
    "AttendedPicture",
    "MapInfo",
    "MapModel",
    "MapScore",
    "Written",
    "examples",
    "features",
    "load",
    "resume",
    "train",
]
_LOOKED_UP = {
    "text": "most similar training input",
    "image": "most similar training image",
    "question": "answer to the question alone",
}
_SHUFFLED = {"text": "inputs", "image": "images", "question": "images"}
_SLACK = 2  # times as long as the longest output that was seen an answer may become


def __getattr__(name: str) -> Any:
    """Import what trains, and with it torch, when it is asked for."""
    if name not in ("train", "resume"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from charrnn.api import map_training

    return getattr(map_training, name)


@dataclass(frozen=True)
class Written(Result):
    """A set of generated examples on the disk."""

    folder: str
    name: str
    columns: tuple[str, ...]
    parts: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self) | {"columns": list(self.columns)}

    def __str__(self) -> str:
        parts = ", ".join(f"{part} {count:,}" for part, count in self.parts.items())
        return f"wrote {self.folder}: {self.name} ({parts}), columns {', '.join(self.columns)}"


def examples(name: str, folder: str | os.PathLike[str], *, count: int | None = None, seed: int = 0) -> Written:
    """Write generated examples whose answers are known exactly.

    Args:
        name: dates or numbers, pairs in train.tsv, val.tsv and test.tsv; scenes, questions or glyphs, pictures in the
            folder images, and what is said or asked about them beside it.
        folder: where to; it is made where it is missing.
        count: how many, of pictures or pairs, in all parts together; None: 40,000 pairs, 10,000 pictures.
        seed: of which ones.

    Raises:
        ConfigError: there is no such set, or the count is out of its range.
        OSError: the folder cannot be written.
    """
    check_choice("the set", name, tuple(generated.SETS))
    check_range("count", 10 if count is None else count, 10, 200_000)
    parts = generated.write(name, Path(folder), count, seed)
    return Written(os.fspath(folder), name, generated.SETS[name].columns, parts)


@dataclass(frozen=True)
class Answered(Result):
    """What a model answers to one input: several answers, the likeliest per symbol first, or as they were drawn."""

    source: str
    answers: tuple[str, ...]
    nats: tuple[float, ...]  # of each whole answer, its end symbol counted
    ended: tuple[bool, ...]  # False: the answer was cut off at the longest length

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        rows = zip(self.answers, self.nats, self.ended, strict=True)
        return {
            "source": self.source,
            "answers": [{"text": text, "nats": nats, "ended": ended} for text, nats, ended in rows],
        }

    def __str__(self) -> str:
        return "\n".join(self.answers)


@dataclass(frozen=True)
class MapScore(Result):
    """How well a model answers examples; every answer is its own, never with the right symbols given."""

    examples: int
    part: str
    exact: float  # share of the sources whose answer is one of the right ones
    edit_rate: float  # edits from the answer to the nearest right one, per symbol of that
    ended: float  # share of the answers that were not cut off
    distinct: int  # answers
    distinct_right: int  # right outputs, the first of each source
    nats_per_symbol: float  # of the right outputs, each symbol predicted from the right ones before it
    shuffled_nats_per_symbol: float | None  # the same with the source of another example
    nearest_by: str  # "text", "image" or "question": by what a training example is looked up
    nearest_exact: float  # of the output of the training example that is found so
    nearest_edit_rate: float
    commonest_exact: float  # of the commonest output of the training part
    beam: int
    pointing: dict[str, float] | None  # shares of fields, and of their symbols, at which attention looked at the field
    hidden: dict[str, float] | None  # nats per symbol more where the place looked at, or a random one, is hidden

    @property
    def ignores_its_input(self) -> bool:
        """Whether another input would do as well."""
        shuffled = self.shuffled_nats_per_symbol
        return shuffled is not None and shuffled - self.nats_per_symbol < scoring.IGNORED

    @property
    def verdict(self) -> str:
        """What the figures amount to, in a sentence."""
        what = "image" if self.nearest_by == "question" else "input"
        if self.ignores_its_input:
            return f"The model ignores its {what}: with another example's {what} it predicts as well."
        more = "no more" if self.exact <= max(self.nearest_exact, self.commonest_exact) else "more"
        return f"The model uses its {what}, and is right {more} often than a look-up in the training examples."

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self) | {"ignores_input": self.ignores_its_input, "verdict": self.verdict}

    def __str__(self) -> str:
        how = "greedy" if self.beam == 1 else f"beam of {self.beam}"
        shuffled = self.shuffled_nats_per_symbol
        rows = [
            (f"exact ({how})", f"{self.exact:.2%}"),
            ("edits per symbol", f"{self.edit_rate:.4f}"),
            (f"{_LOOKED_UP[self.nearest_by]}: exact", f"{self.nearest_exact:.2%}"),
            (f"{_LOOKED_UP[self.nearest_by]}: edits per symbol", f"{self.nearest_edit_rate:.4f}"),
            ("the commonest training output: exact", f"{self.commonest_exact:.2%}"),
            ("distinct answers, right ones", f"{self.distinct:,}, {self.distinct_right:,}"),
            ("answers cut off at the longest length", f"{1 - self.ended:.2%}"),
            ("nats per symbol of the right output", f"{self.nats_per_symbol:.4f}"),
            (f"the same, {_SHUFFLED[self.nearest_by]} shuffled", "–" if shuffled is None else f"{shuffled:.4f}"),
        ]
        if self.pointing:
            field = "field" if self.nearest_by == "text" else "place"
            rows.append((f"{field}s that it looked at while it wrote them", f"{self.pointing['right_fields']:.2%}"))
            rows.append((f"symbols at whose step it looked at their {field}", f"{self.pointing['right_symbols']:.2%}"))
            rows.append(("the same by chance", f"{self.pointing['chance']:.2%}"))
        if self.hidden:
            rows.append(("nats more, the place looked at hidden", f"{self.hidden['looked']:.4f}"))
            rows.append(("nats more, a random place hidden", f"{self.hidden['random']:.4f}"))
        lines = [f"{name:<48}{value:>16}" for name, value in rows]
        return "\n".join([f"{counted(self.examples, 'example')}, part {self.part}", *lines, self.verdict])


@dataclass(frozen=True)
class Attended(Drawing):
    """Where a model looked at each symbol of its answer to an input."""

    model: str
    alignment: Alignment
    nats: float  # of the whole answer

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it: the weights [T][L], a row for each symbol of the answer, its end the last."""
        drawn = self.alignment
        return {
            "model": self.model, "source": drawn.source, "answer": drawn.answer, "nats": self.nats,
            "symbols": list(drawn.output), "weights": [list(row) for row in drawn.weights],
        }  # fmt: skip

    @property
    def highlight(self) -> Highlight:
        """The input, and under it a row of colours for each symbol of the answer."""
        return self.alignment.highlight

    def content(self, form: str) -> str:
        """Return it as "text" (marks for colours), "html", "svg" or "json"."""
        return alignment.html(self.alignment) if form == "html" else super().content(form)


@dataclass(frozen=True)
class MapInfo(Result):
    """What a conditioned model is: its network, its examples, its figures."""

    header: Header

    def to_dict(self) -> dict[str, Any]:
        """Return what `charrnn info --json` prints of such a model."""
        header = self.header
        return {
            **asdict(header.model),
            "parameters": header.model.parameters,
            **asdict(header.figures),
            "corpus": asdict(header.corpus),
            "grid": list(header.model.grid),
            "images": None if header.images is None else asdict(header.images) | {"shape": list(header.images.shape)},
            "columns": list(header.columns),
            "examples": header.examples,
            "sources": list(header.sources.names),
            "outputs": list(header.outputs.names),
            "training": header.training,
            "created": header.created,
            "charrnn_version": header.charrnn_version,
        }

    def __str__(self) -> str:
        header, model = self.header, self.header.model
        figures, shown = header.figures, ", ".join(f"{part} {count:,}" for part, count in header.examples.items())
        layers, units = counted(model.num_layers, "layer"), counted(model.hidden_size, "unit")
        rows = {
            "network": f"{model.kind}, {layers} of {units}, memory {model.memory_size}, dropout {model.dropout:g}",
            "parameters": f"{model.parameters:,}",
            "examples": f"{header.corpus.name}, {header.columns[0]} to {header.columns[1]} ({shown})",
            **({"images": f"{header.images.extraction}"} if header.images else {}),
            "outputs": f"{counted(len(header.outputs), header.outputs.kind + ' symbol')}",
            **{
                f"{part} loss": f"{nats:.4f} nats per symbol"
                for part in ("train", "val", "test")
                if (nats := getattr(figures, f"{part}_nats")) is not None
            },
            "trained": f"{counted(figures.step, 'step')}, {figures.epoch:.2f} epochs, {figures.seconds:.0f} s",
            "made": f"{header.created} by charrnn {header.charrnn_version}",
        }
        return "\n".join(f"{name:<12} {one_line(value)}" for name, value in rows.items())


def load(model: str | os.PathLike[str]) -> "MapModel":
    """Load a conditioned model: a checkpoint file, or a run folder (its best). No torch is needed to use it.

    Raises:
        CheckpointError: there is no such model, it is of another kind, or it is damaged.
    """
    name = os.fspath(model)
    return MapModel(load_checkpoint(locate(name)), name)


class MapModel:
    """A model that answers inputs; its methods are named as the commands of `charrnn map` are."""

    def __init__(self, checkpoint: ConditionedCheckpoint, name: str = "") -> None:
        self.checkpoint, self.name = checkpoint, name

    @property
    def config(self) -> ConditionedConfig:
        """The sizes and kind of the network."""
        return self.checkpoint.config

    @property
    def header(self) -> Header:
        """What its file says: symbols, figures, provenance."""
        return self.checkpoint.header

    @cached_property
    def reader(self) -> Reader:
        """The network on numpy arrays."""
        return Reader(self.config, self.checkpoint.weights)

    @property
    def longest(self) -> int:
        """Symbols that an answer may have, its end symbol counted."""
        return 1 if self.config.output == "classes" else _SLACK * self.header.longest + 1

    def apply(
        self,
        inputs: Sequence[str],
        *,
        beam: int = 1,
        count: int | None = None,
        temperature: float = 1.0,
        seed: int | None = None,
        image: str | os.PathLike[str] | None = None,
        images: str | os.PathLike[str] | None = None,
    ) -> Iterator[Answered]:
        """Yield what the model answers to each input, in their order.

        Args:
            inputs: texts, each of known characters; for a model of images, pictures by their paths, or questions.
            beam: how many beginnings beam search keeps; 1 is greedy. All of its answers are returned.
            count: draw so many answers to each instead, at `temperature`.
            temperature: 0 always draws the likeliest symbol.
            seed: of what is drawn; None: another one each time.
            image: the picture that all questions are about.
            images: a file of features, in which pictures are looked up by name; None: they are extracted anew.

        Raises:
            VocabularyError: an input has characters that the model does not know.
            SourceError: an input is empty or too long.
            ConfigError: an option is out of its range.
        """
        check_range("beam", beam, 1, 1000)
        given = self._inputs(inputs, image, images)
        if count is None:
            for text, answers in zip(inputs, answering.beam(self.reader, given, self.longest, beam), strict=True):
                yield self._answered(text, answers)
            return
        check_range("count", count, 1, 1_000_000)
        check_range("temperature", temperature, 0, 1e6)
        check_range("seed", seed or 0, 0, 2**63 - 1)
        random = np.random.default_rng(secrets.randbits(32) if seed is None else seed)
        for text, one in zip(inputs, given, strict=True):
            drawn = answering.drawn(self.reader, one, self.longest, count, temperature, random)
            yield self._answered(text, list(drawn))

    def read(
        self,
        paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        *,
        source: str | None = None,
        target: str | None = None,
        label: str | None = None,
        val_fraction: float | None = None,
        test_fraction: float | None = None,
        images: str | os.PathLike[str] | None = None,
        seed: int | None = None,
        feedback: Feedback = SILENT,
    ) -> Examples:
        """Read examples as `train` does; columns and a split that are not given are those that the model learned from.

        Raises:
            SourceError: they cannot be read, or have no such columns.
            ConfigError: features are missing, or by another extractor than the model's.
        """
        features = self._features(images)
        several = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
        classes = self.header.outputs.kind == "label"
        if self.header.named and len(several) == 1 and label not in CLASSES:
            source, output = source or self.header.columns[0], target or label or self.header.columns[1]
            target, label = (None, output) if classes else (output, None)
        elif features is not None and not classes:
            target = target or self.header.columns[1]
        spaced = self.header.outputs.kind == "spaced"
        names = tuple(os.fspath(path) for path in several)
        known = {"val_fraction": val_fraction, "test_fraction": test_fraction, "seed": seed}
        split = {name: self.header.training.get(name) if value is None else value for name, value in known.items()}
        origin = msgspec.convert(
            {"paths": names, "source": source, "target": target, "label": label, "spaced": spaced, **split}, Origin
        ).absolute()
        fetch_missing(origin.paths, feedback=feedback)
        found = read_examples(origin, features=features)
        for line in found.notes:
            feedback.note(line)
        if found.sha256 != self.header.corpus.sha256:
            feedback.note("these are not the examples that the model learned from, or they are split in another way")
        return found

    def _features(self, images: str | os.PathLike[str] | None) -> Features | None:
        """The features that examples are about, which are of the model's kind."""
        known = self.header.images
        if known is None and images is not None:
            raise ConfigError(f"{self.name} reads no images", "leave --images out")
        if known is None or images is None:
            if known is not None:
                raise ConfigError(f"{self.name} reads images", "name their features with --images")
            return None
        features = read_features(os.fspath(images))
        check_alike(features, known)
        return features

    def _inputs(
        self, inputs: Sequence[str], image: str | os.PathLike[str] | None, images: str | os.PathLike[str] | None
    ) -> list[Input]:
        """What the network is told: of texts, of pictures, or of questions about one picture."""
        known = self.header.images
        if known is None:
            if image is not None or images is not None:
                raise ConfigError(f"{self.name} reads no images", "leave the image out")
            return [Input(self._encoded(text)) for text in inputs]
        see = seeing(known, None if images is None else self._features(images))
        if self.config.source_size:
            if image is None:
                raise ConfigError(f"{self.name} answers questions about a picture", "name one with --image")
            seen = see(os.fspath(image))
            return [Input(self._encoded(text), seen) for text in inputs]
        if image is not None:
            raise ConfigError(f"{self.name} describes pictures and takes no question", "give the picture as its input")
        none = self.header.sources.known("")
        return [Input(none, see(picture)) for picture in inputs]

    def attend(
        self,
        text: str,
        *,
        image: str | os.PathLike[str] | None = None,
        images: str | os.PathLike[str] | None = None,
    ) -> "Attended | AttendedPicture":
        """Answer an input greedily, and return where the model looked at each symbol of its answer.

        Args:
            text: the input; for a model of images, a picture by its path, or a question.
            image: the picture that the question is about.
            images: a file of features, as of `apply`.

        Raises:
            VocabularyError, SourceError: as of `apply`.
            ConfigError: the model has no attention.
        """
        if self.config.attention == "none":
            raise ConfigError(f"{self.name} has no attention", "train one with --attention soft")
        (answer,) = answering.greedy(self.reader, self._inputs([text], image, images), self.longest)
        names = [self.header.outputs.names[index] for index in answer.ids]
        symbols = (*names, END) if answer.ended and self.config.output == "characters" else tuple(names)
        weights = tuple(tuple(map(float, row)) for row in answer.weights)
        said, title = self.header.outputs.decode(answer.ids), f"Where {self.name} looks while it answers"
        if self.header.images is not None:
            question, picture = (text, os.fspath(image)) if image is not None else ("", text)
            kind = self.header.outputs.kind
            gaze = Gaze(title, question, symbols, weights, said, self.config.cells, kind, drawn_from(picture))
            return AttendedPicture(self.name, picture, gaze, answer.nats)
        return Attended(self.name, Alignment(title, text, symbols, weights, said), answer.nats)

    def score(
        self,
        read: Examples,
        *,
        part: str = "test",
        beam: int = 1,
        most: int = 2000,
        feedback: Feedback = SILENT,
    ) -> MapScore:
        """Measure how well it answers examples.

        Args:
            read: as `read_examples` returns them; the model's own training part is looked up for the baseline.
            part: train, val, test or all.
            beam: how many beginnings beam search keeps; 1 is greedy.
            most: examples that are measured, the first ones.
            feedback: where notes and counts go.

        Raises:
            ConfigError: there is no such part.
        """
        chosen = self._measurable(read.part(part)[:most], feedback)
        given = inputs_of(read, chosen, self.header.sources)
        with feedback.bar(len(chosen), "answering", unit="example") as bar:
            found = []
            for answers in answering.beam(self.reader, given, self.longest, beam):
                found.append(answers[0])
                bar.update(1)
        said = [self.header.outputs.decode(answer.ids) for answer in found]
        exact, edit_rate = self._agreement(said, chosen)
        known = read.parts["train"]
        by, looked_up = self._looked_up(read, known, chosen, feedback)
        commonest = self._agreement([most_common(known)[0]] * len(chosen), chosen)[0]
        near = self._agreement(looked_up, chosen)
        return MapScore(
            examples=len(chosen), part=part, exact=exact, edit_rate=edit_rate,
            ended=sum(answer.ended for answer in found) / len(found),
            distinct=len(set(said)), distinct_right=len({example.outputs[0] for example in chosen}),
            **self._costs(read, chosen, feedback), nearest_by=by, nearest_exact=near[0], nearest_edit_rate=near[1],
            commonest_exact=commonest, beam=beam,
            pointing=self._pointing(read, chosen, said, found),
        )  # fmt: skip

    def _looked_up(
        self, read: Examples, known: Sequence[Example], chosen: Sequence[Example], feedback: Feedback
    ) -> tuple[str, list[str]]:
        """By what training examples are looked up, and the output that is found for each."""
        with feedback.bar(len(known), "looking up", unit="example") as bar:
            if read.features is not None and not self.config.source_size:
                here, there = ([read.features.find(each.image) or 0 for each in some] for some in (known, chosen))
                places = scoring.nearest_images(read.features, here, there, bar.update)
                return "image", [known[place].outputs[0] for place in places]
            if read.features is None:
                places = scoring.nearest([e.source for e in known], [e.source for e in chosen], bar.update)
                return "text", [known[place].outputs[0] for place in places]
            asked: dict[str, list[Example]] = {}
            for example in known:
                asked.setdefault(example.source, []).append(example)
            answers = [most_common(examples)[0] for examples in asked.values()]
            places = scoring.nearest(list(asked), [e.source for e in chosen], bar.update)
            return "question", [answers[place] for place in places]

    def _measurable(self, chosen: Sequence[Example], feedback: Feedback) -> list[Example]:
        """The examples whose source the model can read, at least in part, with a note of what it cannot."""
        unknown = [symbol for example in chosen for symbol in self.header.sources.unknown(example.source)]
        if unknown:
            what = counted(len(set(unknown)), "character")
            feedback.note(f"the model has never seen {what} of the inputs, which are left out of them")
        reads = self.config.source_size
        readable = [each for each in chosen if not reads or len(self.header.sources.known(each.source))]
        if not readable:
            raise SourceError("the model knows no character of the inputs", "give examples like those it learned from")
        return readable

    def _agreement(self, said: Sequence[str], chosen: Sequence[Example]) -> tuple[float, float]:
        """Which share of the answers is right, and the edits to the nearest right output per symbol of that."""
        split, exact, edits, symbols = self.header.outputs.split, 0, 0, 0
        for answer, example in zip(said, chosen, strict=True):
            exact += answer in example.outputs
            cost, size = min(
                (scoring.edit_distance(split(answer), split(right)), len(split(right))) for right in example.outputs
            )
            edits, symbols = edits + cost, symbols + size
        return exact / len(chosen), edits / symbols

    def _costs(self, read: Examples, chosen: Sequence[Example], feedback: Feedback) -> dict[str, Any]:
        """The losses: as it is, with inputs shuffled, and with a place hidden from attention."""
        first = [example._replace(outputs=example.outputs[:1]) for example in chosen]
        pairs, features = pairs_of(read, first, self.header.sources, self.header.outputs), read.features
        if len(pairs) < len(chosen):
            left_out = counted(len(chosen) - len(pairs), "example")
            feedback.note(f"the losses leave out {left_out} whose output has symbols that the model has never seen")
        if not pairs:
            raise SourceError("the model knows no symbol of the outputs", "give examples like those it learned from")
        attends = self.config.attention != "none"
        with feedback.bar((4 if attends else 2) * len(pairs), "measuring", unit="example") as bar:
            plain = scoring.losses(self.reader, pairs, features, "", bar.update).nats_per_symbol
            shuffled, more = None, None
            if len(pairs) > 1:
                others = scoring.with_shuffled_sources(pairs)
                shuffled = scoring.losses(self.reader, others, features, "", bar.update).nats_per_symbol
            if attends:
                looked = scoring.losses(self.reader, pairs, features, "looked", bar.update).nats_per_symbol - plain
                random = scoring.losses(self.reader, pairs, features, "random", bar.update).nats_per_symbol - plain
                more = {"looked": looked, "random": random}
        return {"nats_per_symbol": plain, "shuffled_nats_per_symbol": shuffled, "hidden": more}

    def _pointing(
        self, read: Examples, chosen: Sequence[Example], said: Sequence[str], found: Sequence[Answer]
    ) -> dict[str, float] | None:
        """How often attention looked at the right field, over the symbols of right answers; None: not known."""
        if self.config.attention == "none":
            return None
        total = Pointing()
        for example, answer, looked in zip(chosen, said, found, strict=True):
            if answer not in example.outputs or self.header.sources.unknown(example.source):
                continue
            if example.places and self.header.outputs.kind != "spaced":
                places = example.places[example.outputs.index(answer)]
                total += pointing_at(places, self.config.cells, looked.weights)
            elif read.fields is not None and self.header.outputs.kind == "character":
                total += pointing(read.fields, example.source, answer, looked.weights)
        if not total.symbols:
            return None
        return {
            "fields": total.fields,
            "right_fields": total.right_fields / total.fields,
            "symbols": total.symbols,
            "right_symbols": total.right_symbols / total.symbols,
            "chance": total.chance / total.symbols,
        }

    def _encoded(self, text: str) -> Any:
        if not text:
            raise SourceError("an input is empty", "give at least one character")
        if len(text) > LONGEST:
            raise SourceError(f"an input has {len(text):,} characters", f"give at most {LONGEST}")
        return self.header.sources.encode(text)

    def _answered(self, text: str, answers: Sequence[Answer]) -> Answered:
        decode = self.header.outputs.decode
        return Answered(
            text,
            tuple(decode(answer.ids) for answer in answers),
            tuple(answer.nats for answer in answers),
            tuple(answer.ended for answer in answers),
        )

    def info(self) -> "MapInfo":
        """Return what it is, and what it was trained on."""
        return MapInfo(self.header)

    def __repr__(self) -> str:
        source, target = self.header.columns
        return f"<MapModel: {source} to {target}, {self.config.kind}, {self.config.parameters:,} parameters>"

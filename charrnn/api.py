"""What Python programs use: load or train a model, then score, sample, record and highlight with it."""

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from charrnn.display.highlight import SURPRISING, Highlight
from charrnn.errors import ConfigError, RunError, VocabularyError, counted, did_you_mean
from charrnn.model.checkpoint import Checkpoint, Figures, Header, Provenance, locate, save
from charrnn.model.checkpoint import load as load_checkpoint
from charrnn.model.clamping import Clamp
from charrnn.model.config import ModelConfig
from charrnn.model.devices import choose_device, choose_precision
from charrnn.model.network import CharRNN
from charrnn.model.scoring import Score, score_text
from charrnn.model.stepped_network import SteppedCharRNN
from charrnn.model.units import Unit
from charrnn.neurons.recording import Recording, default_signal, is_bounded, record
from charrnn.sampling.distribution import SamplingConfig
from charrnn.sampling.sampler import Sampler, until
from charrnn.text.corpus import Corpus
from charrnn.text.sources import Text
from charrnn.text.vocabulary import Vocabulary
from charrnn.training.config import TrainingConfig
from charrnn.training.recipe import Hardware, recipe
from charrnn.training.trainer import Trainer, held_out

if TYPE_CHECKING:
    from charrnn.training.report import Progress


def load(model: str | os.PathLike[str], device: str = "auto") -> "Model":
    """Load what MODEL means on the command line: a checkpoint file, or a run folder (its best).

    Raises:
        CheckpointError: there is no such checkpoint, or it is damaged.
        DeviceError: there is no such device.
    """
    name = os.fspath(model)
    return Model(load_checkpoint(locate(name)), name, device)


def train(
    text: str,
    *,
    val_fraction: float | None = None,
    test_fraction: float | None = None,
    preset: str | None = None,
    precision: str | None = None,
    device: str = "auto",
    on_progress: "Callable[[Progress], object]" = lambda progress: None,
    **options: Any,
) -> "Model":
    """Train on a string, and return the model with the lowest validation loss (without such a part: the last).

    Args:
        text: what to learn, at least two characters.
        val_fraction: how much of its end is for validation, before the part for the test; None: 0.05, at most a
            million characters.
        test_fraction: how much of its end is for the test; None: the same.
        preset: the name of a classic recipe.
        precision: float32 or bfloat16; None: bfloat16 where the hardware has it.
        device: auto, cpu, cuda, cuda:N or mps.
        on_progress: what to call with each report of the run.
        options: those of `charrnn train`, such as steps=500, minutes=1, cell="gru" or hidden_size=256.

    Raises:
        ConfigError: an option does not exist, or is out of its range.
        RunError: the loss was no number any more before the first milestone; if it is later, the best is returned.
    """
    _check_names(options)
    _check_text(text)
    if "\n" not in text and os.path.exists(text[:4096]):
        raise ConfigError(f"{text!r} is a path, and no text to learn", "read it first, as with Path(...).read_text()")
    corpus = Corpus.from_text(Text("text", text), val_fraction, test_fraction)
    where = choose_device(device)
    number = choose_precision(precision, where)
    hardware = Hardware(where.type != "cpu", torch.get_num_threads(), number == torch.bfloat16)
    config, training, _ = recipe(len(corpus.parts["train"]), len(corpus.vocabulary), options, hardware, preset)
    network = CharRNN(config, torch.Generator().manual_seed(training.seed)).to(where)
    trainer = Trainer(network, corpus, training, number)
    weights, best = _best_of(trainer, on_progress)
    chosen = {name: value for name, value in asdict(training).items() if value is not None}
    provenance = Provenance(corpus.name, corpus.sha256, len(corpus), corpus.split)
    figures = _figures(best, CharRNN.from_weights(config, weights).to(where), corpus)
    chosen["precision"] = str(number).removeprefix("torch.")
    header = Header(config, provenance, figures, chosen, line_beginnings=corpus.line_beginnings)
    return Model(Checkpoint(header, corpus.vocabulary, weights), "a model trained here", device)


class Model:
    """A trained model. Its methods are named as the commands are, and their arguments as the options."""

    def __init__(self, checkpoint: Checkpoint, name: str, device: str = "auto") -> None:
        self.checkpoint, self.name = checkpoint, name
        self._device = choose_device(device)

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
    def network(self) -> CharRNN:
        """The network in torch, on the device that was asked for."""
        return CharRNN.from_weights(self.config, self.checkpoint.weights).to(self._device).eval()

    def score(self, text: str) -> Score:
        """Measure how well it predicts a text of at least two characters: nats for each, and their mean.

        Raises:
            ConfigError: the text has fewer than two characters.
        """
        _check_text(text)
        if len(text) < 2:
            raise ConfigError(f"the text has {counted(len(text), 'character')}", "give at least two")
        return score_text(self.network, self.vocabulary, text)

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
        _check_text(prime)
        config = SamplingConfig(temperature, top_k, top_p, min_p)
        clamps = [Clamp.parse(one, self.config) for one in _several(clamp)]
        network = SteppedCharRNN(self.config, self.checkpoint.weights, clamps)
        sampler = Sampler(network, self.vocabulary, config, self.checkpoint.header.line_beginnings)
        self.vocabulary.encode(prime)  # what it does not know is told now, not when the first character is drawn
        drawn = sampler.draw(length, prime, secrets.randbits(32) if seed is None else seed)
        return (one.character for one in until(drawn, _several(stop)))

    def record(self, text: str, signals: Sequence[str] | None = None, guesses: int = 5) -> Recording:
        """Record every unit at every character of a text, [L, T, H] for each signal, and the likeliest next characters.

        Raises:
            VocabularyError: the text has characters that the model does not know, or none at all.
            ConfigError: the cell has no such signal.
        """
        _check_text(text)
        if not text:
            raise VocabularyError("the text is empty", "give at least one character")
        signals = [default_signal(self.config)] if signals is None else signals
        return record(self.network, self.vocabulary.encode(text), signals, candidates=guesses)

    def highlight(self, text: str, color: str = "surprisal", guesses: int = 5) -> Highlight:
        """Colour a text by how unexpected each character was, or by a unit such as "0:42".

        A notebook shows the highlight in colour; str() gives it with marks for the colours.

        Raises:
            VocabularyError: the text has characters that the model does not know, or none at all.
            ConfigError: there is no such unit.
        """
        recording = self.record(text, guesses=guesses)
        rows = [
            list(zip(self.vocabulary.decode(ids), chances.tolist(), strict=True))
            for ids, chances in zip(recording.candidates, recording.chances, strict=True)
        ]
        source = counted(len(text), "character")
        if color == "surprisal":
            values = self.score(text).nats.tolist() if len(text) > 1 else [0.0]
            return Highlight.of(self.name, "surprisal in nats", source, text, values, rows, SURPRISING)
        unit, signal = Unit.parse(color, self.config), default_signal(self.config)
        values = recording.values(unit, signal)
        squashed = not is_bounded(self.config, signal)
        scale = f"{'tanh(c)' if signal == 'tanh_c' else 'tanh(h)' if squashed else 'h'} of unit {unit}"
        shown = torch.as_tensor(values).tanh() if squashed else values
        return Highlight.of(self.name, scale, source, text, shown.tolist(), rows)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as a checkpoint, which every command reads as MODEL."""
        save(self.checkpoint, Path(path))

    def __repr__(self) -> str:
        config, corpus, val = self.config, self.checkpoint.header.corpus, self.figures.val_nats
        layers = counted(config.num_layers, "layer")
        loss = "" if val is None else f", val {val:.4f} nats per character"
        return (
            f"<Model: {config.kind}, {layers} of {config.hidden_size} units, {config.parameters:,} parameters, "
            f"trained on {corpus.name} ({corpus.characters:,} characters){loss}>"
        )


def _best_of(trainer: Trainer, on_progress: "Callable[[Progress], object]") -> "tuple[dict[str, Any], Progress]":
    """Train to the end; return the weights of the lowest validation loss, or the last, and where the run stood then."""
    weights, best = None, None
    for progress in trainer.run():
        on_progress(progress)
        val = progress.val_nats
        if progress.milestone and (
            best is None or "val" not in trainer.corpus.parts or (val is not None and val < _loss(best))
        ):
            weights, best = trainer.model.weights(), progress
    if weights is None or best is None:
        raise RunError(f"{trainer.divergence}", "choose a lower learning_rate")
    return weights, best


def _loss(progress: "Progress") -> float:
    return float("inf") if progress.val_nats is None else progress.val_nats


def _figures(best: "Progress", network: CharRNN, corpus: Corpus) -> Figures:
    measured = held_out(network, corpus)
    losses = (best.train_nats, measured.get("val"), measured.get("test"))
    return Figures(best.step, best.epoch, best.seconds, *losses)


def _check_names(options: dict[str, Any]) -> None:
    """The recipe takes what it knows; a name that nobody knows would be ignored without a word."""
    known = {field.name for kind in (ModelConfig, TrainingConfig) for field in fields(kind)} - {"vocabulary_size"}
    unknown = sorted(set(options) - known)
    if unknown:
        cure = did_you_mean(unknown[0], known, f"choose among {', '.join(sorted(known))}")
        raise ConfigError(f"there is no option {unknown[0]}", cure)


def _check_text(text: object) -> None:
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
    return [texts] if isinstance(texts, str) else texts

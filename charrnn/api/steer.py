"""What a model writes with a unit held low, free and held high."""

from dataclasses import asdict, dataclass, field
from shutil import get_terminal_size
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.api.result import Result
from charrnn.display.side_by_side import side_by_side, wrapped
from charrnn.display.signs import one_line
from charrnn.errors import ConfigError, counted
from charrnn.model import known
from charrnn.model.checkpoint import Checkpoint
from charrnn.model.clamping import Clamp, DirectionClamp, Held
from charrnn.model.directions import Direction, named
from charrnn.model.network import CharRNN
from charrnn.model.stepped_network import SteppedCharRNN
from charrnn.model.units import Unit
from charrnn.neurons.features import Feature, feature_named
from charrnn.neurons.recording import record
from charrnn.neurons.signal_names import default_signal
from charrnn.sampling.distribution import SamplingConfig
from charrnn.sampling.sampler import Sampler

TEXTS = 20  # that are written of each kind to count a feature in
RESAMPLES = 1000  # of the texts, for an interval
SWITCHED = 12  # characters over which a unit is high or low before and after it switches
PRIMED = 80  # characters of the text that shows that
WARMING = 3000  # characters that a model writes by itself before its units' low and high values are known


@dataclass(frozen=True)
class Measured:
    """What a feature does in several texts that a model writes: how much of them it is on, and how often it ends."""

    texts: int
    inside: float  # the share of the characters drawn at which it is on
    ends: int  # characters that switch it off
    rate: float | None  # of those drawn while it is on, the share that switches it off; None where it is never on
    low: float | None  # its 95 % interval, by resampled texts
    high: float | None

    @classmethod
    def of(cls, before: npt.NDArray[np.float64], drawn: npt.NDArray[np.float64], seed: int) -> "Measured":
        """Measure labels [B, N] of the characters drawn in B texts, and of the character before each of them."""
        on, ends = (before == 1).sum(1), ((before == 1) & (drawn == 0)).sum(1)
        inside = float((drawn == 1).mean())
        if not on.sum():
            return cls(len(drawn), inside, 0, None, None, None)
        picked = np.random.default_rng(seed).integers(0, len(on), (RESAMPLES, len(on)))
        rates = ends[picked].sum(1) / np.maximum(1, on[picked].sum(1))
        low, high = np.percentile(rates, [2.5, 97.5]).tolist()
        return cls(len(drawn), inside, int(ends.sum()), float(ends.sum() / on.sum()), low, high)


@dataclass(frozen=True)
class Steered(Result):
    """Texts written from the same seed with a unit held at a value, or free (None)."""

    model: str
    unit: str
    prime: str
    seed: int
    values: dict[str, float | None]  # by name: low, free, high
    texts: dict[str, str]
    feature: str | None = None
    measured: dict[str, Measured] = field(default_factory=dict)
    kind: str = "unit"  # or direction, whose projection h · w is held

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        samples = [
            {"held": name, "value": self.values[name], "text": text}
            | {"measured": asdict(self.measured[name]) if self.measured else None}
            for name, text in self.texts.items()
        ]
        origin = {"model": self.model, "unit": self.unit, "prime": self.prime, "seed": self.seed}
        origin |= {"feature": self.feature, "kind": self.kind}
        return origin | {"samples": samples}

    def __str__(self) -> str:
        held = "h" if self.kind == "unit" else "h · w"
        titles = [name if value is None else f"{name}, {held} = {value:.2f}" for name, value in self.values.items()]
        prime = wrapped(f"Each goes on from “{one_line(self.prime)}”", get_terminal_size().columns)
        texts = side_by_side(titles, list(self.texts.values())).rstrip("\n")
        return "\n".join([*(prime if self.prime else ()), texts, *([] if not self.measured else ["", *self._table()])])

    def _table(self) -> list[str]:
        number = next(iter(self.measured.values())).texts
        lines = [f"{self.feature} in {counted(number, 'text')} each: on at, ends, and ends of 1,000 characters inside"]
        for name, each in self.measured.items():
            rate = "" if each.rate is None else f"{1000 * each.rate:7.2f} (95 %: {_per_thousand(each)})"
            lines.append(f"{name:6} {100 * each.inside:5.1f} % {each.ends:6,} {rate}".rstrip())
        return lines


def steer(
    network: CharRNN,
    checkpoint: Checkpoint,
    unit: str,
    *,
    prime: str | None = None,
    length: int = 300,
    temperature: float = 0.7,
    low: float | None = None,
    high: float | None = None,
    seed: int = 0,
    feature: str | None = None,
    count: int = TEXTS,
    name: str = "",
) -> Steered:
    """Write three texts from the same seed, with a unit or direction held low, free and held high, the prime included.

    Args:
        network: the model in torch, which tells the unit's range.
        checkpoint: the model's weights and vocabulary.
        unit: such as "0:42", or FILE:FEATURE, a direction that `find` saved.
        prime: what the texts go on from; None: words that the model wrote by itself, up to where the unit switches.
        length: characters to draw.
        temperature: of the distribution that they are drawn from.
        low: where its hidden state, or projection, is held; None: at the 2nd percentile as the model writes.
        high: None: at the 98th.
        seed: the same for all three.
        feature: one that is on or off, which is counted in `count` texts of each kind; or NAME=PATTERN.
        count: how many texts, of seeds from `seed` on.
        name: what the model was called by.

    Raises:
        ConfigError: there is no such unit, or a setting is out of its range.
        VocabularyError: the prime has characters that the model does not know.
    """
    config = SamplingConfig(temperature)
    wanted = named(unit, checkpoint.config, network.weights)
    if low is None or high is None or prime is None:
        written, recorded = _by_itself(network, checkpoint, wanted)
        lowest, highest = np.percentile(recorded, [2, 98]).tolist()
        low, high = lowest if low is None else low, highest if high is None else high
        prime = _switching(written, recorded, _sign(checkpoint, wanted)) if prime is None else prime
    values = {"low": low, "free": None, "high": high}
    counted_in = None if feature is None else _binary(feature)
    texts, measured = {}, {}
    for each, value in values.items():
        clamps = [] if value is None else [_held(wanted, value)]
        texts[each] = _written(checkpoint, clamps, config, length, prime, seed)
        if counted_in:
            sampler = _sampler(checkpoint, clamps, config)
            measured[each] = _measured(sampler, checkpoint, counted_in, length, prime, range(seed, seed + count))
    kind = "direction" if isinstance(wanted, Direction) else "unit"
    return Steered(name, str(wanted), prime, seed, values, texts, feature, measured, kind)


def _binary(name: str) -> Feature:
    feature = feature_named(name)
    if not feature.binary:
        raise ConfigError(f"{name} is a count, with no end", "choose a feature that is on or off")
    return feature


def _measured(
    sampler: Sampler, checkpoint: Checkpoint, feature: Feature, length: int, prime: str, seeds: range
) -> Measured:
    """Draw texts side by side and count a feature in what is drawn of each."""
    ids = np.concatenate([block for block, _ in sampler.draw_many(length, prime, seeds)])  # [N, B]
    texts = [prime + checkpoint.vocabulary.decode_folded(each) for each in ids.T]
    labels = np.stack([feature.values(each) for each in texts])
    before = np.concatenate([np.zeros((len(labels), 1)), labels], axis=1)[:, -length - 1 : -1]
    return Measured.of(before, labels[:, -length:], seeds.start)


def _per_thousand(each: Measured) -> str:
    return f"{1000 * (each.low or 0.0):.2f} to {1000 * (each.high or 0.0):.2f}"


def _sampler(checkpoint: Checkpoint, clamps: list[Held], config: SamplingConfig) -> Sampler:
    return Sampler.of(checkpoint, config, SteppedCharRNN(checkpoint.config, checkpoint.weights, clamps))


def _written(
    checkpoint: Checkpoint, clamps: list[Held], config: SamplingConfig, length: int, prime: str = "", seed: int = 0
) -> str:
    sampler = _sampler(checkpoint, clamps, config)
    return "".join(drawn.character for drawn in sampler.draw(length, prime, seed))


def _held(wanted: Unit | Direction, value: float) -> Held:
    if isinstance(wanted, Direction):
        return DirectionClamp(wanted, value)
    return Clamp(wanted.layer, wanted.index, value)


def _by_itself(
    network: CharRNN, checkpoint: Checkpoint, wanted: Unit | Direction
) -> tuple[str, npt.NDArray[np.float64]]:
    """What the model writes by itself, and over it a unit's hidden state, or h · w, [T]."""
    written = _written(checkpoint, [], SamplingConfig(), WARMING)
    h = record(network, checkpoint.vocabulary.encode(written), ["h"]).signals["h"][wanted.layer]
    values = wanted.projection(h) if isinstance(wanted, Direction) else h[:, wanted.index]
    return written, np.asarray(values, np.float64)


def _sign(checkpoint: Checkpoint, wanted: Unit | Direction) -> int:
    """1 where a unit is high, −1 where it is low, on what it is known to follow; 0 where nothing is known."""
    if isinstance(wanted, Direction):
        return 1
    about = known.of_unit(checkpoint.header.known_units, wanted, default_signal(checkpoint.config))
    return about.sign if about else 0


def _switching(text: str, values: npt.NDArray[np.float64], sign: int) -> str:
    """Whole words up to where a unit, values [T], has just risen or fallen most; as `sign` says, where it is not 0."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    means = (sums[SWITCHED:] - sums[:-SWITCHED]) / SWITCHED
    change = means[SWITCHED:] - means[:-SWITCHED]
    change[:PRIMED] = 0  # before it there are words to go on from
    end = int(np.argmax(change * sign if sign else np.abs(change))) + 2 * SWITCHED
    while end < len(text) and text[end].isalnum():
        end += 1
    words = text[end - PRIMED : end]
    return words[next((place + 1 for place, character in enumerate(words) if character.isspace()), 0) :]

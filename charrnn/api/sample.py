"""Texts that a model writes, character by character."""

import secrets
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

from charrnn import api
from charrnn.api.result import Result
from charrnn.errors import counted
from charrnn.feedback import SILENT, Feedback
from charrnn.model import known
from charrnn.model.checkpoint import Checkpoint
from charrnn.model.clamping import Clamp
from charrnn.model.stepped_network import SteppedCharRNN
from charrnn.room import available, check_memory
from charrnn.sampling.beam import beam_search
from charrnn.sampling.distribution import SamplingConfig
from charrnn.sampling.sampler import Drawn, Sampler
from charrnn.sampling.texts import Seeded, one_by_one, side_by_side
from charrnn.text.sources import read
from charrnn.text.symbols import plain

SIDE_BY_SIDE = 16  # texts from which on they are drawn together, by torch
HELD = 100  # bytes at least that a character takes which is drawn and not yet written


class Written(NamedTuple):
    """One text as it is drawn, and what it was drawn with."""

    prime: str
    sampler: Sampler
    seed: int | None  # None where nothing is drawn at random
    characters: Iterator[Drawn]

    @property
    def temperature(self) -> float:
        """At which it is drawn."""
        return self.sampler.config.temperature


class Texts(Result):
    """Texts as they are drawn: iterate over it once, or draw all by `to_dict()` or `str()`."""

    def __init__(
        self,
        samplers: Sequence[tuple[str, Sampler]],
        model: str,
        size: tuple[int, int],
        seed: int | None,
        drawn: Iterator[Written],
    ) -> None:
        """Take pairs of a prime and what draws from it, how many texts there are and how long, and the first seed.

        The seed is None where nothing is drawn at random.
        """
        self.samplers, self.model, self.seed = samplers, model, seed
        self._size, self._drawing = size, drawn

    def __iter__(self) -> Iterator[Written]:
        return self._drawing

    @property
    def sampler(self) -> Sampler:
        """What draws the first text."""
        return self.samplers[0][1]

    @property
    def settings(self) -> list[tuple[str, float]]:
        """The primes and temperatures of the texts, each pair once, in their order."""
        return [(prime, sampler.config.temperature) for prime, sampler in self.samplers]

    @cached_property
    def drawn(self) -> list[tuple[Written, list[Drawn]]]:
        """All texts with their characters.

        Raises:
            ConfigError: they would not fit into memory.
        """
        check_room(*self._size)
        return [(text, list(text.characters)) for text in self]

    def to_dict(self, nats: bool = False) -> dict[str, Any]:
        """Return what `charrnn sample --json` prints; `nats` adds −ln p of every character."""
        every = [one.nats for _, characters in self.drawn for one in characters]
        temperatures = {temperature for _, temperature in self.settings}
        return {
            "model": self.model,
            "temperature": temperatures.pop() if len(temperatures) == 1 else None,
            "samples": [_report(text, characters, nats) for text, characters in self.drawn],
            "nats": sum(every) / len(every) if every else None,
        }

    def __str__(self) -> str:
        return "\n---\n".join(_text(drawn) for _, drawn in self.drawn)


def _report(text: Written, drawn: Sequence[Drawn], nats: bool) -> dict[str, Any]:
    report: dict[str, Any] = {"prime": text.prime, "text": _text(drawn), "seed": text.seed}
    report["temperature"] = text.temperature
    if nats:
        report["nats"] = [one.nats for one in drawn]
    if drawn and drawn[0].guesses:
        report["alternatives"] = [one.guesses for one in drawn]
    return report


def write(
    checkpoint: Checkpoint,
    name: str = "",
    *,
    length: int = 1000,
    prime: str | Sequence[str] = "",
    temperature: float | Sequence[float] = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    beam: int | None = None,
    stop: Sequence[str] = (),
    clamp: Sequence[str] = (),
    count: int = 1,
    seed: int | None = None,
    watch: str | None = None,
    alternatives: int = 0,
    together: bool | None = None,
    precision: str | None = None,
    device: str = "auto",
) -> Texts:
    """Write texts that go on from a prime, or begin as the lines of the training text do.

    Args:
        checkpoint: the model that writes.
        name: what it was called by.
        length: characters to draw.
        prime: what the texts go on from; several: one after the other.
        temperature: 0 is greedy; several: for each prime, one after the other.
        top_k: draw from so many likeliest characters only.
        top_p: draw from the likeliest that hold this probability together only.
        min_p: draw from those only that are so many times as likely as the likeliest.
        beam: draw nothing: find the likeliest text among so many beginnings of each length.
        stop: texts that end a text.
        clamp: units to hold, such as "0:42=0.9", or the name of a known one, "quotes=0.9".
        count: how many texts, of each prime and temperature.
        seed: of the first at each prime and temperature; those of the others follow. None: another each time.
        watch: a unit, or the name of a known one, whose values are told with each character.
        alternatives: likeliest characters in each one's place, to be told with it.
        together: draw them side by side, by torch; None: from 16 texts on.
        precision: float32 or bfloat16; None: float32, or if side by side bfloat16 where the hardware has it.
        device: auto, cpu, cuda, cuda:N or mps; on the CPU, few texts are drawn by numpy.

    Raises:
        VocabularyError: the prime has characters that the model does not know.
        ConfigError: a setting is out of its range, a unit is none, or the texts would not fit into memory.
    """
    clamps = [known.clamp(checkpoint.header.known_units, each, checkpoint.config) for each in clamp]
    watched = None if watch is None else known.unit(checkpoint.header.known_units, watch, checkpoint.config)
    together = count >= SIDE_BY_SIDE if together is None else together
    primes = dict.fromkeys([prime] if isinstance(prime, str) else prime)
    temperatures = dict.fromkeys(temperature if isinstance(temperature, Sequence) else [temperature])
    configs = [SamplingConfig(each, top_k, top_p, min_p) for each in temperatures]
    network = _network(checkpoint, device, precision, clamps, together)
    samplers = [(each, Sampler.of(checkpoint, config, network)) for each, config in product(primes, configs)]
    for each in primes:
        checkpoint.vocabulary.encode(each)  # what is unknown is told now, not when the first character is drawn
    if together or beam is not None:
        check_room(count, length)
    first = secrets.randbits(32) if seed is None else seed
    seeds = range(first, first + count)

    def texts(start: str, sampler: Sampler) -> Iterator[Seeded]:
        if beam is not None:
            return iter([(None, beam_search(sampler, beam, length, start, stop))])
        if together:
            return side_by_side(sampler, length, start, seeds, stop)
        return one_by_one(sampler, length, start, seeds, stop, alternatives, watched)

    at_random = beam is None and (seed is not None or any(temperatures))
    drawn = (
        Written(start, sampler, number if sampler.config.temperature or seed is not None else None, characters)
        for start, sampler in samplers
        for number, characters in texts(start, sampler)
    )
    return Texts(samplers, name, (len(samplers) * count, length), first if at_random else None, drawn)


def prime_of(
    checkpoint: Checkpoint,
    prime: str | None = None,
    prime_file: str | None = None,
    skip_unknown: bool = False,
    feedback: Feedback = SILENT,
) -> str:
    """Return what a text goes on from: a string, or a file's text without a last newline ("-": stdin).

    Raises:
        SourceError: the file cannot be read.
        VocabularyError: the model does not know all characters, which are not to be left out.
    """
    text = read([prime_file]).characters.removesuffix("\n") if prime_file is not None else prime or ""
    vocabulary = checkpoint.vocabulary
    folded, known = vocabulary.folded(text), vocabulary.known(text)
    if not skip_unknown:
        vocabulary.encode(text)
    if len(known) < len(folded):
        unseen = counted(len(folded) - len(known), vocabulary.noun)
        done = "left out" if skip_unknown else "read as U+FFFD"
        feedback.note(f"{done}: {unseen} of the prime that the model has never seen")
    return plain(known) if skip_unknown else vocabulary.normal(text)


def check_room(count: int, length: int) -> None:
    """Refuse more characters than can be held, where they are: what is written as it is drawn may be of any length."""
    whole = f"to hold {count:,} × {length:,} characters"
    cure = "choose a smaller --length or --count, or leave --json and --beam out: one text is written as it is drawn"
    check_memory(whole, HELD * length * count, available(), cure)


def _text(drawn: Sequence[Drawn]) -> str:
    return "".join(one.character for one in drawn)


def _network(
    checkpoint: Checkpoint, device: str, precision: str | None, clamps: Sequence[Clamp], together: bool
) -> SteppedCharRNN:
    """The network on numpy, which starts at once and is the fastest for few streams, or on torch."""
    if device in ("auto", "cpu") and precision != "bfloat16" and not together:
        return SteppedCharRNN(checkpoint.config, checkpoint.weights, clamps)
    return api.devices.stepped(checkpoint, device, precision if together or precision else "float32", clamps)

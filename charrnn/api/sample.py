"""Texts that a model writes, character by character."""

import secrets
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from charrnn import api
from charrnn.api.result import Result
from charrnn.errors import counted
from charrnn.feedback import SILENT, Feedback
from charrnn.model.checkpoint import Checkpoint
from charrnn.model.clamping import Clamp
from charrnn.model.stepped_network import SteppedCharRNN
from charrnn.model.units import Unit
from charrnn.room import available, check_memory
from charrnn.sampling.beam import beam_search
from charrnn.sampling.distribution import SamplingConfig
from charrnn.sampling.sampler import Drawn, Sampler
from charrnn.sampling.texts import Seeded, one_by_one, side_by_side
from charrnn.text.sources import read

SIDE_BY_SIDE = 16  # texts from which on they are drawn together, by torch
HELD = 100  # bytes at least that a character takes which is drawn and not yet written


class Texts(Result):
    """Texts as they are drawn: iterate over it once, or draw all by `to_dict()` or `str()`."""

    def __init__(
        self, sampler: Sampler, model: str, prime: str, size: tuple[int, int], drawn: Iterator[Seeded]
    ) -> None:
        """`size` is how many texts there are, and how many characters each has at most."""
        self.sampler, self.model, self.prime = sampler, model, prime
        self._size, self._drawing = size, drawn

    def __iter__(self) -> Iterator[Seeded]:
        return self._drawing

    @cached_property
    def drawn(self) -> list[tuple[int | None, list[Drawn]]]:
        """All texts with their seeds.

        Raises:
            ConfigError: they would not fit into memory.
        """
        check_room(*self._size)
        return [(seed, list(characters)) for seed, characters in self]

    def to_dict(self, nats: bool = False) -> dict[str, Any]:
        """Return what `charrnn sample --json` prints; `nats` adds −ln p of every character."""
        every = [one.nats for _, characters in self.drawn for one in characters]
        return {
            "model": self.model,
            "temperature": self.sampler.config.temperature,
            "samples": [self._report(seed, characters, nats) for seed, characters in self.drawn],
            "nats": sum(every) / len(every) if every else None,
        }

    def _report(self, seed: int | None, drawn: Sequence[Drawn], nats: bool) -> dict[str, Any]:
        report: dict[str, Any] = {"prime": self.prime, "text": _text(drawn), "seed": seed}
        if nats:
            report["nats"] = [one.nats for one in drawn]
        if drawn and drawn[0].guesses:
            report["alternatives"] = [one.guesses for one in drawn]
        return report

    def __str__(self) -> str:
        return "\n---\n".join(_text(drawn) for _, drawn in self.drawn)


def write(
    checkpoint: Checkpoint,
    name: str = "",
    *,
    length: int = 1000,
    prime: str = "",
    temperature: float = 1.0,
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
        prime: what the texts go on from.
        temperature: 0 is greedy.
        top_k: draw from so many likeliest characters only.
        top_p: draw from the likeliest that hold this probability together only.
        min_p: draw from those only that are so many times as likely as the likeliest.
        beam: draw nothing: find the likeliest text among so many beginnings of each length.
        stop: texts that end a text.
        clamp: units to hold, such as "0:42=0.9".
        count: how many texts.
        seed: of the first; those of the others follow. None: another each time.
        watch: a unit whose values are told with each character.
        alternatives: likeliest characters in each one's place, to be told with it.
        together: draw them side by side, by torch; None: from 16 texts on.
        precision: float32 or bfloat16; None: float32, or if side by side bfloat16 where the hardware has it.
        device: auto, cpu, cuda, cuda:N or mps; on the CPU, few texts are drawn by numpy.

    Raises:
        VocabularyError: the prime has characters that the model does not know.
        ConfigError: a setting is out of its range, a unit is none, or the texts would not fit into memory.
    """
    config = SamplingConfig(temperature, top_k, top_p, min_p)
    clamps = [Clamp.parse(each, checkpoint.config) for each in clamp]
    watched = None if watch is None else Unit.parse(watch, checkpoint.config)
    together = count >= SIDE_BY_SIDE if together is None else together
    sampler = Sampler.of(checkpoint, config, _network(checkpoint, device, precision, clamps, together))
    checkpoint.vocabulary.encode(prime)  # what is unknown is told now, not when the first character is drawn
    if together or beam is not None:
        check_room(count, length)
    first = secrets.randbits(32) if seed is None else seed
    seeds = range(first, first + count)
    if beam is not None:
        drawn: Iterator[Seeded] = iter([(None, beam_search(sampler, beam, length, prime, stop))])
    elif together:
        drawn = side_by_side(sampler, length, prime, seeds, stop)
    else:
        drawn = one_by_one(sampler, length, prime, seeds, stop, alternatives, watched)
    if seed is None and temperature == 0:
        drawn = ((None, characters) for _, characters in drawn)  # nothing is drawn at random, so no seed is told
    return Texts(sampler, name, prime, (count, length), drawn)


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
    known = checkpoint.vocabulary.known(text)
    if not skip_unknown:
        checkpoint.vocabulary.encode(text)
    if len(known) < len(text):
        unseen = counted(len(text) - len(known), "character")
        done = "left out" if skip_unknown else "read as U+FFFD"
        feedback.note(f"{done}: {unseen} of the prime that the model has never seen")
    return known if skip_unknown else text


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

"""Characters, as they are drawn: of one stream, or of many side by side. Works on ids and arrays; prints nothing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from charrnn.errors import StatesOverflowError
from charrnn.model.cells import Array, array_module
from charrnn.model.checkpoint import Checkpoint
from charrnn.model.stepped_network import SteppedCharRNN
from charrnn.model.units import Unit
from charrnn.sampling.distribution import SamplingConfig, draw, draw_one, log_softmax, softmax
from charrnn.text.vocabulary import END, Vocabulary

State = tuple[tuple[Array, ...], ...]  # for each layer its parts, each [B, H]

NOISE = 256  # characters for which noise is drawn at once
PIECE = 1000  # characters of a prime that are read at once
PLAIN = SamplingConfig()
BLOCK = 64  # characters of many streams that are fetched from a device at once


class Stream(Protocol):
    """One text that a model goes on with in place."""

    def read(self, index: int) -> npt.NDArray[np.float32]:
        """Read a character; return the logits [V] of the next, which stand until the next call."""

    def value(self, layer: int, index: int) -> float:
        """Return a unit's memory (c, or h where there is none) when that has been read."""


class Model(Protocol):
    """What a sampler needs of a model: (ids [B, T], state) -> (logits [B, T, V], state), and logits to begin with."""

    def __call__(self, ids: Array, state: State | None = None) -> tuple[Array, State]:
        """Read ids from a state; None is the start of a text."""

    def initial_logits(self) -> Array:
        """Return the logits [V] of the zero state."""

    def stream(self, state: State | None = None) -> Stream | None:
        """Return what goes on with one text from a state; None where nothing does so faster than the model itself."""

    def initial_state(self, batch_size: int) -> State:
        """Return the state of the start of a text."""

    def replayed(self, function: Callable[..., Sequence[Array]]) -> Callable[..., Sequence[Array]] | None:
        """Return what does the same sooner, over and over, and each time writes over what it returned; or None."""

    def native(self, array: npt.NDArray[Any]) -> Array:
        """Return a numpy array as the kind of array that the model runs on."""

    def numpy(self, array: Array) -> npt.NDArray[Any]:
        """Return such an array as a numpy array."""


class Position(NamedTuple):
    """Where B streams stand: the logits [B, V] of the next character, and the state; None is the start of a text."""

    logits: Array
    state: State | None

    def rows(self, rows: Sequence[int] | npt.NDArray[np.integer]) -> "Position":
        """Return the streams of these numbers, in their order; one may be taken several times."""
        state = self.state and tuple(tuple(part[rows] for part in layer) for layer in self.state)
        return Position(self.logits[rows], state)


class Step(NamedTuple):
    """One character of every stream."""

    ids: Array  # [B]
    nats: Array  # [B], as in Drawn
    logits: Array  # [B, V], that it was drawn from
    after: Position | None  # where the streams stand when they have read it, if that was asked for


class Drawn(NamedTuple):
    """One drawn character or longer symbol, and −ln p of it under the model itself: at temperature 1, of all."""

    character: str
    nats: float
    guesses: tuple[tuple[str, float], ...] = ()  # the likeliest characters in its place, and their probabilities
    value: float | None = None  # a watched unit's memory (c, or h where there is none) when it has been read


class Sampler:
    """Draws text from a model.

    The same seed, prime and settings give the same text, for any length (a longer text begins with the shorter one).
    `beginnings` tells how often a line of the model's training text began with each character.
    """

    def __init__(
        self, model: Model, vocabulary: Vocabulary, config: SamplingConfig, beginnings: Mapping[str, int] | None = None
    ) -> None:
        self.model, self.vocabulary, self.config = model, vocabulary, config
        self._beginnings = beginnings or {}

    @classmethod
    def of(cls, checkpoint: Checkpoint, config: SamplingConfig = PLAIN, model: Model | None = None) -> "Sampler":
        """Return what draws from a checkpoint; None: its network by numpy, which starts at once."""
        network = model or SteppedCharRNN(checkpoint.config, checkpoint.weights)
        return cls(network, checkpoint.vocabulary, config, checkpoint.header.line_beginnings)

    def begin(self, prime: str = "") -> Position:
        """Return where one stream stands after a prime, or at the beginning of a line like the training text's.

        A text begins with no blank, unless every line does. A model of items stands after START and the prime.

        Raises:
            VocabularyError: the prime has characters that the model does not know.
        """
        start = Position(self.model.initial_logits()[None], None)
        if self.vocabulary.end is not None:  # a model of items has read nothing before it
            return self.read(END + prime, start)
        if prime:
            return self.read(prime, start)
        after = self.read("\n", start) if "\n" in self.vocabulary else start
        if not self._beginnings:
            return after
        counts = np.array([[self._beginnings.get(c, 0) for c in self.vocabulary.characters]], np.float32)
        visible = np.where([c.isspace() for c in self.vocabulary.characters], np.float32(0), counts)
        counts = visible if visible.any() else counts
        with np.errstate(divide="ignore"):  # what begins no line has no chance
            return after._replace(logits=self.model.native(np.log(counts)))

    def read(self, text: str, position: Position) -> Position:
        """Return where one stream stands after it has read a text, in bounded memory."""
        ids = self.vocabulary.encode(text).astype(np.int64)
        for start in range(0, len(ids), PIECE):
            position = self.follow(ids[None, start : start + PIECE], position.state)
        return position

    def follow(self, ids: npt.NDArray[np.int64], state: State | None) -> Position:
        """Return where streams stand that read ids [B, T] from a state."""
        return self._read(self.model.native(ids), state)

    def draw(
        self, length: int, prime: str = "", seed: int = 0, guesses: int = 0, watch: Unit | None = None
    ) -> Iterator[Drawn]:
        """Yield `length` characters that go on from the prime, or begin as the lines of the training text do.

        Raises:
            VocabularyError: the prime has characters that the model does not know.
        """
        position = self.begin(prime)
        stream = self.model.stream(position.state)
        if stream:
            drawn = self._draw_along(stream, position.logits[0], length, seed, guesses, watch)
        else:
            steps = self.steps(position, length, [seed], follow=watch is not None)
            drawn = (self.drawn(step, guesses, watch) for step in steps)
        yield from self.behind(prime, drawn)

    def behind(self, before: str, drawn: Iterator[Drawn]) -> Iterator[Drawn]:
        """Return what is drawn as it is written behind a text: where symbols are spaced, with spaces between."""
        return self._spaced(before, drawn) if self.vocabulary.is_spaced else drawn

    def _spaced(self, before: str, drawn: Iterator[Drawn]) -> Iterator[Drawn]:
        for one in drawn:
            yield one._replace(character=self.vocabulary.between(before, one.character) + one.character)
            before = one.character

    def _draw_along(
        self, stream: Stream, logits: Array, length: int, seed: int, guesses: int, watch: Unit | None
    ) -> Iterator[Drawn]:
        """The same as the steps of one stream, but nothing is made for a character that it does not need."""
        config, characters, generator = self.config, self.vocabulary.names, np.random.default_rng(seed)
        for start in range(0, length, NOISE):
            for place, noise in enumerate(generator.random(NOISE, np.float32)[: length - start].tolist(), start + 1):
                index, nats = draw_one(logits, config, noise)
                likeliest = self._likeliest(logits, guesses) if guesses else ()
                if watch is None:
                    yield Drawn(characters[index], nats, likeliest)
                if watch is not None or place < length:
                    logits = stream.read(index)
                if watch is not None:
                    yield Drawn(characters[index], nats, likeliest, stream.value(watch.layer, watch.index))

    def drawn(self, step: Step, guesses: int = 0, watch: Unit | None = None) -> Drawn:
        """Return what the first stream has drawn in a step, with so many guesses and the value of a watched unit."""
        characters = self.vocabulary.names
        likeliest = self._likeliest(self.model.numpy(step.logits[0]), guesses) if guesses else ()
        value = None
        if watch and step.after and step.after.state:
            value = float(step.after.state[watch.layer][-1][0, watch.index])
        return Drawn(characters[int(step.ids[0])], float(step.nats[0]), likeliest, value)

    def typed(self, prime: str, since: int = 0, guesses: int = 0, watch: Unit | None = None) -> Iterator[Drawn]:
        """Yield the characters of a prime, from `since` on, as if they had been drawn; nothing predicts its first."""
        yield from self.behind(prime[:since], self._typed(prime, since, guesses, watch))

    def _typed(self, prime: str, since: int, guesses: int, watch: Unit | None) -> Iterator[Drawn]:
        position = self.read(prime[:since], Position(self.model.initial_logits()[None], None))
        for place, index in enumerate(self.vocabulary.encode(prime[since:]).astype(np.int64), since):
            told = self.model.numpy(log_softmax(position.logits))[0, index] if place else 0.0
            after = self.follow(np.array([[index]]), position.state)
            yield self.drawn(Step([index], [-told], position.logits, after), guesses if place else 0, watch)
            position = after

    def _likeliest(self, logits: npt.NDArray[Any], guesses: int) -> tuple[tuple[str, float], ...]:
        p = softmax(logits)
        order = np.argsort(-p, kind="stable")[:guesses].tolist()
        return tuple((self.vocabulary.names[index], float(p[index])) for index in order)

    def draw_many(
        self, length: int, prime: str, seeds: Sequence[int]
    ) -> Iterator[tuple[npt.NDArray[np.integer], npt.NDArray[np.floating[Any]]]]:
        """Yield ids and nats, each [N, B], of as many streams as there are seeds, some characters at a time.

        What is drawn stays on the model's device until a block of it is whole, so that nothing waits for a character.
        """
        block: list[Step] = []
        for step in self._replays(self.begin(prime), length, seeds):
            block.append(step)
            if len(block) == BLOCK:
                yield self._fetched(block)
                block = []
        if block:
            yield self._fetched(block)

    def steps(self, position: Position, length: int, seeds: Sequence[int], follow: bool = False) -> Iterator[Step]:
        """Yield `length` steps of streams that all start where one stands; each stream's noise is its seed's alone.

        With `follow`, each step tells where the streams stand after it.
        """
        logits, state = position.rows([0] * len(seeds))
        for place, noise in enumerate(self._noise(length, seeds)):
            ids, nats = draw(logits, self.config, noise)
            step = Step(ids, nats, logits, None)
            if not follow:
                yield step
            if follow or place + 1 < length:
                logits, state = self._read(ids[:, None], state)
            if follow:
                yield step._replace(after=Position(logits, state))

    def _noise(self, length: int, seeds: Sequence[int]) -> Iterator[Array]:
        generators = [np.random.default_rng(seed) for seed in seeds]
        for start in range(0, length, NOISE):
            block = np.stack([g.random(NOISE, np.float32) for g in generators], 1)
            yield from self.model.native(block)[: length - start]

    def _replays(self, position: Position, length: int, seeds: Sequence[int]) -> Iterator[Step]:
        """Yield the same steps, each taken at once where the model can; their logits do not outlive the next."""
        logits, state = position.rows([0] * len(seeds))
        before = state or self.model.initial_state(len(seeds))

        def advance(noise: Array, logits: Array, *parts: Array) -> list[Array]:
            ids, nats = draw(logits, self.config, noise)
            after = self._read(ids[:, None], tuple(zip(*[iter(parts)] * len(before[0]), strict=True)))
            return [ids, nats, after.logits, *(part for layer in after.state or () for part in layer)]

        replay = self.model.replayed(advance)
        if replay is None:
            yield from self.steps(position, length, seeds)
            return
        parts: Sequence[Array] = [part for layer in before for part in layer]
        for noise in self._noise(length, seeds):
            ids, nats, after, *parts = replay(noise, logits, *parts)
            yield Step(ids.clone(), nats.clone(), logits, None)
            logits = after

    def _read(self, ids: Array, state: State | None) -> Position:
        logits, after = self.model(ids, state)
        return Position(logits[:, -1], after)

    def _fetched(self, block: list[Step]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        stack = array_module(block[0].ids).stack
        nats = self.model.numpy(stack([step.nats for step in block]))
        if not np.isfinite(nats).all():
            raise StatesOverflowError
        return self.model.numpy(stack([step.ids for step in block])), nats


def until(characters: Iterator[Drawn], stops: Sequence[str]) -> Iterator[Drawn]:
    """Yield characters until one of the stop texts has been drawn; the stop text is the end of what is yielded.

    A symbol that is longer than a character is yielded whole.

    >>> drawn = (Drawn(c, 0.0) for c in "one. two. three.")
    >>> "".join(d.character for d in until(drawn, ["o.", "wo"]))
    'one. two'
    """
    written = ""
    longest = max(map(len, stops), default=0)
    for drawn in characters:
        yield drawn
        written = (written + drawn.character)[1 - longest - len(drawn.character) :] if longest else ""
        if any(stop and stop in written for stop in stops):
            return

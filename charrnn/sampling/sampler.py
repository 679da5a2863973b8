"""Characters, one at a time, as they are drawn. Works on ids and arrays; knows no torch and prints nothing."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from charrnn.sampling.distribution import Floats, SamplingConfig, log_softmax, probabilities
from charrnn.text.vocabulary import Vocabulary

State = tuple[Any, ...]


class Model(Protocol):
    """What a sampler needs of a model: (ids [B, T], state) -> (logits [B, T, V], state), and logits to begin with."""

    def __call__(self, ids: npt.NDArray[np.integer], state: State | None = None) -> tuple[Floats, State]:
        """Read ids from a state; None is the start of a text."""

    def initial_logits(self) -> Floats:
        """Return the logits [V] of the zero state."""


class Drawn(NamedTuple):
    """One drawn character, and −ln p of it under the model itself (at temperature 1, nothing left out)."""

    character: str
    nats: float


class Sampler:
    """Draws text from a model.

    The same seed, prime and settings give the same text, for any length (a longer text begins with the shorter one).
    """

    def __init__(self, model: Model, vocabulary: Vocabulary, config: SamplingConfig) -> None:
        self.model, self.vocabulary, self.config = model, vocabulary, config

    def draw(self, length: int, prime: str = "", seed: int = 0) -> Iterator[Drawn]:
        """Yield `length` characters that go on from the prime (or from the beginning of a line).

        Raises:
            VocabularyError: the prime has characters that the model does not know.
        """
        logits, state = self._begin(prime)
        random = np.random.default_rng(seed)
        for drawn in range(1, length + 1):
            index = self._choose(logits, random)
            yield Drawn(self.vocabulary.decode([index]), float(-log_softmax(logits)[index]))
            if drawn < length:
                logits, state = self._read([index], state)

    def _begin(self, prime: str) -> tuple[Floats, State | None]:
        prime = prime or ("\n" if "\n" in self.vocabulary else "")
        if not prime:
            return self.model.initial_logits(), None
        return self._read(self.vocabulary.encode(prime), None)

    def _read(self, ids: npt.ArrayLike, state: State | None) -> tuple[Floats, State]:
        logits, after = self.model(np.asarray(ids, np.int64)[None, :], state)
        return logits[0, -1], after

    def _choose(self, logits: Floats, random: np.random.Generator) -> int:
        cumulative = np.cumsum(probabilities(logits, self.config))
        return min(int(np.searchsorted(cumulative, random.random() * cumulative[-1], side="right")), len(logits) - 1)


def until(characters: Iterator[Drawn], stops: Sequence[str]) -> Iterator[Drawn]:
    """Yield characters until one of the stop texts has been drawn; the stop text is the end of what is yielded.

    >>> drawn = (Drawn(c, 0.0) for c in "one. two. three.")
    >>> "".join(d.character for d in until(drawn, ["o.", "wo"]))
    'one. two'
    """
    written = ""
    longest = max(map(len, stops), default=0)
    for drawn in characters:
        yield drawn
        written = (written + drawn.character)[-longest:] if longest else ""
        if any(stop and written.endswith(stop) for stop in stops):
            return

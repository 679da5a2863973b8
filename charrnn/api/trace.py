"""How strongly each earlier character bears on one prediction."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from charrnn.api.drawing import Drawing
from charrnn.api.passage import Passage
from charrnn.display import reach
from charrnn.display.highlight import Highlight
from charrnn.errors import ConfigError, counted
from charrnn.model.network import CharRNN
from charrnn.neurons.influence import SHARES, Influence, influence
from charrnn.text.symbols import Folded, pieces_of, plain
from charrnn.text.vocabulary import Vocabulary

LIKELIEST = 5  # characters told with their chances


@dataclass(frozen=True)
class Trace(Drawing):
    """The influence of each earlier character on the prediction of one."""

    passage: Passage
    measure: str
    found: Influence
    target: str  # the character whose prediction it is about
    likeliest: tuple[tuple[str, float], ...]  # characters that were likeliest there, with their probabilities

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it; `influence` is relative to the strongest."""
        found, start = self.found, self.found.position - len(self.found.logs)
        text = self.passage.text[start : found.position]
        return {
            "model": self.passage.model,
            "source": " ".join(self.passage.source),
            "measure": self.measure,
            "characters": len(self.passage),
            "position": found.position,
            "there": plain(self.passage.text[found.position]),
            "of": self.target,
            "probability": float(found.chances[found.target]),
            "likeliest": [list(each) for each in self.likeliest],
            "start": start,
            "text": plain(text),
            **({"symbols": pieces_of(text)} if isinstance(text, Folded) else {}),
            "influence": found.relative.tolist(),
            "log10_strongest": found.strongest,
            "reach": {f"{share:g}": found.reach(share) for share in SHARES},
        }

    def __str__(self) -> str:
        return reach.text(self._drawn)

    @property
    def highlight(self) -> Highlight:
        """The characters before, coloured by their influence."""
        return self._drawn.highlight

    def below(self) -> list[str]:
        """Return the curve of influence over distance, as lines of text."""
        return reach.below(self._drawn)

    def content(self, form: str) -> str:
        """Return it as "text" (marks for colours), "html", "svg" or "json"."""
        drawn = {"html": reach.html, "svg": reach.svg}.get(form)
        return drawn(self._drawn) if drawn else super().content(form)

    def draw(self, path: Path) -> set[str]:
        """Write it as PNG; return the signs that no font here has, in whose place stands �."""
        return reach.png(self._drawn, path)

    @cached_property
    def _drawn(self) -> reach.Reach:
        return reach.of_dict(self.to_dict())


def trace(
    network: CharRNN,
    vocabulary: Vocabulary,
    passage: Passage,
    position: int,
    *,
    of: str | None = None,
    length: int = 300,
    measure: Literal["norm", "product"] = "norm",
) -> Trace:
    """Measure the gradient of a character's log-probability with respect to each earlier character's input.

    Args:
        network: that predicts.
        vocabulary: its characters.
        passage: the text.
        position: of the character predicted, in the passage, from 0.
        of: another character in its place; None: the one there.
        length: characters to go back.
        measure: the gradient's Euclidean norm, or gradient · input, which has a sign.

    Raises:
        ConfigError: there is no character before the position, or `of` is not one character.
        VocabularyError: the model does not know `of`.
    """
    target = None if of is None else _one_id(vocabulary, of)
    begins = _item(passage, vocabulary, position)
    found = influence(network, passage.ids[begins:], position - begins, length, target, measure)
    found = replace(found, position=position)
    likeliest = found.chances.argsort(kind="stable")[::-1][:LIKELIEST]
    named = tuple((vocabulary.decode([i]), float(found.chances[i])) for i in likeliest)
    return Trace(passage, measure, found, vocabulary.decode([found.target]), named)


def _item(passage: Passage, vocabulary: Vocabulary, position: int) -> int:
    """Where the item that a position is in begins, with the END before it, from which its state is fresh; or 0."""
    if vocabulary.end is None:
        return 0
    ends = np.flatnonzero(passage.ids[: max(0, position)] == vocabulary.end)
    return int(ends[-1]) if len(ends) else 0


def _one_id(vocabulary: Vocabulary, character: str) -> int:
    symbols = len(vocabulary.folded(character))
    if symbols != 1:
        raise ConfigError(f"--of has {counted(symbols, vocabulary.noun)}", "give one")
    return int(vocabulary.encode(character)[0])

"""Beam search: the likeliest text that is found when the K likeliest beginnings of each length are kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charrnn.errors import check_range
from charrnn.sampling.distribution import log_softmax
from charrnn.sampling.sampler import Drawn, Position, Sampler

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Beginning:
    """A text as it grows: its last character and what was before it, so that common beginnings are kept once."""

    character: str
    nats: float  # of the last character
    total: float  # of all
    length: int
    before: "_Beginning | None"
    tail: str  # its last characters, to look for a stop in

    def text(self) -> Iterator[Drawn]:
        characters = []
        place: _Beginning | None = self
        while place is not None:
            characters.append(Drawn(place.character, place.nats))
            place = place.before
        return reversed(characters)


def beam_search(
    sampler: Sampler, width: int, length: int, prime: str = "", stops: Sequence[str] = ()
) -> Iterator[Drawn]:
    """Yield the text of up to `length` characters, with the fewest nats per character, that beam search finds.

    At each length the `width` likeliest beginnings are kept; one that a stop text has ended is set aside. A width of 1
    is greedy. It draws nothing, so that the same call gives the same text always.

    Raises:
        ConfigError: the width is not from 1 to 1000.
        VocabularyError: the prime has characters that the model does not know.
    """
    check_range("beam", width, 1, 1000)
    position = sampler.begin(prime)
    live: list[_Beginning | None] = [None]
    ended: list[_Beginning] = []
    for place in range(length):
        grown, rows, ids = _grow(sampler, position, live, width, stops, prime)
        ended += [b for b in grown if _stopped(b, stops)]
        going = [number for number, b in enumerate(grown) if not _stopped(b, stops)]
        live = [grown[number] for number in going]
        best = min((b.total / b.length for b in ended), default=np.inf)
        # the nats of a text only grow: a live beginning that has spent more than `best` over the full length is lost
        if not live or min(b.total for b in live if b) > best * length or place + 1 == length:
            break
        position = sampler.follow(ids[going][:, None], position.rows(rows[going]).state)
    found = [*ended, *(b for b in live if b)]
    return min(found, key=lambda b: b.total / b.length).text() if found else iter(())


def _grow(
    sampler: Sampler,
    position: Position,
    live: Sequence[_Beginning | None],
    width: int,
    stops: Sequence[str],
    prime: str,
) -> tuple[list[_Beginning], npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The likeliest beginnings that are a character longer, and for each the row it grew from and its new id."""
    nats: Floats = -log_softmax(sampler.model.numpy(position.logits))
    totals = nats + np.array([[b.total if b else 0.0] for b in live])
    chosen = np.argsort(totals, axis=None, kind="stable")[:width]
    chosen = chosen[np.isfinite(totals.ravel()[chosen])]
    rows, ids = np.unravel_index(chosen, totals.shape)
    longest = max(map(len, stops), default=0)
    grown = []
    for row, index in zip(rows, ids, strict=True):
        before, character = live[row], sampler.vocabulary.names[index]
        character = sampler.vocabulary.between(before.character if before else prime, character) + character
        tail = ((before.tail if before else "") + character)[1 - longest - len(character) :] if longest else ""
        length = before.length + 1 if before else 1
        grown.append(_Beginning(character, nats[row, index], totals[row, index], length, before, tail))
    return grown, rows, ids


def _stopped(beginning: _Beginning, stops: Sequence[str]) -> bool:
    return any(stop and stop in beginning.tail for stop in stops)

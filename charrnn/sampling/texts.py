"""Several texts of one model: one after the other as they are asked for, or drawn side by side."""

from collections.abc import Iterator, Sequence

import numpy as np

from charrnn.model.units import Unit
from charrnn.sampling.sampler import Drawn, Sampler, until

Seeded = tuple[int | None, Iterator[Drawn]]  # a text with its seed; what is not drawn at random has none


def one_by_one(
    sampler: Sampler,
    length: int,
    prime: str,
    seeds: Sequence[int],
    stops: Sequence[str] = (),
    guesses: int = 0,
    watch: Unit | None = None,
) -> Iterator[Seeded]:
    """Yield a text for each seed, of `length` characters or to a stop text; each is drawn as it is read."""
    for seed in seeds:
        yield seed, until(sampler.draw(length, prime, seed, guesses, watch), stops)


def side_by_side(
    sampler: Sampler, length: int, prime: str, seeds: Sequence[int], stops: Sequence[str] = ()
) -> Iterator[Seeded]:
    """Yield the same texts, all drawn at once; rounding may make one another than its seed gives alone."""
    blocks = list(sampler.draw_many(length, prime, seeds))
    names = np.array(list(sampler.vocabulary.names), object)
    for number, seed in enumerate(seeds):
        ids = np.concatenate([ids[:, number] for ids, _ in blocks]) if blocks else np.zeros(0, int)
        nats = np.concatenate([nats[:, number] for _, nats in blocks]).tolist() if blocks else []
        yield seed, until(sampler.behind(prime, map(Drawn, names[ids].tolist(), nats)), stops)

"""The laws of beam search, shown on models that are tables."""

from itertools import product

import numpy as np
import pytest

from charrnn.errors import ConfigError
from charrnn.model.stepped_network import SteppedCharRNN
from charrnn.sampling.beam import beam_search
from charrnn.sampling.distribution import SamplingConfig, log_softmax
from charrnn.sampling.sampler import Sampler
from charrnn.text.vocabulary import Vocabulary


@pytest.fixture
def sampler(make_config):
    """A sampler of a network of four characters whose choices depend on all before them."""
    config = make_config(vocabulary_size=4, num_layers=2)
    rng = np.random.default_rng(1)
    weights = {name: 2 * rng.normal(size=shape).astype("f") for name, shape in config.shapes().items()}
    return Sampler(SteppedCharRNN(config, weights), Vocabulary("abcd"), SamplingConfig(0))


def nats(sampler, prime, text):
    """−ln p of a text after a prime."""
    ids = sampler.vocabulary.encode(prime + text).astype(int)
    logits, _ = sampler.model(ids[None])
    each = -log_softmax(logits[0])[len(prime) - 1 : -1]
    return sum(each[place, index] for place, index in enumerate(ids[len(prime) :]))


def written(drawn):
    return "".join(d.character for d in drawn)


def test_a_beam_of_1_is_greedy(sampler):
    assert written(beam_search(sampler, 1, 12, "a")) == written(sampler.draw(12, "a"))


def test_a_beam_as_wide_as_all_texts_finds_the_likeliest(sampler):
    texts = ["".join(letters) for letters in product("abcd", repeat=4)]
    best = min(texts, key=lambda text: nats(sampler, "b", text))
    assert written(beam_search(sampler, 4**4, 4, "b")) == best
    assert best != written(beam_search(sampler, 1, 4, "b"))


def test_the_nats_are_those_of_the_text(sampler):
    drawn = list(beam_search(sampler, 3, 9, "ab"))
    assert sum(d.nats for d in drawn) == pytest.approx(nats(sampler, "ab", written(drawn)), rel=1e-5)


def test_among_texts_that_a_stop_may_end_that_of_the_fewest_nats_per_character_is_found(sampler):
    def ended(text):
        return text.endswith(("ca", "db"))

    texts = ["".join(letters) for n in range(1, 5) for letters in product("abcd", repeat=n)]
    whole = [t for t in texts if not any(ended(t[:n]) for n in range(len(t))) and (ended(t) or len(t) == 4)]
    best = min(whole, key=lambda text: nats(sampler, "b", text) / len(text))
    assert written(beam_search(sampler, 4**4, 4, "b", ["ca", "db"])) == best


@pytest.mark.parametrize("length", [0, 1, 7])
def test_the_length_is_the_longest_that_a_text_gets(sampler, length):
    assert len(list(beam_search(sampler, 2, length, "a"))) == length


@pytest.mark.parametrize("width", [0, 1001])
def test_a_width_out_of_its_range_is_refused(sampler, width):
    with pytest.raises(ConfigError, match="beam is"):
        list(beam_search(sampler, width, 3, "a"))

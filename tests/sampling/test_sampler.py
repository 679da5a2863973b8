"""The laws of drawing characters, shown on models that are tables."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.errors import VocabularyError
from charrnn.sampling.distribution import SamplingConfig, softmax
from charrnn.sampling.sampler import Drawn, Sampler, until
from charrnn.text.vocabulary import Vocabulary

law = settings(deadline=None, max_examples=50)


class Bigram:
    """A model whose logits depend on the last character alone; its state is all that it has read."""

    def __init__(self, table, first=None):
        self.table = np.asarray(table, np.float32)
        self.first = self.table[0] if first is None else np.asarray(first, np.float32)
        self.read = []

    def __call__(self, ids, state=None):
        state = (*(state or ()), *ids[0].tolist())
        self.read.append(state)
        return self.table[ids], state

    def initial_logits(self):
        return self.first


def bigram(size, seed=0):
    return Bigram(np.random.default_rng(seed).normal(size=(size, size)), np.linspace(1, 0, size))


def fixed(logits):
    return Bigram(np.tile(logits, (len(logits), 1)))


def text(model, characters, length, prime="", seed=0, **config):
    sampler = Sampler(model, Vocabulary(characters), SamplingConfig(**config))
    return "".join(drawn.character for drawn in sampler.draw(length, prime, seed))


def test_temperature_0_ignores_the_seed():
    assert len({text(bigram(5), "abcde", 50, seed=seed, temperature=0) for seed in range(5)}) == 1


def test_temperature_0_follows_the_largest_logit_of_the_last_character():
    cycle = np.roll(np.eye(3), 1, axis=1)
    assert text(Bigram(cycle), "abc", 6, prime="a", temperature=0) == "bcabca"


@law
@given(st.integers(0, 2**32), st.integers(0, 40))
def test_the_same_seed_gives_the_same_text(seed, length):
    first = text(bigram(5), "abcde", length, "ab", seed)
    assert first == text(bigram(5), "abcde", length, "ab", seed)
    assert len(first) == length


def test_another_seed_gives_another_text():
    assert len({text(bigram(5), "abcde", 40, seed=seed) for seed in range(4)}) == 4


@law
@given(st.integers(0, 30), st.integers(0, 30))
def test_a_longer_text_begins_with_the_shorter(short, more):
    assert text(bigram(5), "abcde", short + more).startswith(text(bigram(5), "abcde", short))


def test_the_prime_is_read_first_and_then_each_drawn_character():
    model = bigram(3)
    drawn = text(model, "abc", 4, prime="ba")
    ids = Vocabulary("abc").encode("ba" + drawn).tolist()
    assert model.read == [tuple(ids[:end]) for end in (2, 3, 4, 5)]


def test_characters_are_drawn_as_they_are_asked_for():
    model = bigram(3)
    drawn = Sampler(model, Vocabulary("abc"), SamplingConfig()).draw(10**9, "a")
    assert len(list(islice(drawn, 3))) == 3
    assert len(model.read) == 3


def test_without_a_prime_a_text_begins_as_a_line_does():
    model = bigram(3)
    assert text(model, "\nab", 5) == text(bigram(3), "\nab", 5, prime="\n")
    assert model.read[0] == (0,)


def test_without_a_prime_or_a_newline_the_model_begins_from_its_zero_state():
    model = Bigram(np.eye(3), first=[0, 0, 9])
    assert text(model, "abc", 2, temperature=0) == "cc"
    assert model.read == [(2,)]


def test_unknown_characters_of_the_prime_are_named():
    with pytest.raises(VocabularyError, match=r"'é' \(U\+00E9\)"):
        text(bigram(3), "abc", 5, prime="abé")


def test_drawn_frequencies_follow_the_probabilities():
    logits = np.array([0.0, 1.0, -1.0, 2.0, 0.5])
    drawn = text(fixed(logits), "abcde", 4000)
    expected = 4000 * softmax(logits)
    observed = np.array([drawn.count(c) for c in "abcde"])
    assert ((observed - expected) ** 2 / expected).sum() < 18.5  # χ² of 4 degrees of freedom: above it once in 1000


def test_a_character_of_probability_0_is_never_drawn():
    assert set(text(fixed([0.0, 3.0, 0.0, 3.0]), "abcd", 2000, top_k=2)) == {"b", "d"}


@pytest.mark.parametrize("temperature", [0, 0.5, 1, 3])
def test_nats_are_those_of_the_model_itself_at_any_temperature(temperature):
    logits = np.array([0.0, 1.0, -1.0])
    sampler = Sampler(fixed(logits), Vocabulary("abc"), SamplingConfig(temperature, top_k=2))
    nats = dict(zip("abc", -np.log(softmax(logits)), strict=True))
    for drawn in sampler.draw(50):
        assert drawn.nats == pytest.approx(nats[drawn.character])


def test_nats_are_finite_where_the_probability_underflows():
    sampler = Sampler(fixed([0.0, 2000.0]), Vocabulary("ab"), SamplingConfig(1e6))
    drawn = list(sampler.draw(20))
    assert {d.character for d in drawn} == {"a", "b"}
    assert max(d.nats for d in drawn) == pytest.approx(2000)


def stopped(characters, *stops):
    return "".join(d.character for d in until((Drawn(c, 0.0) for c in characters), stops))


@pytest.mark.parametrize(
    ("characters", "stops", "expected"),
    [
        ("one. two.", ["."], "one."),
        ("one. two.", [], "one. two."),
        ("one. two.", ["never"], "one. two."),
        ("one. two.", [""], "one. two."),
        ("aaab", ["aab"], "aaab"),  # the stop begins anew inside itself
        ("ababac", ["abac"], "ababac"),
        ("xabcd", ["abcd", "bc"], "xabc"),  # the one that is complete first
        ("xabcd", ["bc", "abc"], "xabc"),
        ("a\n\nb", ["\n\n"], "a\n\n"),
    ],
)
def test_a_text_ends_with_the_first_stop_that_is_complete(characters, stops, expected):
    assert stopped(characters, *stops) == expected


@law
@given(st.text("ab", max_size=20), st.lists(st.text("ab", min_size=1, max_size=4), max_size=3))
def test_a_stop_ends_the_text_where_a_search_would_find_it(characters, stops):
    ends = [end for end in range(len(characters) + 1) if characters[:end].endswith(tuple(stops))]
    assert stopped(characters, *stops) == characters[: ends[0] if ends else None]


def test_nothing_is_drawn_after_the_stop():
    rest = (Drawn(c, 0.0) for c in "ab.c")
    assert [d.character for d in until(rest, ["."])] == ["a", "b", "."]
    assert next(rest).character == "c"

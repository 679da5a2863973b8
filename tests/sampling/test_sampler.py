"""The laws of drawing characters, shown on models that are tables."""

from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.errors import VocabularyError
from charrnn.model.stepped_network import SteppedCharRNN
from charrnn.model.stepped_tensors import TensorSteppedCharRNN
from charrnn.model.units import Unit
from charrnn.sampling import sampler as sampler_module
from charrnn.sampling.distribution import SamplingConfig, softmax
from charrnn.sampling.sampler import Drawn, Sampler, until
from charrnn.text.vocabulary import Vocabulary

law = settings(max_examples=50)


class Bigram:
    """A model whose logits depend on the last character alone; its state is all that it has read."""

    def __init__(self, table, first=None):
        self.table = np.asarray(table, np.float32)
        self.first = self.table[0] if first is None else np.asarray(first, np.float32)
        self.read = []

    def __call__(self, ids, state=None):
        before = state[0][0] if state else np.zeros((len(ids), 0), int)
        after = np.concatenate([before, ids], axis=1)
        self.read.append(tuple(after[0].tolist()))
        return self.table[ids], ((after,),)

    def initial_logits(self):
        return self.first

    def initial_state(self, batch_size):
        return ((np.zeros((batch_size, 0), int),),)

    def stream(self, state=None):
        return None

    def replayed(self, function):
        return None

    def native(self, array):
        return array

    numpy = native


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


def test_without_a_prime_the_first_character_is_drawn_as_lines_begin():
    model = fixed(np.zeros(4))
    sampler = Sampler(model, Vocabulary("\nabc"), SamplingConfig(), {"a": 300, "c": 100})
    first = [next(sampler.draw(1, seed=seed)) for seed in range(400)]
    assert {d.character for d in first} == {"a", "c"}
    assert sum(d.character == "a" for d in first) == pytest.approx(300, abs=35)  # 4 standard deviations
    assert {d.character: round(np.exp(-d.nats), 3) for d in first} == {"a": 0.75, "c": 0.25}
    assert set(model.read) == {(0,)}


def test_a_prime_leaves_the_beginnings_of_lines_out():
    sampler = Sampler(fixed([9, 0, 0]), Vocabulary("abc"), SamplingConfig(0), {"c": 1})
    assert [d.character for d in sampler.draw(2, "b")] == ["a", "a"]


def test_a_prime_is_read_in_pieces(monkeypatch):
    monkeypatch.setattr(sampler_module, "PIECE", 2)
    model = bigram(3)
    text(model, "abc", 1, prime="abcab")
    assert model.read == [(0, 1), (0, 1, 2, 0), (0, 1, 2, 0, 1)]


@pytest.mark.parametrize("config", [{}, {"temperature": 0.5}, {"top_k": 3}, {"top_p": 0.6}, {"temperature": 0}])
def test_each_stream_of_many_is_what_its_seed_gives_alone(config, monkeypatch):
    monkeypatch.setattr(sampler_module, "BLOCK", 7)
    sampler = Sampler(bigram(5), Vocabulary("abcde"), SamplingConfig(**config))
    blocks = list(sampler.draw_many(20, "ab", [4, 0, 9]))
    assert [len(ids) for ids, _ in blocks] == [7, 7, 6]
    ids, nats = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    for stream, seed in enumerate([4, 0, 9]):
        alone = list(sampler.draw(20, "ab", seed))
        assert sampler.vocabulary.decode(ids[:, stream]) == "".join(d.character for d in alone)
        np.testing.assert_allclose(nats[:, stream], [d.nats for d in alone])


@pytest.mark.parametrize("config", [{}, {"temperature": 0.5, "top_k": 3}], ids=str)
@pytest.mark.parametrize("prime", ["", "ab"])
def test_steps_as_a_graph_draw_what_single_steps_do(make_config, monkeypatch, config, prime, cell):
    """Where CUDA would replay a graph, here what writes its outputs to one place as that does."""
    options = make_config(num_layers=2, **cell)
    rng = np.random.default_rng(0)
    weights = {name: torch.tensor(rng.normal(size=s) / 4, dtype=torch.float32) for name, s in options.shapes().items()}
    sampler = Sampler(TensorSteppedCharRNN(options, weights), Vocabulary("abcdef"), SamplingConfig(**config))
    expected = list(sampler.draw_many(150, prime, [4, 0, 9]))
    monkeypatch.setattr(TensorSteppedCharRNN, "replayed", lambda self, function: in_one_place(function))
    for ones, others in zip(sampler.draw_many(150, prime, [4, 0, 9]), expected, strict=True):
        np.testing.assert_equal(ones, others)


def in_one_place(function):
    memory = []

    def replay(*inputs):
        outputs = function(*inputs)
        memory.extend(torch.empty_like(y) for y in outputs[len(memory) :])
        for place, value in zip(memory, outputs, strict=True):
            place.copy_(value)
        return memory

    return replay


def test_the_guesses_are_the_likeliest_in_a_characters_place():
    drawn = next(Sampler(fixed([0, 2, 1]), Vocabulary("abc"), SamplingConfig(0)).draw(1, "a", guesses=2))
    p = softmax(np.array([0, 2, 1]))
    assert drawn.guesses == (("b", pytest.approx(p[1])), ("c", pytest.approx(p[2])))


def test_a_watched_units_value_is_that_after_the_character(make_config):
    config = make_config(num_layers=2)
    rng = np.random.default_rng(0)
    model = SteppedCharRNN(config, {name: rng.normal(size=s).astype("f") for name, s in config.shapes().items()})
    sampler = Sampler(model, Vocabulary("abcdef"), SamplingConfig())
    drawn = list(sampler.draw(6, "ab", watch=Unit(1, 3)))
    read = "ab" + "".join(d.character for d in drawn)
    for end, character in enumerate(drawn, start=3):
        _, state = model(sampler.vocabulary.encode(read[:end])[None])
        assert character.value == pytest.approx(state[1][1][0, 3], rel=1e-4)


def test_going_on_from_a_position_is_going_on():
    sampler = Sampler(bigram(5), Vocabulary("abcde"), SamplingConfig())
    *_, last = sampler.steps(sampler.begin("ab"), 6, [1], follow=True)
    assert [list(d) for d in (last.after.state[0][0][0, :2],)] == [[0, 1]]
    assert last.after.state[0][0].shape == (1, 8)


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


def test_without_a_prime_no_blank_begins_a_text_unless_every_line_begins_with_one():
    for beginnings, expected in (({"\t": 900, "\n": 90, "a": 1}, "a"), ({"\t": 9}, "\t")):
        sampler = Sampler(fixed(np.zeros(4)), Vocabulary("\n\tab"), SamplingConfig(), beginnings)
        assert {next(sampler.draw(1, seed=seed)).character for seed in range(50)} == {expected}


def test_a_prime_is_told_as_if_it_had_been_drawn(make_checkpoint):
    checkpoint = make_checkpoint(cell="lstm")
    sampler, unit = Sampler.of(checkpoint), Unit(0, 1)
    drawn = list(sampler.draw(12, "a", 3, guesses=2, watch=unit))
    whole = "a" + "".join(each.character for each in drawn)
    told = list(sampler.typed(whole, guesses=2, watch=unit))
    assert [each.character for each in told] == list(whole)
    assert (told[0].nats, told[0].guesses) == (0, ())
    for typed, once in zip(told[1:], drawn, strict=True):
        assert typed.nats == pytest.approx(once.nats, abs=1e-5)
        assert typed.value == pytest.approx(once.value, abs=1e-5)
        assert [guess for guess, _ in typed.guesses] == [guess for guess, _ in once.guesses]
    assert next(sampler.typed(whole, since=7, watch=unit)).nats == pytest.approx(told[7].nats, abs=1e-5)

"""Answers: greedy, by beam search and drawn; and the figures by which they are judged."""

import itertools

import numpy as np
import pytest

from charrnn.conditioned.answering import beam, drawn, greedy
from charrnn.conditioned.feed import Pair
from charrnn.conditioned.reader import Input
from charrnn.conditioned.scoring import edit_distance, losses, nearest, with_shuffled_sources
from charrnn.conditioned.symbols import Symbols
from charrnn.errors import ConfigError, VocabularyError

SOURCES = [np.array([1, 2, 3]), np.array([6]), np.array([0, 0, 5, 4, 2])]
INPUTS = [Input(source) for source in SOURCES]


def test_a_beam_of_one_and_temperature_0_are_greedy(make_reader):
    reader = make_reader()
    found = list(greedy(reader, INPUTS, 6))
    assert [answers[0].ids for answers in beam(reader, INPUTS, 6, 1)] == [answer.ids for answer in found]
    for source, answer in zip(SOURCES, found, strict=True):
        (cold,) = drawn(reader, Input(source), 6, 1, 0, np.random.default_rng(0))
        assert (cold.ids, cold.nats) == (answer.ids, pytest.approx(answer.nats))


def test_an_answer_costs_what_the_model_charges_for_it(make_reader):
    reader = make_reader()
    for source, answers in zip(SOURCES, beam(reader, INPUTS, 6, 4), strict=True):
        for answer in (answer for answer in answers if answer.ended):
            charged = losses(reader, [Pair(source, np.array(answer.ids, np.int64))])
            assert answer.nats == pytest.approx(charged.nats, abs=1e-5)
            assert charged.symbols == len(answer.weights)


def test_answers_do_not_depend_on_what_is_answered_beside_them(make_reader):
    reader = make_reader(cell="gru")
    alone = [next(beam(reader, [Input(source)], 6, 3)) for source in SOURCES]
    together = list(beam(reader, INPUTS, 6, 3))
    assert [[a.ids for a in answers] for answers in alone] == [[a.ids for a in answers] for answers in together]
    for answers, source in zip(together, SOURCES, strict=True):
        assert all(answer.weights.shape[1] == len(source) for answer in answers)
        assert all(answer.weights.sum(1) == pytest.approx(1, abs=1e-5) for answer in answers)


def test_a_wide_beam_finds_the_likeliest_answer_there_is(make_reader):
    reader = make_reader(output_size=2)
    source = np.array([3, 1])
    every = [ids for size in range(4) for ids in itertools.product(range(2), repeat=size)]
    costs = {ids: losses(reader, [Pair(source, np.array(ids, np.int64))]).nats / (len(ids) + 1) for ids in every}
    found = next(beam(reader, [Input(source)], 4, 100))
    ended = [answer for answer in found if answer.ended]
    assert ended[0].ids == min(costs, key=costs.get)
    assert {answer.ids for answer in ended} == set(every)


def test_drawn_answers_follow_the_models_probabilities(make_reader):
    reader, source = make_reader(output="classes"), np.array([2, 5])
    costs = [losses(reader, [Pair(source, np.array([k]))]).nats for k in range(5)]
    chances = np.exp(-np.array(costs))
    counts = np.zeros(5)
    for answer in drawn(reader, Input(source), 1, 3000, 1.0, np.random.default_rng(1)):
        counts[answer.ids[0]] += 1
    np.testing.assert_allclose(counts / 3000, chances / chances.sum(), atol=0.03)


def test_the_width_of_a_beam_is_checked(make_reader):
    with pytest.raises(ConfigError, match="beam is 0; give a value from 1 to 1000"):
        list(beam(make_reader(), INPUTS, 6, 0))


@pytest.mark.parametrize("seed", range(20))
def test_the_edit_distance_is_that_of_the_plain_recursion(seed):
    random = np.random.default_rng(seed)
    left, right = ("".join(random.choice(list("abc"), random.integers(0, 9))) for _ in range(2))
    table = [[max(i, j) for j in range(len(right) + 1)] for i in range(len(left) + 1)]
    for i, j in itertools.product(range(1, len(left) + 1), range(1, len(right) + 1)):
        changed = table[i - 1][j - 1] + (left[i - 1] != right[j - 1])
        table[i][j] = min(changed, table[i - 1][j] + 1, table[i][j - 1] + 1)
    assert edit_distance(left, right) == table[-1][-1]


def test_the_nearest_text_is_itself_or_the_one_that_shares_most():
    known = ["monday", "tuesday", "wednesday", "a date", "漢字"] * 900 + ["thursday"]
    places = nearest(known, ["tuesday", "thursdays", "漢"])
    assert [known[place] for place in places] == ["tuesday", "thursday", "漢字"]


def test_shuffled_sources_are_all_of_another_pair(pairs):
    for pair, other in zip(pairs, with_shuffled_sources(pairs), strict=True):
        assert other.output is pair.output
        assert other.source is not pair.source


def test_unknown_symbols_are_named():
    symbols = Symbols.of(["abc"])
    with pytest.raises(VocabularyError, match="the model has never seen 2 characters: 'x' 'y'; leave them out"):
        symbols.encode("axyb")
    assert symbols.decode(symbols.known("axyb")) == "ab"
    with pytest.raises(ConfigError, match="symbols are empty or there twice"):
        Symbols(("a", "a"))

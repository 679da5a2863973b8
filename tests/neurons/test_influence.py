"""What bears on a prediction: planted memories are found, and figures are of what they say."""

import math
from copy import deepcopy

import numpy as np
import pytest

from charrnn.errors import ConfigError, StatesOverflowError
from charrnn.neurons.influence import Influence, influence


def of(sizes, signs=None):
    logs = np.log(np.maximum(np.array(sizes, float), 1e-300))
    return Influence(9, 0, logs, np.ones(len(sizes)) if signs is None else np.array(signs), np.zeros(3))


@pytest.mark.parametrize("measure", ["norm", "product"])
def test_of_all_that_stands_far_back_the_quotation_mark_bears_most_on_the_closing_one(planted, measure):
    text = "abcabc“hgfedcbaabcdefghabcdefg"
    model = deepcopy(planted.quote_neuron)
    for gate in ("i", "g"):  # its gates at “ not saturated: where they are, nothing follows from a small change
        row = "ifgo".index(gate) * model.config.hidden_size + planted.unit
        dict(model.named_weights())["layers.0.weight_ih"].data[row, planted.letters.encode("“")[0]] = 0.5
    ids, closing = planted.letters.encode(text), int(planted.letters.encode("”")[0])
    found = influence(model, ids, len(ids) - 1, len(ids), closing, measure)
    assert len(found.logs) == len(text) - 1
    assert text[int(np.argmax(found.logs[:-4]))] == "“"
    if measure == "product":
        assert found.relative[text.index("“")] > 0


def test_the_chances_are_those_of_the_character_at_the_position(each_model, ids):
    import torch

    found = influence(each_model, ids, 20, 8)
    logits, _ = each_model(torch.from_numpy(ids[None, :20].astype(np.int64)))
    np.testing.assert_allclose(found.chances, logits[0, -1].softmax(-1).detach().numpy(), atol=1e-5)
    assert found.target == ids[20]


def test_how_far_one_looks_does_not_change_what_is_near(each_model, ids):
    near, far = (influence(each_model, ids, 20, length) for length in (5, 15))
    np.testing.assert_allclose(near.logs, far.logs[-5:], atol=1e-3)


def test_the_reach_is_the_distance_within_which_a_share_of_all_influence_lies():
    found = of([1, 1, 2, 4, 2], [1, -1, 1, -1, 1])  # the last stands just before the prediction
    assert (found.reach(0.2), found.reach(0.5), found.reach(0.6), found.reach(1)) == (1, 2, 2, 5)
    np.testing.assert_allclose(found.relative, [0.25, -0.25, 0.5, -1, 0.5])


def test_where_nothing_bears_on_a_prediction_there_is_no_strongest_and_no_reach():
    nothing = Influence(3, 0, np.full(4, -math.inf), np.zeros(4), np.zeros(3))
    assert nothing.strongest is None
    assert nothing.reach(0.9) == 0
    assert nothing.relative.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("position", [-1, 0, 23])
def test_a_position_outside_the_text_or_with_nothing_before_it_is_an_error(model, ids, position):
    with pytest.raises(ConfigError, match=f"the position is {position}; give a value from 1 to 22"):
        influence(model, ids, position, 5)


def test_the_second_character_has_one_before_it(model, ids):
    assert len(influence(model, ids, 1, 300).logs) == 1


def test_states_beyond_all_numbers_are_told_and_are_no_nan(make_model):
    model = make_model(cell="rnn", nonlinearity="relu")
    dict(model.named_weights())["layers.0.weight_hh"].data.fill_(50.0)
    with pytest.raises(StatesOverflowError):
        influence(model, np.arange(200) % 6, 150, 100)

"""Curves of gradients over distance: what they are measured on, and what is read from them."""

import math

import numpy as np
import pytest

from charrnn.errors import ConfigError, StatesOverflowError
from charrnn.neurons.gradients import Curve, curves, places


def falling(factor, length=41):
    """A curve whose norm is multiplied by a factor at each step."""
    values = math.log10(factor) * np.arange(length)
    return Curve(values, values, values)


@pytest.mark.parametrize("life", [0.5, 3.0, 40.0, -7.0])
def test_the_half_life_of_an_exponential_is_its_own(life):
    assert falling(0.5 ** (1 / life)).half_life == pytest.approx(life)


def test_a_level_curve_and_one_of_zeros_have_no_half_life():
    assert falling(1.0).half_life is None
    zeros = np.full(41, -np.inf)
    assert Curve(zeros, zeros, zeros).half_life is None


def test_a_share_is_gone_where_the_norm_stays_below_it_for_good():
    assert falling(0.5).gone(0.1) == 5  # 1 % of what is at k = 1: ½⁴ is below a tenth
    values = np.array([0.0, 0.0, -3.0, -0.5, -2.5, -3.0])
    assert Curve(values, values, values).gone(0.01) == 4
    assert falling(1.0).gone(0.01) is None


def test_a_band_holds_eighty_percent_and_a_zero_among_the_norms_is_no_number_but_no_trouble():
    curve = Curve.of(np.array([[value, -np.inf] for value in range(101)], float))
    assert (curve.low[0], curve.median[0], curve.high[0]) == (10, 50, 90)
    assert curve.median[1] == -np.inf


def test_places_are_spread_over_the_text_with_all_they_need_before_and_after_them():
    chosen = places(5000, 100, 7)
    assert len(chosen) == 7
    assert chosen[0] >= 100
    assert chosen[-1] == 4998
    assert places(102, 100, 7).tolist() == [100]


def test_a_text_that_is_too_short_is_an_error_that_says_how_long_it_must_be():
    with pytest.raises(ConfigError, match=r"101 characters; give 102 or more"):
        places(101, 100, 7)


def test_every_cell_and_layer_has_a_curve_for_each_part_of_its_state(each_model, ids):
    found = curves(each_model, ids, 6, 4)
    lstm = each_model.config.cell in ("lstm", "peephole")
    assert set(found) == ({"state", "h", "c"} if lstm else {"state", "h"})
    for layers in found.values():
        assert [len(curve.median) for curve in layers] == [7, 7]
        assert all(np.isfinite(curve.median[1:]).all() for curve in layers)


def test_the_norm_of_all_of_the_state_is_that_of_its_parts_together(model, ids):
    found = curves(model, ids, 6, 1)
    h, c, state = (10 ** found[name][1].median for name in ("h", "c", "state"))
    np.testing.assert_allclose(state, np.hypot(h, c), rtol=1e-5)


def test_states_beyond_all_numbers_are_told_and_are_no_nan(make_model):
    model = make_model(cell="rnn", nonlinearity="relu")
    dict(model.named_weights())["layers.0.weight_hh"].data.fill_(50.0)
    with pytest.raises(StatesOverflowError, match="beyond all numbers"):
        curves(model, np.arange(200) % 6, 100, 4)

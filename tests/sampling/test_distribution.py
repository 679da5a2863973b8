"""The laws of the probabilities that characters are drawn with."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from charrnn.errors import ConfigError
from charrnn.sampling.distribution import SamplingConfig, choose, draw, min_p, probabilities, softmax, top_k, top_p

law = settings(max_examples=100)

any_logits = arrays(np.float32, st.integers(1, 12), elements=st.floats(width=32, allow_nan=False, allow_infinity=False))
mild_logits = arrays(np.float64, st.integers(1, 12), elements=st.floats(-12, 12))
temperatures = st.sampled_from([0.0, 1e-6, 0.5, 1.0, 2.0, 1e6]) | st.floats(1e-6, 1e6)
configs = st.builds(
    SamplingConfig,
    temperature=temperatures,
    top_k=st.none() | st.integers(1, 20),
    top_p=st.none() | st.floats(1e-9, 1),
    min_p=st.none() | st.floats(0, 1),
)


@law
@given(any_logits, configs)
def test_probabilities_sum_to_1_and_none_is_nan_or_negative(logits, config):
    p = probabilities(logits, config)
    assert p.shape == logits.shape
    assert (p >= 0).all()
    assert p.sum() == pytest.approx(1)


@pytest.mark.parametrize("temperature", [1e-6, 1.0, 1e6])
def test_extreme_logits_at_extreme_temperatures_give_probabilities(temperature):
    top = float(np.finfo(np.float32).max)
    p = probabilities(np.array([top, 0, -top], np.float32), SamplingConfig(temperature))
    assert p.argmax() == 0
    assert p.sum() == pytest.approx(1)


@law
@given(any_logits, configs)
def test_the_likeliest_character_is_never_left_out(logits, config):
    likeliest = probabilities(logits, SamplingConfig(config.temperature)).argmax()
    assert probabilities(logits, config)[likeliest] > 0


@law
@given(any_logits)
def test_temperature_0_is_argmax(logits):
    p = probabilities(logits, SamplingConfig(0))
    assert p[logits.argmax()] == 1


@law
@given(mild_logits, configs.filter(lambda config: config.temperature > 0))
def test_top_k_of_1_is_greedy(logits, config):
    greedy = SamplingConfig(config.temperature, 1, config.top_p, config.min_p)
    p = probabilities(logits, greedy)
    assert np.count_nonzero(p) == 1
    assert p[softmax(logits / config.temperature).argmax()] == 1


@law
@given(mild_logits)
def test_a_filter_that_keeps_all_changes_nothing(logits):
    plain = probabilities(logits, SamplingConfig())
    for config in (SamplingConfig(top_p=1), SamplingConfig(top_k=len(logits)), SamplingConfig(min_p=0)):
        np.testing.assert_allclose(probabilities(logits, config), plain, rtol=1e-12)


@law
@given(mild_logits, st.floats(0.01, 100))
def test_temperature_divides_the_logits(logits, temperature):
    weights = np.exp(logits / temperature - (logits / temperature).max())
    np.testing.assert_allclose(probabilities(logits, SamplingConfig(temperature)), weights / weights.sum(), rtol=1e-9)


def test_a_low_temperature_sharpens_and_a_high_one_flattens():
    logits = np.array([2.0, 1.0, 0.0])
    cold, plain, hot = (probabilities(logits, SamplingConfig(t))[0] for t in (0.5, 1, 1e6))
    assert cold > plain > hot
    assert hot == pytest.approx(1 / 3, abs=1e-5)


@law
@given(mild_logits, st.integers(1, 12))
def test_top_k_keeps_the_k_likeliest(logits, k):
    p = softmax(logits)
    kept = top_k(p, k) > 0
    assert kept.sum() == min(k, len(p))
    assert p[kept].min() >= p[~kept].max(initial=0)


def test_top_k_keeps_the_lower_ids_among_equals():
    assert top_k(np.full(4, 0.25), 2).tolist() == [0.5, 0.5, 0, 0]


@law
@given(mild_logits, st.floats(0.01, 1))
def test_top_p_keeps_the_fewest_that_reach_the_mass(logits, mass):
    p = softmax(logits)
    kept = top_p(p, mass) > 0
    assert p[kept].sum() >= mass - 1e-9
    assert p[kept].sum() - p[kept].min() < mass + 1e-9
    assert p[kept].min() >= p[~kept].max(initial=0)


def test_top_p_keeps_the_character_that_crosses_the_mass():
    p = np.array([0.5, 0.3, 0.2])
    assert np.flatnonzero(top_p(p, 0.5)).tolist() == [0]
    assert np.flatnonzero(top_p(p, 0.51)).tolist() == [0, 1]


@law
@given(mild_logits, st.floats(0, 1))
def test_min_p_keeps_those_at_least_that_share_of_the_likeliest(logits, share):
    p = softmax(logits)
    assert ((min_p(p, share) > 0) == (p >= share * p.max())).all()


@law
@given(mild_logits, configs.filter(lambda config: config.temperature > 0.1))
def test_the_kept_characters_keep_their_proportions(logits, config):
    plain = softmax(logits / config.temperature)
    p = probabilities(logits, config)
    kept = p > 0
    np.testing.assert_allclose(p[kept], plain[kept] / plain[kept].sum(), rtol=1e-9)


@law
@given(arrays(np.float32, (3, 7), elements=st.floats(-20, 20, width=32)), configs, st.integers(0, 99))
def test_tensors_are_drawn_from_as_arrays_are(logits, config, seed):
    torch = pytest.importorskip("torch")
    noise = np.random.default_rng(seed).random(3, np.float32)
    np.testing.assert_allclose(probabilities(torch.tensor(logits), config), probabilities(logits, config), atol=1e-9)
    ids, nats = draw(torch.tensor(logits), config, torch.tensor(noise))
    np.testing.assert_equal(ids.numpy(), draw(logits, config, noise)[0])
    np.testing.assert_allclose(nats, draw(logits, config, noise)[1], rtol=1e-9)


@law
@given(arrays(np.float32, (3, 5), elements=st.floats(-20, 20, width=32)), configs)
def test_each_row_is_drawn_from_as_if_alone(logits, config):
    noise = np.linspace(0, 0.99, 3, dtype=np.float32)
    together, _ = draw(logits, config, noise)
    alone = [int(draw(logits[i : i + 1], config, noise[i : i + 1])[0][0]) for i in range(3)]
    assert together.tolist() == alone


def test_the_noise_that_is_as_large_as_can_be_chooses_the_last_that_has_a_chance():
    reached = np.array([[0.3, 0.7, 0.7]] * 2)
    almost = np.full(2, 1, np.float32) - np.float32(2**-24)
    assert choose(reached, almost).tolist() == [1, 1]
    assert choose(reached[:1], almost[:1]).tolist() == [1]


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("temperature", value) for value in (-1, NAN, INF, 1e7)),
        *(("top_k", value) for value in (0, -1, 0x110001)),
        *(("top_p", value) for value in (0, -0.1, 1.1, NAN)),
        *(("min_p", value) for value in (-0.1, 1.1, NAN)),
    ],
)
def test_a_setting_out_of_its_range_is_refused_by_name(field, value):
    with pytest.raises(ConfigError, match=f"^{field} is .*; give a value from"):
        SamplingConfig(**{field: value})

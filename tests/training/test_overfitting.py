"""A run that overfits is told so, by one rule; one that does not is not."""

import pytest

from charrnn.training.overfitting import RISE, VALIDATIONS, Overfitting, overfitting


def log_of(val, train):
    """A log with a validation at each step, but where it is None."""
    steps = range(1, len(val) + 1)
    return [{"step": step, "train_nats": t, "val_nats": v} for step, v, t in zip(steps, val, train, strict=True)]


FALLING = [3.0, 2.0, 1.5, 1.2, 1.0]


def test_a_run_overfits_where_validation_rises_while_train_falls():
    found = overfitting(log_of([3.0, 2.0, 2.1, 2.2, 2.5], FALLING))
    assert found == Overfitting(2, 2.0, 2.5, 2.0, 1.0)
    assert "since step 2 val rose from 2.000 to 2.500 nats while train fell from 2.000 to 1.000" in str(found)
    assert all(cure in str(found) for cure in ("--dropout", "--hidden-size", "--patience", "more text"))


@pytest.mark.parametrize(
    "val",
    [
        [3.0, 2.5, 2.2, 2.1, 2.0],  # falls to the end
        [3.0, 2.5, 2.0, 2.2, 2.3],  # too few validations since
        [3.0, 2.0, 2.4, 2.4, 2.0 + RISE / 2],  # came down again
        [None, None, None, None, None],
        [2.0, None, None, None, 2.5],
    ],
    ids=["falls", "few", "down again", "none", "two"],
)
def test_a_run_whose_validation_has_not_risen_for_long_does_not_overfit(val):
    assert overfitting(log_of(val, FALLING)) is None


def test_a_run_that_gets_worse_on_the_training_text_too_does_not_overfit():
    assert overfitting(log_of([3.0, 2.0, 2.1, 2.2, 2.5], [3.0, 2.0, 2.1, 2.2, 2.4])) is None


def test_the_rule_holds_from_its_bounds_on():
    rising = [2.0] + [2.0 + RISE * 1.01] * VALIDATIONS
    assert overfitting(log_of(rising, FALLING[:4]))
    assert not overfitting(log_of(rising[:-1], FALLING[:3]))
    assert not overfitting(log_of([2.0] + [2.0 + RISE * 0.99] * VALIDATIONS, FALLING[:4]))


def test_the_training_loss_is_the_mean_of_all_lines_since_the_validation_before():
    val = [3.0, None, 2.0, 2.5, 2.5, None, None, 2.5]
    found = overfitting(log_of(val, [3.0, 2.5, 1.5, 1.9, 1.9, 1.0, 1.1, 1.8]))
    assert (found.best_train_nats, found.train_nats) == (pytest.approx(2.0), pytest.approx(1.3))


def test_an_empty_log_does_not_overfit():
    assert overfitting([]) is None

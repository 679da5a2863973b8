"""What leaves the numbers is found, with its step; what is no number is never yielded to be saved."""

import math

import pytest
import torch

from charrnn.runs.report import Divergence, RecentLosses

NAN, INF = float("nan"), float("inf")


def recent(*steps):
    losses = RecentLosses()
    for loss, norm, characters in steps:
        losses.add(torch.tensor(loss), torch.tensor(norm), characters)
    return losses


def test_the_mean_is_over_characters_and_the_norm_is_the_last():
    losses = recent((1.0, 5.0, 2), (4.0, 7.0, 4))
    assert losses.characters == 6
    assert losses.read(last_step=2) == (3.0, 7.0)


@pytest.mark.parametrize(
    ("steps", "step", "what"),
    [
        ([(1.0, 1.0), (INF, 1.0), (NAN, NAN)], 9, "loss"),
        ([(1.0, 1.0), (1.0, INF), (NAN, NAN)], 9, "gradient's norm"),
        ([(NAN, NAN)], 10, "loss"),
        ([(1.0, NAN), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0)], 7, "gradient's norm"),
    ],
)
def test_the_first_that_is_no_number_is_named_with_its_step(steps, step, what):
    found = recent(*((*values, 3) for values in steps)).read(last_step=10)
    assert (found.step, found.what) == (step, what)
    assert not math.isfinite(found.value)


def test_it_is_told_in_words():
    assert str(Divergence(1234, "loss", INF)) == "the loss was inf at step 1,234"


def test_the_step_is_found_though_reports_are_rare(make_trainer, monkeypatch, quiet):
    trainer = make_trainer(steps=20, sample_every=20)
    rates = iter([0.01] * 6 + [INF] * 100)
    monkeypatch.setattr("charrnn.training.trainer.learning_rate", lambda *_: next(rates))
    assert list(trainer.run()) == []
    assert trainer.stopped == "diverged"
    assert trainer.divergence.step == 8  # the seventh stepped too far, and the eighth saw it


@pytest.mark.parametrize("name", ["readout.bias", "embedding.weight"])
@pytest.mark.parametrize("value", [NAN, INF])
def test_a_weight_that_no_loss_has_shown_is_found_before_it_can_be_saved(make_trainer, monkeypatch, quiet, name, value):
    trainer = make_trainer(steps=4, sample_every=2)
    train_on = trainer._train_on

    def break_after(batch, rate):
        train_on(batch, rate)
        if trainer.step == 4:
            dict(trainer.model.named_weights())[name].data.view(-1)[3] = value

    monkeypatch.setattr(trainer, "_train_on", break_after)
    assert [p.step for p in trainer.run()] == [2]
    assert (trainer.stopped, trainer.divergence.step, trainer.divergence.what) == ("diverged", 4, f"weight {name}")


def test_a_stop_saves_no_broken_weights_either(make_trainer, quiet):
    trainer = make_trainer(steps=4)
    trainer.model.embedding.weight.data[0, 0] = NAN  # of a newline, which the first window lacks
    trainer.corpus.parts["train"][:] = 1
    assert list(trainer.run(lambda: True)) == []
    assert trainer.divergence.what == "weight embedding.weight"


def test_each_going_back_halves_the_rate_again_and_is_part_of_the_state(make_trainer):
    trainer = make_trainer(steps=4)
    state = {name: tensor.clone() for name, tensor in trainer.state().items()}
    for count in (1, 2, 3):
        trainer.roll_back(state)
        assert trainer.rollbacks == count
        state = {name: tensor.clone() for name, tensor in trainer.state().items()}

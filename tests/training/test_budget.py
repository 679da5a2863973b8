"""How a run ends, and what it tells on the way."""

import math

import numpy as np
import pytest
import torch

from charrnn.model.network import CharRNN
from charrnn.text.corpus import Corpus
from charrnn.text.sources import Text
from charrnn.training.validation import Measured


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_a_budget_of_steps_is_kept_exactly(make_trainer, steps):
    trainer = make_trainer(steps=steps)
    last = list(trainer.run())[-1]
    assert (last.step, last.fraction, trainer.stopped) == (steps, 1.0, "finished")


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_a_budget_of_epochs_is_kept_exactly(make_trainer, epochs):
    trainer = make_trainer(epochs=epochs)
    last = list(trainer.run())[-1]
    assert last.step == sum(trainer.streams.steps_in(epoch) for epoch in range(epochs))
    assert last.epoch == epochs
    assert trainer.characters == epochs * trainer.streams.stretch * trainer.streams.batch_size


def test_a_part_of_an_epoch_is_a_budget(make_trainer):
    trainer = make_trainer(epochs=0.5, batch_size=1, seq_length=1)
    last = list(trainer.run())[-1]
    assert last.step == math.ceil(trainer.streams.stretch / 2)


def test_a_budget_of_minutes_ends_when_the_time_is_up(make_trainer, clock):
    trainer = make_trainer(minutes=0.05)
    reports = list(trainer.run())
    assert trainer.stopped == "finished"
    assert reports[-1].fraction == 1.0
    assert 3 <= reports[-1].seconds < 3.05
    assert 20 < reports[-1].step < 300


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_the_learning_rate_is_down_when_the_time_is_up(make_trainer, clock, schedule):
    reports = list(make_trainer(minutes=0.05, schedule=schedule, learning_rate=1e-2).run())
    assert max(r.learning_rate for r in reports) > 8e-3
    assert 0 <= reports[-1].learning_rate < 2e-4


@pytest.mark.parametrize("budget", [{"steps": 5}, {"epochs": 1.5}, {"minutes": 0.01}])
def test_the_last_report_is_a_milestone(make_trainer, clock, budget):
    last = list(make_trainer(**budget).run())[-1]
    assert last.milestone
    assert last.val_nats is not None


def test_milestones_come_at_multiples_of_sample_every_and_at_the_end(make_trainer):
    reports = make_trainer(steps=8, sample_every=3).run()
    assert [r.step for r in reports if r.milestone] == [3, 6, 8]


@pytest.mark.parametrize("budget", [{"steps": 300}, {"minutes": 0.2}])
def test_a_run_has_some_twenty_milestones_unless_told_otherwise(make_trainer, clock, budget):
    reports = list(make_trainer(**budget, seq_length=2, batch_size=1).run())
    assert 15 <= sum(r.milestone for r in reports) <= 30
    assert reports[0].fraction < 0.1


def test_reports_that_are_no_milestones_have_no_validation_loss(make_trainer, clock):
    reports = list(make_trainer(minutes=0.2, sample_every=10**6).run())
    assert len(reports) > 5
    assert [r.milestone for r in reports] == [False] * (len(reports) - 1) + [True]
    assert all(r.val_nats is None for r in reports[:-1])


def slow_validation(monkeypatch, clock, seconds):
    def validate(*_):
        clock[0] += seconds
        return Measured(1.0, 35, True, seconds=seconds)

    monkeypatch.setattr("charrnn.training.validation.measured", validate)


def test_validation_that_the_time_cannot_afford_is_left_out_but_for_the_first_and_last(
    make_trainer, clock, monkeypatch
):
    slow_validation(monkeypatch, clock, seconds=1)
    reports = [r for r in make_trainer(minutes=0.2).run() if r.milestone]
    assert [r.val_nats for r in reports] == [1.0] + [None] * (len(reports) - 2) + [1.0]
    assert len(reports) > 5


def test_a_budget_of_steps_affords_every_validation(make_trainer, clock, monkeypatch):
    slow_validation(monkeypatch, clock, seconds=1000)
    reports = [r for r in make_trainer(steps=30).run() if r.milestone]
    assert all(r.val_nats == 1.0 for r in reports)


def test_reports_go_on_and_never_back(make_trainer, clock):
    reports = list(make_trainer(minutes=0.2).run())
    for name in ("step", "epoch", "seconds", "fraction"):
        values = [getattr(r, name) for r in reports]
        assert values == sorted(values)
    assert all(r.chars_per_second > 0 and r.train_nats > 0 and r.grad_norm > 0 for r in reports)


def test_a_run_that_is_stopped_is_interrupted_at_a_milestone(make_trainer):
    trainer = make_trainer(steps=100)
    reports = list(trainer.run(lambda: trainer.characters >= 3 * 7 * 4))
    assert (trainer.stopped, reports[-1].step, reports[-1].milestone) == ("interrupted", 4, True)
    assert reports[-1].val_nats is None


def test_a_stop_at_the_last_step_leaves_its_validation_for_later(make_trainer):
    trainer = make_trainer(steps=4)
    stopped = list(trainer.run(lambda: trainer.characters >= 3 * 7 * 4))[-1]
    assert (trainer.stopped, stopped.fraction, stopped.val_nats) == ("interrupted", 1.0, None)
    (settled,) = trainer.run()
    assert (trainer.stopped, settled.step, settled.train_nats) == ("finished", 4, stopped.train_nats)
    assert settled.val_nats is not None


def test_a_stop_cuts_validation_off(make_trainer, monkeypatch):
    chunks = []
    monkeypatch.setattr("charrnn.evaluation.scoring.CHUNK", 2)
    trainer = make_trainer(steps=4, sample_every=2)
    monkeypatch.setattr(trainer, "_milestone_due", lambda fraction: True)
    reports = list(trainer.run(lambda: chunks.append(trainer.step) or len(chunks) > 8))
    assert (trainer.stopped, len(reports), reports[-1].val_nats) == ("interrupted", 1, None)
    assert len(chunks) < len(trainer.corpus.parts["val"]) / 2


def finite(model):
    return all(np.isfinite(w).all() for w in model.weights().values())


def run_watched(trainer):
    """Run; return for each report whether the weights were finite when it was yielded."""
    return [(finite(trainer.model), progress) for progress in trainer.run()]


def test_a_weight_that_is_no_number_ends_the_run_as_diverged(make_trainer):
    trainer = make_trainer(steps=50, sample_every=1)
    trainer.model.readout.weight.data[0, 0] = float("nan")
    assert list(trainer.run()) == []
    assert trainer.stopped == "diverged"


@pytest.fixture
def exploding(make_config):
    """A model without a bound on its hidden state."""
    corpus = Corpus.from_text(Text("any", "abcade" * 30), 0.2, 0)
    config = make_config(cell="rnn", nonlinearity="relu", vocabulary_size=5, hidden_size=16)
    return {"corpus": corpus, "model": CharRNN(config, torch.Generator().manual_seed(0))}


@pytest.mark.parametrize("sample_every", [None, 1, 1000])
def test_a_huge_learning_rate_ends_the_run_as_diverged(make_trainer, exploding, sample_every):
    options = {"learning_rate": 100, "warmup": 0, "seq_length": 30, "steps": 40, "sample_every": sample_every}
    trainer = make_trainer(**exploding, **options)
    reports = run_watched(trainer)
    assert trainer.stopped == "diverged"
    assert all(is_finite for is_finite, _ in reports)
    assert not reports or reports[-1][1].step < 40


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_run_that_diverges_at_its_last_step_has_not_finished(make_trainer, exploding, steps):
    options = {"learning_rate": 100, "warmup": 0, "seq_length": 30, "schedule": "constant"}
    trainer = make_trainer(**exploding, **options, steps=steps)
    assert all(math.isfinite(report.val_nats) for report in trainer.run())
    assert trainer.stopped == "diverged"

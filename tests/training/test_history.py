"""A run folder is read back as it was written, also while it is being written."""

import os

import pytest

from charrnn.errors import CharrnnError, RunError
from charrnn.runs.report import Progress
from charrnn.training.config import TrainingConfig
from charrnn.training.history import LOG, SAMPLES, History


def at(step, val_nats=None, speed=1000.0):
    return Progress(step, step / 10, step / 2, 0.01, 2.5, 0.75, speed, 0.5, True, val_nats)


@pytest.fixture
def run(tmp_path, corpus, make_run):
    run = make_run(corpus, tmp_path / "run", TrainingConfig(steps=8, seed=3))
    run.create()
    return run


@pytest.fixture
def model(make_model, corpus):
    return make_model(vocabulary_size=len(corpus.vocabulary))


def test_what_was_written_is_read(run, model):
    run.log(at(1))
    run.log(at(4, 2.25))
    run.save(model, at(4, 2.25))
    run.keep_sample(at(4, 2.25), "a\n\u2028é", 0.8)
    history = History.read(run.path)
    assert [line["step"] for line in history.log] == [1, 4]
    assert [line.get("val_nats") for line in history.log] == [None, 2.25]
    assert [sample.text for sample in history.samples] == ["a\n\u2028é"]
    assert history.best.figures.step == 4
    assert (history.settings["cell"], history.settings["seed"], history.name) == ("lstm", 3, "run")


def test_a_run_before_its_first_checkpoint_has_a_log_and_no_settings(run):
    run.log(at(1))
    history = History.read(run.path)
    assert (history.best, history.settings, history.samples, history.budget_used) == (None, {}, (), None)


def test_lines_that_are_cut_off_or_no_reports_are_left_out(run):
    run.log(at(1))
    run.keep_sample(at(1), "text", 0.8)
    whole = (run.path / LOG).read_bytes()
    odd = b'[]\n"\xff"\n{}\n' + whole.replace(b'"step":1', b'"step":"1"') + whole.replace(b'"step":1', b'"step":0')
    for name in (LOG, SAMPLES):
        (run.path / name).write_bytes((run.path / name).read_bytes() + odd + whole[:30])
    history = History.read(run.path)
    assert ([line["step"] for line in history.log], [sample.text for sample in history.samples]) == ([1], ["text"])


@pytest.mark.parametrize("make", [False, True])
def test_a_folder_that_is_no_run_or_has_no_log_yet_is_refused(run, tmp_path, make):
    with pytest.raises(RunError, match="nothing is logged" if make else r"holds no log\.jsonl"):
        History.read(run.path if make else tmp_path)


@pytest.mark.parametrize(("budget", "used"), [("steps", 0.5), ("epochs", 0.05), ("minutes", 2 / 60 / 8)])
def test_the_budget_used_is_told_of_every_kind(tmp_path, corpus, model, make_run, budget, used):
    run = make_run(corpus, tmp_path / "run", TrainingConfig(**{budget: 8}))
    run.create()
    run.log(at(4, 2.25))
    run.save(model, at(4, 2.25))
    assert History.read(run.path).budget_used == pytest.approx(used)


def test_the_speed_is_of_the_whole_runs_time(run, model, corpus):
    run.log(at(2, speed=9000.0))
    run.log(at(8, speed=9000.0))
    assert History.read(run.path).chars_per_second is None
    run.save(model, at(8, 2.25))
    assert History.read(run.path).chars_per_second == pytest.approx(0.8 * corpus.split["train"] / 4)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", ["samples.jsonl", "best.safetensors"])
def test_a_pipe_in_a_run_folder_is_not_waited_for(run, model, name):
    run.log(at(1))
    (run.path / name).unlink(missing_ok=True)
    os.mkfifo(run.path / name)
    with pytest.raises(CharrnnError, match="is no regular file"):
        History.read(run.path)

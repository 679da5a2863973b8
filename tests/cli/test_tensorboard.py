"""`charrnn train --tensorboard`: what TensorBoard reads is what the log and the samples hold."""

import errno
import json
import os
import sys
from pathlib import Path

import pytest

from charrnn.runs.report import Progress

NAMES = {"epoch", "seconds", "learning_rate", "train_nats", "grad_norm", "chars_per_second", "val_nats"}


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def read(folder):
    accumulators = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is not installed"
    )
    events = accumulators.EventAccumulator(str(folder))
    return events.Reload()


def curve(events, name):
    return [(event.step, event.value) for event in events.Scalars(name)]


def of_log(run, name):
    return [(line["step"], pytest.approx(line[name])) for line in lines(run / "log.jsonl") if name in line]


def test_the_scalars_are_those_of_the_log_and_the_samples_are_text(train):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    run = train("--steps", 6, "--sample-every", 2, "--tensorboard")
    events = read(run)
    assert set(events.Tags()["scalars"]) == {*NAMES, "verbatim"}
    for name in NAMES:
        assert curve(events, name) == of_log(run, name), name
    texts = {event.step: event.tensor_proto.string_val[0].decode() for event in events.Tensors("sample/text_summary")}
    samples = {line["step"]: line["text"] for line in lines(run / "samples.jsonl")}
    assert {step: text.replace("\n    ", "\n")[4:] for step, text in texts.items()} == samples


def sampled_at(events):
    return [event.step for event in events.Tensors("sample/text_summary")]


def test_a_resumed_run_goes_on_with_its_events_and_takes_back_what_came_after_its_state(charrnn, train):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from charrnn.training.events import Events

    run = train("--steps", 6, "--sample-every", 2, "--tensorboard")
    # a kill after a report that no state was saved at
    Events(run, 6).log(Progress(7, 0.1, 9.0, 0.5, 99.0, 1.0, 1.0, 0.1, True, None))
    assert curve(read(run), "train_nats")[-1] == (7, 99.0)
    assert charrnn("train", "--resume", run).status == 0
    assert curve(read(run), "train_nats") == of_log(run, "train_nats")


def test_a_milestone_that_a_stop_cut_off_stands_once(charrnn, book, tiny, tmp_path, monkeypatch):
    """The stop comes in the validation after step 4, which is told of without it, and then again with it."""
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from charrnn.api import conduct

    real = conduct.follow

    def stopping(trainer, run, watch, *more):
        monkeypatch.setattr(conduct, "follow", real)
        monkeypatch.setattr(watch, "stop", lambda: trainer.step == 4)
        return real(trainer, run, watch, *more)

    monkeypatch.setattr(conduct, "follow", stopping)
    run = tmp_path / "run"
    train = ["train", book, *tiny, "--steps", 6, "--sample-every", 2, "--tensorboard", "--out", run]
    assert '"stopped": "interrupted"' in charrnn(*train, "--json").out
    assert curve(read(run), "train_nats")[-1][0] == 4
    assert sampled_at(read(run)) == [2]
    assert charrnn("train", "--resume", run).status == 0
    for name in NAMES:
        assert curve(read(run), name) == of_log(run, name), name
    assert sampled_at(read(run)) == [2, 4, 6]


def test_what_a_run_went_back_from_stands_in_no_curve(charrnn, book, tiny, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from charrnn.training.trainer import Trainer

    train_on = Trainer._train_on

    def broken(trainer, batch, rate):
        train_on(trainer, batch, rate)
        if trainer.step == 7 and rate > 0.005:
            trainer.model.readout.bias.data[0] = float("nan")

    monkeypatch.setattr(Trainer, "_train_on", broken)
    monkeypatch.setattr("charrnn.training.trainer.REPORT_SECONDS", 0.0)  # a report at every step
    recipe = ["--learning-rate", 0.01, "--schedule", "constant", "--warmup", 0, "--on-nan", "rollback"]
    options = ["--steps", 10, "--sample-every", 4, "--tensorboard", "--out", tmp_path / "run"]
    result = charrnn("train", book, *tiny, *options, *recipe)
    assert "Note: the loss was nan at step 8; going on from step 4" in result.err
    events = read(tmp_path / "run")
    for name in NAMES:
        assert curve(events, name) == of_log(tmp_path / "run", name), name
    assert [step for step, _ in curve(events, "epoch")] == list(range(1, 11))
    assert sampled_at(events) == [4, 8, 10]


def test_what_was_told_before_a_save_is_on_the_disk_then(charrnn, book, tiny, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from charrnn.training.run import Run

    commit, seen = Run.commit, []

    def committed(run, trainer, progress):
        seen.append((sampled_at(read(run.path)), curve(read(run.path), "epoch")[-1][0]))
        commit(run, trainer, progress)

    monkeypatch.setattr(Run, "commit", committed)
    charrnn("train", book, *tiny, "--steps", 4, "--sample-every", 2, "--tensorboard", "--out", tmp_path / "run")
    assert seen == [([2], 2), ([2, 4], 4)]


def test_event_files_that_cannot_be_written_are_an_error_that_names_the_way_on(tmp_path, monkeypatch):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from charrnn.errors import RunError
    from charrnn.training.events import Events

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    message = r"the event files in .* cannot be written \(No space left on device\); make room"
    events = Events(tmp_path, 0)
    monkeypatch.setattr("charrnn.training.events.append", full)
    with pytest.raises(RunError, match=message):
        events.keep_sample(Progress(7, 0.1, 9.0, 0.5, 99.0, 1.0, 1.0), "text", None)


def test_without_the_option_no_event_files_are_written(run):
    assert not list(Path(run).glob("events*"))


def test_where_tensorboard_is_missing_the_run_is_not_begun(charrnn, book, tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    result = charrnn("train", book, *tiny, "--steps", 1, "--out", tmp_path / "run", "--tensorboard")
    assert result.status == 1
    assert result.err == (
        "Error: event files need the package tensorboard, which is not installed; "
        "pip install tensorboard, or train without --tensorboard\n"
    )
    assert not (tmp_path / "run").exists()

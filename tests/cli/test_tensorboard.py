"""`charrnn train --tensorboard`: what TensorBoard reads is what the log and the samples hold."""

import json
import sys
from pathlib import Path

import pytest

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


def test_a_resumed_run_goes_on_with_its_events_and_takes_back_what_came_after_its_state(charrnn, train):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from charrnn.training.events import Events
    from charrnn.training.trainer import Progress

    run = train("--steps", 6, "--sample-every", 2, "--tensorboard")
    with Events(run, 6) as events:  # a kill after a report that no state was saved at
        events.log(Progress(7, 0.1, 9.0, 0.5, 99.0, 1.0, 1.0, 0.1, True, None))
    assert curve(read(run), "train_nats")[-1] == (7, 99.0)
    assert charrnn("train", "--resume", run).status == 0
    assert curve(read(run), "train_nats") == of_log(run, "train_nats")


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

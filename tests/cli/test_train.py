"""Training by the command line: the run folder, the report, and a stop that loses nothing."""

import io
import itertools
import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

from charrnn.api.preview import SAMPLE_LENGTH
from charrnn.cli.common import say
from charrnn.model.checkpoint import load
from charrnn.text.corpus import Corpus
from charrnn.text.sources import read
from charrnn.training.validation import Measured

LOG_KEYS = {"step", "epoch", "seconds", "learning_rate", "train_nats", "grad_norm", "chars_per_second"}


def log_of(run):
    return [json.loads(line) for line in (Path(run) / "log.jsonl").read_text().splitlines()]


def test_the_report_is_one_json_object_with_the_keys_of_the_contract(trained, run):
    assert trained.out.endswith("}\n")
    report = json.loads(trained.out)
    keys = "run best steps epochs seconds parameters train_nats val_nats val_bits test_nats chars_per_second stopped"
    assert set(report) >= set(keys.split())
    assert report["best"] == f"{run}/best.safetensors"
    assert (report["steps"], report["stopped"]) == (30, "finished")
    assert report["val_bits"] == pytest.approx(report["val_nats"] * 1.4426950408889634)
    assert report["parameters"] == sum(w.size for w in load(Path(report["best"])).weights.values())


def test_progress_goes_to_stderr_and_no_bar_is_drawn_there_where_it_is_no_terminal(trained):
    assert "── step 30" in trained.err
    assert "\r" not in trained.err
    assert "%|" not in trained.err
    assert "\x1b" not in trained.err


def test_the_run_folder_holds_what_help_says(run):
    names = {path.name for path in Path(run).iterdir()}
    told = {"best.safetensors", "last.safetensors", "log.jsonl", "samples.jsonl", "loss.png"}
    assert names == told | {"state.safetensors", ".lock"}


def test_the_log_has_the_keys_of_the_contract_on_every_line(run):
    log = log_of(run)
    assert [line["step"] for line in log if "val_nats" in line] == [10, 20, 30]
    assert all(set(line) >= LOG_KEYS for line in log)
    assert all(isinstance(value, int | float) for line in log for value in line.values())


def test_there_is_a_sample_of_every_stage(run):
    samples = [json.loads(line) for line in (Path(run) / "samples.jsonl").read_text().splitlines()]
    assert [sample["step"] for sample in samples] == [10, 20, 30]
    assert all(len(sample["text"]) == SAMPLE_LENGTH for sample in samples)


def test_a_text_too_short_for_parts_is_trained_on_with_nulls_in_the_report(charrnn, tiny, tmp_path):
    out = tmp_path / "run"
    result = charrnn("train", "-", *tiny, "--steps", 1, "--out", out, "--json", stdin=b"hello")
    report = json.loads(result.out)
    assert (report["val_nats"], report["val_bits"], report["test_nats"]) == (None, None, None)
    assert "Note: the text is too short for a validation part" in result.err
    assert load(out / "best.safetensors").header.figures.step == 1


def test_the_same_seed_trains_the_same_model(charrnn, tiny, book, tmp_path):
    options = [*tiny, "--steps", 2, "--dropout", 0.3, "--seed", 7]
    for name in "ab":
        assert charrnn("train", book, *options, "--out", tmp_path / name).status == 0
    a, b = (load(tmp_path / name / "best.safetensors").weights for name in "ab")
    assert all((a[name] == b[name]).all() for name in a)


def test_stdin_is_the_same_text_as_the_file(charrnn, tiny, book, tmp_path, run):
    assert charrnn("train", "-", *tiny, "--steps", 1, "--out", tmp_path / "r", stdin=book.read_bytes()).status == 0
    piped, read_ = (load(Path(place) / "best.safetensors").header.corpus for place in (tmp_path / "r", run))
    assert (piped.sha256, piped.split) == (read_.sha256, read_.split)


def test_a_run_folder_that_holds_a_run_is_refused_and_left_as_it_is(charrnn, tiny, book, run):
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in Path(run).iterdir()}
    result = charrnn("train", book, *tiny, "--steps", 1, "--out", run)
    assert result.status == 1
    assert (
        result.err.splitlines()[-1]
        == f"Error: {run} holds a run already; name another folder with --out, or go on with --resume"
    )
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in Path(run).iterdir()} == before


@pytest.mark.parametrize("saved", [0, 5])
def test_a_diverged_run_ends_with_status_1_and_keeps_what_was_saved(charrnn, tiny, book, tmp_path, monkeypatch, saved):
    leap = "charrnn.training.trainer.learning_rate"
    monkeypatch.setattr(leap, lambda config, fraction, epoch: 0.01 if fraction < saved / 10 else 1e30)
    options = ["--cell=rnn", "--nonlinearity=relu", "--clip-norm=0", "--steps=10", "--sample-every=1", "--json"]
    result = charrnn("train", book, *tiny, *options, "--out", tmp_path / "run")
    assert result.status == 1
    error = result.err.splitlines()[-1]
    assert re.match(rf"Error: the (validation )?loss was (nan|inf) at step {saved + 1};", error)
    assert "learning-rate" in error
    if saved:
        assert f"state.safetensors is good and holds step {saved}; resume with --on-nan rollback" in error
        report = json.loads(result.out)
        assert (report["stopped"], report["steps"]) == ("diverged", saved)
        assert 0 < load(Path(report["best"])).header.figures.step <= saved
    else:
        assert result.out == ""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_saves_its_checkpoints_and_says_how_it_ended(process, tiny, book, tmp_path, number, status):
    out = tmp_path / "run"
    training = process("train", book, *tiny, "--steps", 10**7, "--sample-every", 5, "--out", out, "--json")
    while not (out / "best.safetensors").exists() and training.poll() is None:
        time.sleep(0.05)
    training.send_signal(number)
    written, told = (stream.decode() for stream in training.communicate(timeout=60))
    assert training.returncode == status, told
    assert "Traceback" not in told
    assert json.loads(written)["stopped"] == "interrupted"
    last = load(out / "last.safetensors").header.figures
    assert last.step == log_of(out)[-1]["step"] == json.loads(written)["steps"]
    assert load(out / "best.safetensors").header.figures.val_nats == json.loads(written)["val_nats"]


def test_the_checkpoint_names_its_text_and_its_split(run, book):
    header = load(Path(run) / "best.safetensors").header.corpus
    corpus = Corpus.from_text(read([str(book)]))
    assert (header.name, header.sha256, header.split) == ("book", corpus.sha256, corpus.split)
    assert header.characters == sum(header.split.values()) == len(book.read_text("utf-8"))


def test_a_run_that_patience_ends_says_so(charrnn, book, tiny, tmp_path, monkeypatch):
    rising = (Measured(nats, 35, True) for nats in itertools.count(1.0))
    monkeypatch.setattr("charrnn.training.validation.measured", lambda *_, **__: next(rising))
    train = ["train", book, *tiny, "--sample-every", 1, "--patience", 2]
    early = charrnn(*train, "--steps", 9, "--out", tmp_path / "early")
    assert "Note: the last 2 validations brought no new best, so the run ended early\n" in early.err
    assert early.out.startswith("finished after 3 steps")
    whole = charrnn(*train, "--steps", 2, "--out", tmp_path / "whole")
    assert "ended early" not in whole.err


class Screen(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_a_line_is_broken_between_words(monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    words = " ".join(["checkpoints/of-some-length"] * 2 + ["a word and another, and so on to the end"])
    for stream, broken in ((Screen(), True), (io.StringIO(), False)):
        monkeypatch.setattr("sys.stderr", stream)
        say(words, err=True)
        lines = stream.getvalue().splitlines()
        assert (len(lines) > 2) == broken
        assert " ".join(lines) == words
        assert max(map(len, lines)) <= 30 or not broken


def test_every_loss_of_the_summary_has_its_unit(charrnn, book, tiny, tmp_path):
    losses = {
        "0.1": r"train \d\.\d{4}, val \d\.\d{4} nats .*, test \d\.\d{4} nats per",
        "0": r"train \d\.\d{4} nats per",
    }
    for fraction, expected in losses.items():
        parts = ["--val-fraction", fraction, "--test-fraction", fraction]
        done = charrnn("train", book, *tiny, "--steps", 1, *parts, "--out", tmp_path / fraction)
        assert re.search(f": {expected} character", done.out), done.out


BAD = {
    "LaTeX": lambda path: path.write_text("text.usetex: True\n"),
    "no text": lambda path: path.write_bytes(b"\xff\xfe\xe9"),
    "a pipe": getattr(os, "mkfifo", lambda path: pytest.skip("Windows has no pipes among its files")),
}


@pytest.mark.parametrize(
    ("bad", "place", "variable"),
    [
        *((bad, "matplotlibrc", "") for bad in BAD),
        ("a pipe", "named", "MATPLOTLIBRC=named"),
        ("a pipe", "config/matplotlibrc", "MPLCONFIGDIR=config"),
        ("a pipe", "xdg/matplotlib/matplotlibrc", "XDG_CONFIG_HOME=xdg"),
    ],
)
def test_a_picture_is_drawn_whatever_settings_matplotlib_would_find(process, run, tmp_path, bad, place, variable):
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    BAD[bad](tmp_path / place)
    name, _, folder = variable.partition("=")
    variables = {"MPLBACKEND": "nonsense"} | ({name: str(tmp_path / folder)} if name else {})
    drawing = process("compare", run, "-o", "curves.png", cwd=tmp_path, **variables)
    _, err = drawing.communicate(timeout=100)
    assert (drawing.returncode, err) == (0, b"Note: drew curves.png\n")
    assert (tmp_path / "curves.png").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes among its files")
def test_a_pipe_in_the_way_of_the_picture_ends_no_run(process, book, tmp_path):
    (tmp_path / "run").mkdir()
    os.mkfifo(tmp_path / "run" / "loss.png")
    training = process("train", book, "--hidden-size", 4, "--steps", 1, "--out", "run", cwd=tmp_path)
    out, err = training.communicate(timeout=100)
    assert training.returncode == 0, err
    assert b"Note: loss.png was not drawn" in err
    assert b"finished after 1 step" in out


def test_a_run_that_is_called_as_a_shipped_model_is_advised_by_its_path(charrnn, book, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = charrnn("train", book, "--hidden-size=4", "--steps=1", "--out=kernel")
    assert "Next:  charrnn sample ./kernel --length 500" in done.out


def test_a_folder_in_which_something_would_be_lost_is_not_taken_for_a_run(charrnn, book, tmp_path):
    stopped, noted, typed = tmp_path / "stopped", tmp_path / "noted", ("train", book, "--hidden-size=4", "--steps=1")
    charrnn(*typed, "--out", stopped)
    for name in ("best", "last"):
        (stopped / f"{name}.safetensors").unlink()
    noted.mkdir()
    (noted / "log.jsonl").write_text("my own log")
    for folder, name, told in (
        (stopped, "state.safetensors", f"Error: {stopped} holds a run already"),
        (noted, "log.jsonl", f"Error: {noted / 'log.jsonl'} is there already and would be lost"),
    ):
        before = (folder / name).read_bytes()
        refused = charrnn(*typed, "--out", folder)
        assert refused.status == 1
        assert told in refused.err
        assert (folder / name).read_bytes() == before
    (stopped / "state.safetensors").write_text("of another version")
    assert "holds a run already" in charrnn(*typed, "--out", stopped).err


@pytest.mark.parametrize("source", [".", "*"])
def test_a_run_in_the_very_folder_that_it_learns_from_goes_on(charrnn, book, tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "book.txt").write_bytes(book.read_bytes())
    charrnn("train", source, "--hidden-size=4", "--steps=1", "--out=.")
    went_on = charrnn("train", "--resume=.", "--steps=2")
    assert "finished after 2 steps" in went_on.out
    assert "logs of a run left out of" in went_on.err


def test_dropped_weights_are_told_and_kept_by_what_begins_from_them(charrnn, tiny, book, tmp_path):
    dropping = charrnn("train", book, *tiny, "--steps", 3, "--weight-dropout", 0.25, "--out", tmp_path / "a")
    assert "weight dropout 0.25" in dropping.err
    assert "weight dropout 0.25" in charrnn("info", tmp_path / "a").out
    charrnn("train", book, "--init-from", tmp_path / "a", "--steps", 1, "--out", tmp_path / "b")
    assert load(tmp_path / "b" / "last.safetensors").config.weight_dropout == 0.25


def test_one_of_a_thing_is_told_in_the_singular(charrnn, tiny, book, tmp_path):
    """Of a step, a stream or an epoch as of any count, in what a run says when it begins and ends and afterwards."""
    result = charrnn("train", book, *tiny, "--steps", 1, "--batch-size", 1, "--out", tmp_path / "run")
    told = result.err + result.out + charrnn("history", tmp_path / "run").out
    assert "1 stream × " in told
    assert ", 1 step" in told
    assert "after 1 step," in told
    assert "its 1 step used" in told

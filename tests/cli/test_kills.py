"""Real kills at random instants, and signals: `benchmarks/kills.py` does the former by the hundred."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from charrnn.training.resume import STATE, load_state

HARNESS = Path(__file__).parents[2] / "benchmarks" / "kills.py"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_run_that_is_killed_again_and_again_ends_as_one_that_was_not():
    command = [sys.executable, str(HARNESS), "--kills", "8", "--steps", "40", "--seed", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("8 kills over ")


def wait_for(path, process):
    while not path.exists() and process.poll() is None:
        time.sleep(0.01)


SLOW_VALIDATION = """
import sys, time
from charrnn.cli.main import main
import charrnn.training.validation as validation
blocks = validation.score_blocks
def slow(model, ids, precision, on_read, first):
    open(sys.argv[-1] + ".validating", "w").close()
    for _ in range(100):
        time.sleep(0.05)
        on_read(0)
    yield from blocks(model, ids, precision, on_read, first)
validation.score_blocks = slow
main()
"""


def test_a_signal_in_a_long_validation_ends_the_run_saved_before_it_is_over(book, tiny, tmp_path):
    run = tmp_path / "run"
    command = ["train", str(book), *tiny, "--steps", "4", "--out", str(run)]
    training = subprocess.Popen([sys.executable, "-c", SLOW_VALIDATION, *command], stderr=subprocess.PIPE)
    wait_for(Path(f"{run}.validating"), training)
    training.send_signal(signal.SIGTERM)
    _, told = training.communicate(timeout=60)
    assert training.returncode == 143, told
    assert b"Stopping after this step; once more to leave at once." in told
    assert "owed" in load_state(run).tensors


STUCK_SAVE = """
import sys, time
from charrnn.cli.main import main
from charrnn.training.run import Run
def stuck(*arguments):
    open(sys.argv[-1] + ".saving", "w").close()
    time.sleep(600)
Run.commit = stuck
main()
"""


def test_a_second_signal_leaves_at_once_whatever_goes_on(book, tiny, tmp_path):
    run = tmp_path / "run"
    command = ["train", str(book), *tiny, "--steps", "4", "--sample-every", "1", "--out", str(run)]
    training = subprocess.Popen([sys.executable, "-c", STUCK_SAVE, *command], stderr=subprocess.PIPE)
    wait_for(Path(f"{run}.saving"), training)
    training.send_signal(signal.SIGINT)
    while b"once more" not in training.stderr.readline():
        assert training.poll() is None
    training.send_signal(signal.SIGINT)
    _, told = training.communicate(timeout=60)
    assert training.returncode == 130
    assert b"Traceback" not in told
    assert (run / STATE).exists()


LONG_FINISH = """
import sys, time
from charrnn.api import trained
from charrnn.cli.main import main
def long(*arguments):
    open(sys.argv[-1] + ".finishing", "w").close()
    time.sleep(600)
trained._measured = long
main()
"""


def test_a_signal_after_the_last_save_leaves_at_once(charrnn, book, tiny, tmp_path):
    run = tmp_path / "run"
    command = ["train", str(book), *tiny, "--steps", "4", "--out", str(run)]
    training = subprocess.Popen([sys.executable, "-c", LONG_FINISH, *command], stderr=subprocess.PIPE)
    wait_for(Path(f"{run}.finishing"), training)
    training.send_signal(signal.SIGINT)
    _, told = training.communicate(timeout=60)
    assert training.returncode == 130, told
    assert charrnn("train", "--resume", run).status == 0


def test_a_signal_while_the_text_is_read_leaves_at_once(tmp_path):
    reading = "import sys\nfrom charrnn.cli.main import main\nprint('ready', file=sys.stderr, flush=True)\nmain()"
    pipe = [sys.executable, "-c", reading, "train", "-", "--out", str(tmp_path / "run")]
    training = subprocess.Popen(pipe, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    training.stderr.readline()
    time.sleep(0.2)
    training.send_signal(signal.SIGINT)
    _, told = training.communicate(timeout=60)
    assert training.returncode in (130, -signal.SIGINT), told
    assert not (tmp_path / "run").exists()

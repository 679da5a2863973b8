"""Two processes that train one model together, as torchrun starts them."""

import json
import os
import re
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from charrnn.errors import DeviceError, RunError
from charrnn.training.group import Group, joined

SCRIPT = Path(__file__).with_name("two_processes.py")
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]

pytestmark = pytest.mark.skipif(not torch.distributed.is_available(), reason="this PyTorch has no distributed engine")


def environment(temporary):
    """That of torchrun's processes, which leave folders where temporary files belong."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(temporary)}


@pytest.fixture(scope="module")
def ends(tmp_path_factory):
    """How the runs of two_processes.py ended, as each of the two processes has it."""
    folder = tmp_path_factory.mktemp("two")
    subprocess.run([*TORCHRUN, SCRIPT, folder], check=True, env=environment(folder))
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in (0, 1)]


@pytest.fixture(scope="module")
def new_trainer():
    return runpy.run_path(str(SCRIPT))["new_trainer"]


def weights(end):
    return {name: tensor for name, tensor in end["state"].items() if name.startswith("model.")}


def test_two_processes_give_what_one_with_twice_the_batch_gives(ends, new_trainer, quiet):
    alone = new_trainer(Group(), 6)
    reports, together = list(alone.run()), ends[0]["together"]
    for name, weight in weights({"state": alone.state()}).items():
        torch.testing.assert_close(together["state"][name], weight, rtol=1e-4, atol=1e-5)
    assert [p.step for p in together["progress"]] == [p.step for p in reports]
    for one, other in zip(together["progress"], reports, strict=True):
        assert (one.epoch, one.milestone) == (other.epoch, other.milestone)
        assert one.train_nats == pytest.approx(other.train_nats, rel=1e-4)
        assert one.grad_norm == pytest.approx(other.grad_norm, rel=1e-3)
        assert one.val_nats == pytest.approx(other.val_nats, rel=1e-4)


def test_the_recurrent_states_of_all_are_those_of_one(ends, new_trainer):
    alone = new_trainer(Group(), 6)
    list(alone.run())
    for name, part in alone.state().items():
        if name.startswith("recurrent."):
            torch.testing.assert_close(ends[0]["together"]["state"][name], part, rtol=1e-3, atol=1e-4)


def test_both_have_the_same_weights_to_the_last_bit(ends):
    for run in ends[0].keys() - {"read"}:
        pairs = zip(weights(ends[0][run]).values(), weights(ends[1][run]).values(), strict=True)
        assert all(torch.equal(one, other) for one, other in pairs), run


def test_what_the_first_finds_reaches_all(ends):
    assert [end["read"] for end in ends] == [["é\ud800", [0, None]]] * 2


def test_a_group_of_one_finds_it_itself():
    assert Group().found_by_the_first(lambda: ("text", ())) == ("text", ())


@pytest.mark.parametrize("device", ["cuda:1", "mps"])
def test_a_device_that_not_each_process_can_have_is_refused(monkeypatch, device):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "any")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(DeviceError, match=f"2 processes cannot share {device}"), joined(torch.device(device)):
        pass


def test_more_processes_than_gpus_are_refused_by_all_before_anything_starts(monkeypatch):
    for name, value in {
        "TORCHELASTIC_RUN_ID": "any",
        "WORLD_SIZE": "4",
        "LOCAL_WORLD_SIZE": "2",
        "LOCAL_RANK": "0",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    told = "2 processes of this machine need a GPU each, and it has 1; add --device cpu, or start 1 with torchrun"
    with pytest.raises(DeviceError, match=told), joined(torch.device("cuda:0")):
        pass


def test_each_drops_units_of_its_own(ends):
    one, other = ends[0]["straight"]["state"]["dropout"]
    assert not torch.equal(one, other)


def test_a_resumed_run_equals_one_that_was_not_stopped(ends):
    straight, resumed = (ends[0][run]["state"] for run in ("straight", "resumed"))
    for name in straight.keys() - {"counts"}:  # which has the seconds
        assert torch.equal(straight[name], resumed[name]), name


def test_a_stop_that_one_is_asked_for_stops_both_at_the_same_step(ends):
    steps = [end["stopped"]["progress"].step for end in ends]
    assert steps[0] == steps[1] < 10
    assert [end["stopped"]["stopped"] for end in ends] == ["interrupted"] * 2


def test_both_end_together_when_the_time_is_up(ends):
    one, other = (end["clock"]["progress"] for end in ends)
    assert (one.step, one.seconds, one.fraction) == (other.step, other.seconds, other.fraction)
    assert one.seconds >= 0.6


def test_another_number_of_processes_is_refused(ends, new_trainer):
    with pytest.raises(RunError, match="2 processes trained this, not 1; start 2 with torchrun"):
        new_trainer(Group(), 6).restore(ends[0]["straight"]["state"])


def test_when_one_is_killed_the_other_says_so_and_the_run_goes_on_from_its_last_save(tmp_path):
    (tmp_path / "song.txt").write_text("abcade\n" * 300)
    sizes = ["--hidden-size=5", "--embedding-size=3", "--seq-length=6", "--batch-size=3", "--precision=float32"]
    sizes += ["--device=cpu"]  # one GPU does not serve two
    train = [*TORCHRUN, "-m", "charrnn", "train"]
    options = ["song.txt", *sizes, "--minutes=9", "--sample-every=20", "--out=run"]
    started = subprocess.Popen(
        [*train, *options], cwd=tmp_path, env=environment(tmp_path), stderr=subprocess.PIPE, text=True
    )
    state = tmp_path / "run" / "state.safetensors"
    while not (tmp_path / "run" / "last.safetensors").exists():
        assert started.poll() is None
        time.sleep(0.02)
    os.kill(_worker(started.pid), signal.SIGKILL)
    told = started.communicate()[1]
    assert started.returncode != 0
    assert "Error: another process of this run was lost; start all of them again with --resume" in told
    assert state.exists()
    again = [*train, "--resume=run", "--device=cpu", "--json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    resumed = subprocess.Popen(again, cwd=tmp_path, env=environment(tmp_path), text=True, **pipes)
    assert "2 processes, each 3 streams" in next(line for line in resumed.stderr if "streams" in line)
    next(line for line in resumed.stderr if line.startswith("── step"))
    resumed.send_signal(signal.SIGTERM)
    out, _ = resumed.communicate()
    assert json.loads(out)["stopped"] == "interrupted"


def _worker(torchrun: int) -> int:
    """The last process that torchrun has started."""
    children = Path(f"/proc/{torchrun}/task/{torchrun}/children").read_text()
    return int(re.findall(r"\d+", children)[-1])

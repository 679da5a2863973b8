"""Checkpoint files from strangers: whatever bytes lie in one, it is a whole model or one line says why it is not."""

import io
import json
import os
import pickle
import shutil
import sys
import tracemalloc
import zipfile
from pathlib import Path

import msgspec
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save

from charrnn.errors import CheckpointError
from charrnn.model.checkpoint import FORMAT_VERSION, load, seal
from charrnn.model.checkpoint import save as save_checkpoint
from charrnn.training.resume import _VERSION as STATE_VERSION
from charrnn.training.resume import load_state

FORMATS = Path(__file__).parent / "formats"  # a file of each version there ever was
NONE = "cannot be read as a checkpoint"
FOREIGN = "is a safetensors file, but not charrnn's; give a file that charrnn wrote"
HEADER = "is damaged: its header is wrong: "


class Payload:
    """What a pickle can do where it is opened."""

    def __reduce__(self):
        return os.mkdir, ("the payload ran",)


class Whole:
    """A whole and tiny checkpoint, and others made of it: under a digest that fits, as a stranger would, or not."""

    def __init__(self, checkpoint, path):
        save_checkpoint(checkpoint, path)
        self.content = path.read_bytes()
        self.header = msgspec.to_builtins(checkpoint.header)
        with safe_open(path, framework="numpy") as file:
            self.metadata = file.metadata()
            self.tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 -- no mapping

    def flipped(self, place, bit):
        return self.content[:place] + bytes([self.content[place] ^ 1 << bit]) + self.content[place + 1 :]

    def with_metadata(self, **metadata):
        return save(self.tensors, {**self.metadata, **metadata})

    def with_tensors(self, **changed):
        """Weights beside the others or, for None, left out; two underscores stand for a dot."""
        named = {name.replace("__", "."): tensor for name, tensor in changed.items()}
        return self._sealed(self.metadata["header"], {**self.tensors, **named})

    def with_header(self, *path, value):
        """Another value at a place in the header."""
        header = json.loads(json.dumps(self.header))
        inner = header
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = value
        return self.with_text(json.dumps(header))

    def with_text(self, header):
        return self._sealed(header, self.tensors)

    def _sealed(self, header, tensors):
        tensors = {name: tensor for name, tensor in tensors.items() if tensor is not None}
        digest = seal("1", header.encode(), tensors)
        return save(tensors, {**self.metadata, "header": header, "digest": digest})


def zipped(whole):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Payload()))  # as torch.save does
    return file.getvalue()


def longer_than_it_says(whole):
    return (2**60).to_bytes(8, "little") + whole.content[8:]


def array(*values, dtype=np.float32):
    return np.array(values, dtype)


# What lies in the file -> what `charrnn info FILE` says, with exit status 1.
FILES = {
    # no checkpoint at all
    "nothing": (lambda w: b"", NONE),
    "zeros": (lambda w: bytes(64), NONE),
    "an HTML page": (lambda w: b"<!doctype html><title>404</title>", f"{NONE} (it is a web page)"),
    "a text": (lambda w: b"To be, or not to be\n" * 9, NONE),
    "a zip, as torch.save makes it": (zipped, f"{NONE} (it is a zip archive, as torch.save makes it)"),
    "a pickle with a payload": (lambda w: pickle.dumps(Payload()), f"{NONE} (it is a pickle, which could run code)"),
    "a pointer of Git LFS": (
        lambda w: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
        f"{NONE} (it is a pointer of Git LFS to the file)",
    ),
    "an HDF5 file": (lambda w: b"\x89HDF\r\n\x1a\n", f"{NONE} (it is an HDF5 file)"),
    "a header of 2^60 bytes": (longer_than_it_says, NONE),
    "a foreign safetensors file": (lambda w: save({"weight": array(1)}, None), FOREIGN),
    "one of another program": (lambda w: save({"weight": array(1)}, {"format": "pt"}), FOREIGN),
    "charrnn's name and no more": (lambda w: save({"weight": array(1)}, {"format": "charrnn"}), FOREIGN),
    # damaged on its way
    "its first half": (lambda w: w.content[: len(w.content) // 2], NONE),
    "all but its last byte": (lambda w: w.content[:-1], NONE),
    "a byte behind its end": (lambda w: w.content + b"\0", NONE),
    "another file behind its end": (lambda w: w.content * 2, NONE),
    "a bit of a weight": (lambda w: w.flipped(len(w.content) - 5, 3), "its digest does not fit its content"),
    "a changed figure": (lambda w: w.with_metadata(header=w.metadata["header"].replace("1.25", "1.24")), "its digest"),
    "no digest": (lambda w: w.with_metadata(digest=""), "its digest does not fit its content"),
    # versions
    "the next format version": (lambda w: w.with_metadata(format_version="5"), "reads up to 4; upgrade charrnn"),
    "a far one": (lambda w: w.with_metadata(format_version="99999"), "has format version 99999; this charrnn"),
    "no version": (lambda w: w.with_metadata(format_version=""), FOREIGN),
    "version 0": (lambda w: w.with_metadata(format_version="0"), FOREIGN),
    "version ²": (lambda w: w.with_metadata(format_version="²"), FOREIGN),
    "a version of 5,000 digits": (lambda w: w.with_metadata(format_version="9" * 5000), FOREIGN),
    # tensors, under a digest that fits
    "a tensor is missing": (
        lambda w: w.with_tensors(layers__0__weight_hh=None),
        "tensors are missing or too many: layers.0.weight_hh",
    ),
    "a tensor too many": (lambda w: w.with_tensors(stowaway=array(1)), "missing or too many: stowaway"),
    "a misshapen tensor": (
        lambda w: w.with_tensors(layers__0__weight_hh=array(*range(16))),
        "layers.0.weight_hh has the shape [16], not [8, 2]",
    ),
    "a transposed tensor": (
        lambda w: w.with_tensors(layers__0__weight_hh=np.ones((2, 8), np.float32)),
        "layers.0.weight_hh has the shape [2, 8], not [8, 2]",
    ),
    "a tensor of doubles": (lambda w: w.with_tensors(readout__bias=np.ones(3)), "readout.bias has the type F64"),
    "a tensor of truths": (lambda w: w.with_tensors(readout__bias=np.ones(3, bool)), "readout.bias has the type BOOL"),
    "a weight that is NaN": (lambda w: w.with_tensors(readout__bias=array(0, np.nan, 1)), "not finite"),
    "a weight that is infinite": (lambda w: w.with_tensors(readout__bias=array(0, 1, np.inf)), "not finite"),
    "a half that is infinite": (
        lambda w: w.with_tensors(readout__bias=array(0, -np.inf, 1, dtype=np.float16)),
        "readout.bias holds values that are not finite",
    ),
    "a weight of 3e38": (
        lambda w: w.with_tensors(readout__bias=array(0, -3e38, 1)),
        "readout.bias holds values beyond ±1e+15, which no training reaches",
    ),
    "half a character": (
        lambda w: w.with_tensors(vocabulary=array(97, 98, 0xD800, dtype=np.int32)),
        "its vocabulary has halves of surrogate pairs, which are no characters",
    ),
    "a vocabulary of another size": (
        lambda w: w.with_tensors(vocabulary=array(97, 98, dtype=np.int32)),
        "vocabulary has the shape [2], not [3]",
    ),
    "a vocabulary with a repeat": (
        lambda w: w.with_tensors(vocabulary=array(97, 97, 98, dtype=np.int32)),
        "its vocabulary is not a list of distinct code points",
    ),
    "a vocabulary beyond Unicode": (
        lambda w: w.with_tensors(vocabulary=array(1, 2, 0x110000, dtype=np.int32)),
        "its vocabulary is not a list of distinct code points",
    ),
    "a vocabulary below nothing": (
        lambda w: w.with_tensors(vocabulary=array(-1, 2, 3, dtype=np.int32)),
        "its vocabulary is not a list of distinct code points",
    ),
    # metadata, under a digest that fits
    "no header": (lambda w: w.with_text(""), HEADER + "Input data was truncated"),
    "a list for a header": (lambda w: w.with_text("[]"), HEADER + "Expected `object`, got `array`"),
    "a header of 20 MB": (lambda w: w.with_text('{"x": "' + "a" * 20_000_000 + '"}'), HEADER + "Object missing"),
    "a header 200,000 levels deep": (lambda w: w.with_text('{"a":' * 200_000), HEADER + "maximum recursion depth"),
    "a number of a million digits": (lambda w: w.with_text('{"model":' + "9" * 10**6), HEADER + "Number out of range"),
    "2^60 units": (
        lambda w: w.with_header("model", "hidden_size", value=2**60),
        HEADER + "hidden_size is 1152921504606846976; give a value from 1 to 16384",
    ),
    "10^30 units": (
        lambda w: w.with_header("model", "hidden_size", value=10**30),
        HEADER + f"hidden_size is {10**30}; give a value from 1 to 16384",
    ),
    "more units than the file has": (
        lambda w: w.with_header("model", "hidden_size", value=16384),
        "has the shape [8, 1], not [65536, 1]",
    ),
    "no units": (lambda w: w.with_header("model", "hidden_size", value=0), HEADER + "hidden_size is 0"),
    "half a unit": (lambda w: w.with_header("model", "hidden_size", value=2.5), HEADER + "Expected `int`"),
    "-1 layers": (lambda w: w.with_header("model", "num_layers", value=-1), HEADER + "num_layers is -1"),
    "a cell that is none": (lambda w: w.with_header("model", "cell", value="mamba"), HEADER + "Invalid enum value"),
    "a text of parts unknown": (
        lambda w: w.with_header("corpus", "split", value={"\x1b[31m": 100}),
        HEADER + "a part of the text is '\\x1b[31m'; choose one of train, val, test",
    ),
    "a text without a part": (lambda w: w.with_header("corpus", "split", value={}), HEADER + "the parts of the text"),
    "a part of -5 characters": (
        lambda w: w.with_header("corpus", "split", value={"train": -5, "val": 105}),
        HEADER + "the length of train is -5",
    ),
    "lines that begin so -1 times": (
        lambda w: w.with_header("line_beginnings", value={"a": -1}),
        HEADER + "the count of lines that begin with 'a' is -1; give a value from 1 to 9007199254740992",
    ),
    "lines that begin so 10^300 times": (
        lambda w: w.with_header("line_beginnings", value={"a": 10**300}),
        HEADER + "the count of lines that begin with 'a' is 1000000",
    ),
    "lines that begin with what is no character of it": (
        lambda w: w.with_header("line_beginnings", value={"Z": 1}),
        "no line can begin as its header says",
    ),
    "a budget in words": (
        lambda w: w.with_header("training", value={"steps": "x"}),
        HEADER + "steps is 'x'; give a number",
    ),
    "a budget of nothing": (
        lambda w: w.with_header("training", value={"minutes": 0}),
        HEADER + "minutes is 0; give a value from 1e-06 to 1000000000000",
    ),
    "a budget of 10^400": (
        lambda w: w.with_header("training", value={"epochs": 10**400}),
        HEADER + "epochs is 1000000",
    ),
    "a setting of 10^300": (
        lambda w: w.with_header("training", "seed", value=10**300),
        HEADER + "the setting seed is 1000000",
    ),
    "-1 steps": (lambda w: w.with_header("figures", "step", value=-1), HEADER + "step is -1"),
    "a loss beyond float32": (
        lambda w: w.with_header("figures", "val_nats", value=9e38),
        HEADER + "val_nats is 9e+38; give a value from 0",
    ),
    "folded characters and no sign for them": (
        lambda w: w.with_header("corpus", "folded", value=2),
        "characters were folded into U+FFFD, which is not in its vocabulary",
    ),
    # models of symbols longer than a character
    "a word that is none": (
        lambda w: w.with_header("symbols", value={"kind": "word", "names": ["two words"]}),
        HEADER + "'two words' is no symbol (word) of 2 to 256 characters",
    ),
    "a symbol of 300 characters": (
        lambda w: w.with_header("symbols", value={"kind": "spaced", "names": ["x" * 300]}),
        "is no symbol (spaced) of 2 to 256 characters",
    ),
    "a symbol twice": (
        lambda w: w.with_header("symbols", value={"kind": "word", "names": ["the", "the"]}),
        HEADER + "symbols are there twice",
    ),
    "symbols of no kind": (
        lambda w: w.with_header("symbols", value={"kind": "byte", "names": []}),
        HEADER + "Invalid enum value 'byte'",
    ),
    "70,000 symbols": (
        lambda w: w.with_header(
            "symbols", value={"kind": "word", "names": [f"w{'x' * n}" for n in range(1, 4)] * 25000}
        ),
        HEADER + "symbols are there twice, or are more than 65,534",
    ),
    "symbols and no characters of them": (
        lambda w: w.with_header("symbols", value={"kind": "word", "names": ["the"]}),
        HEADER + "characters of symbols are counted where there are none, or not",
    ),
    "symbols that its vocabulary lacks": (
        lambda w: w.with_text(
            json.dumps(
                w.header
                | {"symbols": {"kind": "word", "names": ["the"]}}
                | {"corpus": w.header["corpus"] | {"characters_in": w.header["corpus"]["split"]}}
            )
        ),
        "a vocabulary's characters are not those of its symbols",
    ),
    "parts with fewer characters than symbols": (
        lambda w: w.with_header("corpus", "characters_in", value=dict.fromkeys(w.header["corpus"]["split"], 1)),
        HEADER + "the characters of train is 1",
    ),
    "a list among the recipe": (lambda w: w.with_header("training", "seed", value=[1]), HEADER + "Expected `bool"),
}


@pytest.fixture
def whole(make_checkpoint, tmp_path):
    return Whole(make_checkpoint(vocabulary_size=3, embedding_size=1, hidden_size=2), tmp_path / "whole")


@pytest.mark.parametrize("what", FILES)
def test_what_is_no_whole_checkpoint_is_refused_in_one_line_and_nothing_of_it_runs(row, here, whole, what):
    content, says = FILES[what]
    (here / "model").write_bytes(content(whole))
    row(["info", "model"], 1, says)
    assert not (here / "the payload ran").exists()


def refused(path, content):
    path.write_bytes(content)
    with pytest.raises(CheckpointError):
        load(path)
    return True


def test_one_bit_flipped_anywhere_is_found(tmp_path, whole):
    for place in range(0, len(whole.content), 3):  # 3 and 8 share no factor, so every bit has its turn
        assert refused(tmp_path / "model", whole.flipped(place, place % 8)), place


def test_any_bit_of_the_format_version_is_found(tmp_path, whole):
    place = whole.content.index(b'"format_version":"1"') + len('"format_version":"')
    assert all(refused(tmp_path / "model", whole.flipped(place, bit)) for bit in range(8))


def test_a_file_cut_off_anywhere_is_found(tmp_path, whole):
    for length in range(0, len(whole.content), 7):
        assert refused(tmp_path / "model", whole.content[:length]), length


def test_sizes_that_the_file_does_not_have_cost_no_memory(tmp_path, whole):
    content = whole.with_header("model", "hidden_size", value=16384)
    tracemalloc.start()
    assert refused(tmp_path / "model", content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_file_of_every_format_version_is_kept_and_can_be_read(row):
    assert [path.name for path in sorted(FORMATS.glob("model-*"))] == [
        f"model-{version}.safetensors" for version in range(1, FORMAT_VERSION + 1)
    ]
    for path in FORMATS.glob("model-*"):
        row(["info", path], 0, "format ")
        row(["sample", path, "--length", 5, "--seed", 0], 0, "")


def test_a_state_of_this_format_version_is_kept_and_can_be_read(row):
    assert load_state(FORMATS / f"state-{STATE_VERSION}").account.header.figures.step == 2


# What is done to the folder of a run of 30 steps -> what is called, its exit status and what it says.
FOLDERS = {
    "its best is broken": ("best.safetensors", ["sample", "RUN"], 1, "is damaged: its digest"),
    "its best is broken: made anew from the state": (
        "best.safetensors",
        ["train", "--resume", "RUN"],
        0,
        "best.safetensors was damaged and is best.damaged now, and made anew of step 30",
    ),
    "its last is broken: made anew from the state": (
        "last.safetensors",
        ["train", "--resume", "RUN"],
        0,
        "last.safetensors was damaged and is last.damaged now, and made anew of step 30",
    ),
    "its state is broken: says how to go on from the best": (
        "state.safetensors",
        ["train", "--resume", "RUN"],
        1,
        "is damaged: its digest does not fit; restore it from a backup, or start a new run from the best weights: "
        "charrnn train SOURCE --init-from RUN",
    ),
    "its state is broken: goes on from the best when told": (
        "state.safetensors",
        ["train", "BOOK", "--init-from", "RUN", "--steps", 1, "--out", "new"],
        0,
        "finished",
    ),
    "a log of other things": ("log.jsonl", ["history", "RUN"], 1, "nothing is logged in"),
}


def broken(path):
    """Break a file in a way that its length does not show."""
    content = bytearray(path.read_bytes())
    for place in range(len(content) // 2, len(content)):
        content[place] ^= 1
    path.write_bytes(bytes(len(content)) if path.suffix == ".jsonl" else content)


@pytest.mark.parametrize("what", FOLDERS)
def test_a_broken_file_in_a_run_folder_is_told_and_the_others_serve(row, run, book, here, what):
    name, arguments, status, says = FOLDERS[what]
    shutil.copytree(run, here / "RUN")
    broken(here / "RUN" / name)
    row([book if argument == "BOOK" else argument for argument in arguments], status, says)


@pytest.mark.parametrize(
    "absurd", ["1e308", "1e400", "-1e39", "1e-320", "9e38", "10" * 40, "-1", "0", "[]", '"1"', "true"]
)
@pytest.mark.parametrize("name", ["step", "seconds", "train_nats", "val_nats"])
def test_a_figure_in_a_log_that_none_can_be_crashes_no_picture(row, run, here, name, absurd):
    shutil.copytree(run, here / "RUN")
    log = here / "RUN" / "log.jsonl"
    line = json.loads(log.read_text().splitlines()[-1]) | {name: "HERE"}
    with log.open("a") as file:
        file.write(json.dumps(line).replace('"HERE"', absurd) + "\n")
    row(["history", "RUN"], 0, "lstm 1×16")
    row(["compare", "RUN", run, "-o", "curves.png"], 0, "")


@pytest.mark.parametrize("nats", ["1e38", "1e-320", "0"])
def test_a_run_without_a_budget_and_with_one_absurd_loss_is_shown(row, reseal, run, here, nats):
    shutil.copytree(run, here / "RUN")
    reseal(here / "RUN" / "best.safetensors", lambda header, tensors: header.update(training={}))
    log = here / "RUN" / "log.jsonl"
    line = json.loads(log.read_text().splitlines()[-1]) | {"train_nats": "HERE", "val_nats": "HERE"}
    log.write_text(json.dumps(line).replace('"HERE"', nats) + "\n")
    row(["history", "RUN"], 0, "lstm 1×16")
    row(["compare", "RUN", run, "-o", "curves.png"], 0, "")


# What lies in a run folder and has no end, or none that memory holds -> what is called, and what it says.
ENDLESS = {
    "samples of 3 GB": ("samples.jsonl", ["history", "RUN"], "samples.jsonl is larger than a run writes in weeks"),
    "a log of 3 GB": ("log.jsonl", ["compare", "RUN"], "log.jsonl is larger than a run writes in weeks (1,024 MiB)"),
    "a log of 3 GB to go on with": ("log.jsonl", ["train", "--resume", "RUN"], "log.jsonl is larger than a run writes"),
    "a model larger than memory": ("best.safetensors", ["sample", "RUN"], "best.safetensors takes 3.0 GB of memory"),
    "a state larger than memory": ("state.safetensors", ["train", "--resume", "RUN"], "takes 3.0 GB of memory, and"),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_a_file_that_is_larger_than_it_can_be_is_refused_before_it_is_read(row, run, here, what, monkeypatch):
    name, arguments, says = ENDLESS[what]
    shutil.copytree(run, here / "RUN")
    os.truncate(here / "RUN" / name, 3_000_000_000)  # all but its beginning is a hole
    for module in ("charrnn.model.sealed", "charrnn.training.resume"):
        monkeypatch.setattr(f"{module}.available", lambda: 2e9)
    row(arguments, 1, says)


def linked(path, target):
    path.unlink(missing_ok=True)
    path.symlink_to(target)


# What a stranger may have put into a run folder, where a run would write or read -> how it gets there.
WAYS_OUT = {
    "a lock that is a link": lambda folder, secret: linked(folder / ".lock", secret),
    "a log that is a link": lambda folder, secret: linked(folder / "log.jsonl", secret),
    "samples that are a broken link": lambda folder, secret: linked(folder / "samples.jsonl", "nowhere"),
    "stages that are a link": lambda folder, secret: linked(folder / "stages", secret.parent),
    "a log that is a pipe": lambda folder, secret: ((folder / "log.jsonl").unlink(), os.mkfifo(folder / "log.jsonl")),
    "samples that are a folder": lambda folder, secret: (
        (folder / "samples.jsonl").unlink(),
        (folder / "samples.jsonl").mkdir(),
    ),
}


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")
@pytest.mark.parametrize("what", WAYS_OUT)
def test_a_run_folder_that_leads_elsewhere_is_refused_and_nothing_written_there(row, run, here, what):
    (here / "secret").mkdir()
    (here / "secret" / "file").write_text("precious")
    shutil.copytree(run, here / "RUN")
    WAYS_OUT[what](here / "RUN", here / "secret" / "file")
    row(
        ["train", "--resume", "RUN"],
        1,
        "is a link or no regular file; remove it: a run writes into its own folder alone",
    )
    assert sorted(path.name for path in here.iterdir()) == ["RUN", "secret"]
    assert [(path.name, path.read_text()) for path in (here / "secret").iterdir()] == [("file", "precious")]


@pytest.mark.parametrize("name", ["best", "last", "state"])
def test_what_a_killed_save_left_is_ignored_and_cleaned_when_the_run_goes_on(row, run, here, name):
    shutil.copytree(run, here / "RUN")
    left = here / "RUN" / f".{name}.safetensors.a1b2c3.tmp"
    left.write_bytes(b"half a ch")
    row(["sample", "RUN", "--length", 3], 0, "")
    row(["train", "--resume", "RUN"], 0, "finished")
    assert not left.exists()


def of_state(path, change):
    """Change what a state says and seal it again, as a stranger would."""
    import torch
    from safetensors.torch import save_file as save_state

    from charrnn.training.resume import _sealed

    with safe_open(path, framework="pt") as file:
        account, tensors = json.loads(file.metadata()["account"]), {n: file.get_tensor(n) for n in file.keys()}  # noqa: SIM118
    changed = change(account, tensors, torch)
    account = changed if isinstance(changed, str) else json.dumps(account)
    save_state(tensors, path, _sealed(account, tensors))


# What a stranger's run folder claims -> what `charrnn train --resume RUN` says, with exit status 1.
STATES = {
    "fractions for a vocabulary": (
        lambda a, t, torch: t.update(vocabulary=torch.ones(2)),
        "vocabulary is of another size or type than its network's",
    ),
    "a vocabulary beyond any number": (lambda a, t, torch: t["vocabulary"].fill_(2**31 - 1), "not in range(0x110000)"),
    "a vocabulary with repeats": (lambda a, t, torch: t["vocabulary"].fill_(97), "occurs twice"),
    "no vocabulary": (lambda a, t, torch: t.__delitem__("vocabulary"), "it lacks vocabulary"),
    "a moment smaller than its weight": (
        lambda a, t, torch: t.update({"optimizer.1.exp_avg": torch.zeros(2)}),
        "optimizer.1.exp_avg is of another size or type than its network's",
    ),
    "a moment too few": (
        lambda a, t, torch: t.__delitem__("optimizer.0.exp_avg_sq"),
        "it lacks optimizer.0.exp_avg_sq",
    ),
    "a state of another width": (
        lambda a, t, torch: t.update({"recurrent.0.0": torch.zeros(4, 99)}),
        "recurrent.0.0 is of another size or type than its network's",
    ),
    "sizes that the file does not have": (
        lambda a, t, torch: a["header"]["model"].update(hidden_size=16384),
        "layers.0.weight_ih is of another size or type than its network's",
    ),
    "a random state of another type": (
        lambda a, t, torch: t.update(dropout=t["dropout"].bool()),
        "dropout is of another size or type than its network's",
    ),
    "a recipe that is none": (
        lambda a, t, torch: a["header"]["training"].update(batch_size="x"),
        "is not as this charrnn writes it: Expected `int`, got `str`",
    ),
    "a recipe without its precision": (
        lambda a, t, torch: a["header"]["training"].__delitem__("precision"),
        "it lacks precision",
    ),
    "a tensor too many": (lambda a, t, torch: t.update(stowaway=torch.ones(1)), "stowaway is none of its tensors"),
    "a count that is no number": (
        lambda a, t, torch: t["counts"][1:].fill_(float("nan")),
        "its count of characters is nan; give a value from 0 to",
    ),
    "a step that is no number": (lambda a, t, torch: t["counts"][0].fill_(float("nan")), "its step is nan; give a"),
    "step -1": (lambda a, t, torch: t["counts"][0].fill_(-1), "its step is -1.0; give a value from 0 to"),
    "a step that no training reaches": (
        lambda a, t, torch: t["counts"][0].fill_(2.0**53),
        "epochs into this text, which no training reaches; restore the state from a backup",
    ),
    "half a step": (lambda a, t, torch: t["counts"][0].fill_(0.5), "its step is 0.5"),
    "seconds without end": (lambda a, t, torch: t["counts"][4].fill_(float("inf")), "its count of seconds is inf"),
    "a next milestone that is none": (
        lambda a, t, torch: t["counts"][5].fill_(float("nan")),
        "its next milestone is nan",
    ),
    "a best loss that is no number": (
        lambda a, t, torch: t["counts"][7].fill_(float("nan")),
        "its lowest validation loss is nan; give a value from 0 to 1e+38",
    ),
    "a best loss below nothing": (lambda a, t, torch: a.update(best_nats=-1), "best_nats is -1.0; give a value from 0"),
    "sums that are no numbers": (
        lambda a, t, torch: t.update(best=torch.full((9,), float("nan"), dtype=torch.float64)),
        "the characters of its best is nan",
    ),
    "a report of another length": (lambda a, t, torch: t.update(owed=torch.ones(2)), "owed is not what a training"),
    "a weight that is no number": (
        lambda a, t, torch: t["model.layers.0.weight_ih"].fill_(float("nan")),
        "model.layers.0.weight_ih holds values that are not finite",
    ),
    "a moment that is no number": (
        lambda a, t, torch: t["optimizer.0.exp_avg"].fill_(float("nan")),
        "optimizer.0.exp_avg holds values that are not finite",
    ),
    "a state without end": (
        lambda a, t, torch: t["recurrent.0.0"].fill_(float("inf")),
        "recurrent.0.0 holds values that are not finite",
    ),
    "200,000 levels": (lambda a, t, torch: '{"a":' * 200_000, "maximum recursion depth"),
}


@pytest.mark.parametrize("what", STATES)
def test_a_hostile_state_is_refused_in_one_line_before_a_network_is_made_of_it(row, run, here, what):
    change, says = STATES[what]
    shutil.copytree(run, here / "RUN")
    of_state(here / "RUN" / "state.safetensors", change)
    row(["train", "--resume", "RUN"], 1, says)


NOT_IT = "the text of RUN has changed since it was trained on; restore it, or start"
OLDER = "the run was made by an older charrnn, which did not note how large its text in"

# What a stranger's state names as the text -> where that is, what else is claimed of it, and what is said.
CLAIMS = {
    "a tree, with a size that it has not": (["tree"], {"size": 1000}, NOT_IT),
    "a tree, with no size": (["tree"], {"size": None}, OLDER),
    "all files of the machine": (["/"], {"size": None}, f"{OLDER} / is; name it anew as SOURCE"),
    "all files of the machine, with a size": (["/"], {"size": 5}, NOT_IT),
    "a glob, with no size": (["tree/**"], {"size": None}, OLDER),
    "a tree beside a named corpus": (["tree", "python"], {"size": None}, OLDER),
    "a tree beside a named corpus, with a size": (["tree", "python"], {"size": 0}, NOT_IT),
    "a file larger than the text can be": (["tree/private.txt"], {"size": None}, NOT_IT),
    "a file of another size": (["tree/private.txt"], {"size": 10**40}, NOT_IT),
    "a device": (["/dev/zero"], {}, NOT_IT),
    "nothing": ([], {}, "the text of RUN was a string; write it to a file and name that"),
    "a name without a character": ([""], {}, "no text was named"),
    "a name that no file can have": (["a\0b"], {}, "there is no file a␀b"),
}


@pytest.mark.parametrize("what", CLAIMS)
def test_what_cannot_be_the_text_is_neither_read_nor_kept(row, run, here, monkeypatch, what):
    sources, claims, says = CLAIMS[what]
    (here / "tree").mkdir()
    (here / "tree" / "private.txt").write_text("a secret\n" * 100_000)

    def claim(account, tensors, torch):
        account["sources"] |= {"sources": sources} | claims

    shutil.copytree(run, here / "RUN")
    of_state(here / "RUN" / "state.safetensors", claim)
    monkeypatch.setattr("charrnn.text.corpus.Corpus.from_listing", lambda *_, **__: pytest.fail("it was read"))
    row(["train", "--resume", "RUN"], 1, says)


def test_a_file_that_a_stranger_names_is_told_before_it_is_read(charrnn, row, run, here):
    (here / "private.txt").write_text("a secret")
    shutil.copytree(run, here / "RUN")

    def claim(account, tensors, torch):
        account["sources"] |= {"sources": [str(here / "private.txt")], "size": None}

    of_state(here / "RUN" / "state.safetensors", claim)
    told = f"Note: the text of the run is read from {here / 'private.txt'}"
    assert told in row(["train", "--resume", "RUN"], 1, NOT_IT).err
    assert told in charrnn("neurons", "gallery", "RUN", "--characters=2000", "-o", "gallery").err


def test_info_tells_what_a_run_would_read_when_it_goes_on(row, run, book):
    row(["info", run], 0, f"--resume     reads {book}")

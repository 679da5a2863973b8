"""Every call of the disk that a command makes fails once: one line tells, nothing is lost, and nothing is left.

`python tests/hostile/test_faults.py` fails each of them, with each error, and prints how many of each command; the
tests do so with some. In this way every command that writes is called, and each of its kinds of file made.
"""

import argparse
import errno
import json
import os
import random
import re
import shlex
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import click
import forged
import numpy as np
import pytest
from click.testing import CliRunner
from disk import Disk, rebuild
from matplotlib.figure import Figure
from PIL import Image

from charrnn.api.cell_gradients import STARTS
from charrnn.cli.main import cli
from charrnn.cli.output import OutputFile, OutputFolder
from charrnn.conditioned.checkpoint import load as load_conditioned
from charrnn.conditioned.run import load_state as load_conditioned_state
from charrnn.errors import CharrnnError
from charrnn.model.checkpoint import load
from charrnn.text.catalogue import CATALOGUE, NamedCorpus, SourceFile
from charrnn.training.resume import STATE, load_state

ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EINTR)
LOOKING = ("stat", "lstat", "flock")  # where these fail, nothing may be taken to be there, or held by another
DRAWN = re.compile(r"(?<=tfevents)\..*|(?<=cache/)[0-9a-f]{32}(?=\.)")
# these hold times, and are seen to be whole when read
UNSEEN = ("cache/files.known", "cache/.entry", "cache/.ids", "tfevents")
LONG = 2100  # characters of a short text
TRIED = 5  # calls of each command that the tests fail
SLOWER = {f"neurons {name}": 2 for name in ("compare", "explore", "gallery", "trace, as PNG")}
TRAIN = f"train TEXT --out OUT {' '.join(forged.OF_ALL)}"
OF_PAIRS = "--source english --target iso --steps 2 --hidden-size 4 --batch-size 4 --threads 1"
OF_A_UNIT = "RUN LINE --unit 0:1 --length 60"
COMMANDS = {
    "compare": "compare RUN OTHER -o OUT.png",
    "compare, as SVG": "compare RUN OTHER -o OUT.svg",
    "corpus get": "corpus get poems --mirror MIRROR",
    "doctor": "doctor RUN --prune",
    "export": "export RUN -o OUT.json",
    "gradients": "gradients RUN SHORT --part all --distance 4 --losses 3 -o OUT.svg",
    "gradients, of cells": "gradients SHORT --cells --steps 2 --hidden-size 3 --distance 3 --losses 2 -o OUT.png",
    "map attend": "map attend MAPPED 'May 1, 1999' -o OUT.html",
    "map attend, as PNG": "map attend MAPPED 'May 1, 1999' -o OUT.png",
    "map examples": "map examples numbers --count 20 -o OUT",
    "map features": "map features PICTURES -o OUT.npz",
    "map train": f"map train PAIRS {OF_PAIRS} --out OUT",
    "neurons compare": "neurons compare RUN SHORT --part all --feature line_position --characters 2000 -o OUT.png",
    "neurons dump": "neurons dump RUN LINE -o OUT.npz",
    "neurons dump, in a new folder": "neurons dump RUN LINE -o OUT/a.npz",
    "neurons dump, for LSTMVis": "neurons dump RUN LINE -o OUT.hdf5",
    "neurons explore": "neurons explore RUN SHORT --part all --length 60 --characters 2000 -o OUT.html",
    "neurons find": "neurons find RUN SHORT --part all --feature line_position --characters 2000",
    "neurons gallery": "neurons gallery RUN SHORT --part all --length 60 --characters 2000 --ablated 100 -o OUT",
    "neurons gates": "neurons gates RUN SHORT --part all --characters 500 -o OUT.png",
    "neurons show": f"neurons show {OF_A_UNIT} -o OUT.html",
    "neurons show, as PNG": f"neurons show {OF_A_UNIT} -o OUT.png",
    "neurons show, as JSON": f"neurons show {OF_A_UNIT} -o OUT.json",
    "neurons trace": "neurons trace RUN LINE --at 60 --length 30 -o OUT.html",
    "neurons trace, as PNG": "neurons trace RUN LINE --at 60 --length 30 -o OUT.png",
    "sample": "sample RUN --length 30 --seed 1 -o OUT.txt",
    "score": "score RUN LINE --html OUT.html",
    "train": f"{TRAIN} --keep-checkpoints",
    "train, a large text": f"{TRAIN} --sample-every 4",
    "train, with event files": f"{TRAIN} --tensorboard --sample-every 4",
    "train from": "train TEXT --init-from RUN --steps 2 --seq-length 8 --batch-size 2 --precision float32 --out OUT",
    "train on": "train --resume RUN --steps 6",
}
GOES_ON = {"out.npz.part", "out.npz.part.jsonl", "out.npz.part.lock"}  # what map features left is gone on from
OTHERS = {"corpus get", "doctor", "neurons find"}  # which have no option that names a file to write
POEMS = {"poems/one.txt": b"Eins\n", "poems/two.txt": "Zwö".encode()}


def words_of(name, here):
    """A command as it is typed in a folder."""
    places = {
        "RUN": "run",
        "OTHER": "other",
        "TEXT": "book.txt",
        "SHORT": "short.txt",
        "LINE": "line.txt",
        "MIRROR": "mirror",
        "PAIRS": "pairs",
        "MAPPED": "mapped",
        "PICTURES": "pictures",
    }
    words = [places.get(word, word.replace("OUT", "out")) for word in shlex.split(COMMANDS[name])]
    return [str(here / word) if word in places.values() or word.startswith("out") else word for word in words]


class World:
    """A folder with all that commands read and write, which is laid out anew for each call."""

    def __init__(self, folder, monkeypatch):
        self.here, self._template = folder / "here", folder / "template"
        monkeypatch.chdir(folder)
        monkeypatch.setattr(tempfile, "tempdir", str(self.here / "temporary"))
        for name in ("CACHE", "CORPORA"):
            monkeypatch.setenv(f"CHARRNN_{name}", str(self.here / name.lower()))
        monkeypatch.setattr("charrnn.training.trainer.REPORT_SECONDS", float("inf"))
        monkeypatch.setattr("charrnn.api.preview.SAMPLE_LENGTH", 5)
        monkeypatch.setattr("charrnn.text.cache._SETTLED", 0)
        monkeypatch.setattr("charrnn.api.cell_gradients.STARTS", STARTS[:1])
        drawn = {}  # that a figure is drawn takes longer than all else, and no disk
        draw = Figure.savefig

        def once(figure, file, **how):
            if isinstance(file, Path):
                draw(figure, file, **how)
                return
            if how["format"] not in drawn:
                draw(figure, kept := type(file)(), **how)
                drawn[how["format"]] = kept.getvalue()
            file.write(drawn[how["format"]])

        monkeypatch.setattr(Figure, "savefig", once)
        contents = list(POEMS.values())
        files = tuple(SourceFile(path, sha256(c).hexdigest(), len(c)) for path, c in POEMS.items())
        text = b"\n".join(contents)
        poems = NamedCorpus("Poems", "CC0-1.0", "http://127.0.0.1:1/", files, None, sha256(text).hexdigest(), 9, 8)
        monkeypatch.setitem(CATALOGUE, "poems", poems)
        self._lay_out(forged.honest(folder, forged.KINDS[:2]))

    def _lay_out(self, runs):
        for name in ("temporary", "mirror/poems"):
            (self._template / name).mkdir(parents=True)
        for name, content in POEMS.items():
            (self._template / "mirror" / name).write_bytes(content)
        shutil.copytree(runs[1], self._template / "run")
        shutil.copytree(runs[0], self._template / "other")
        shutil.copy(runs[0].parent / "book.txt", self._template)
        (self._template / "short.txt").write_text(forged.TEXT[:LONG], "utf-8")
        (self._template / "line.txt").write_text(forged.TEXT[:80], "utf-8")
        for words in ("examples dates --count 20 -o pairs", f"train pairs {OF_PAIRS} --out mapped"):
            command = [str(self._template / word) if word in ("pairs", "mapped") else word for word in words.split()]
            CliRunner().invoke(cli, ["map", *command], catch_exceptions=False)
        (self._template / "pictures").mkdir()
        for number in range(2):
            Image.new("RGB", (8, 8), (number, 0, 0)).save(self._template / "pictures" / f"{number}.png")
        for suffix in ("png", "svg", "npz", "hdf5", "html", "json", "txt"):
            (self._template / f"out.{suffix}").write_bytes(b"old")

    def lay_out(self, name):
        """Lay the folder out for a command; an orphan is there for the doctor."""
        rebuild(self._template, self.here)
        if name == "doctor":
            (self.here / "run" / ".best.safetensors.12345678.tmp").write_bytes(b"left")

    def called(self, name, at=0, number=errno.EIO):
        """Call a command, of which a call to the disk fails; return its status, what it told, and the calls."""
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            warnings.simplefilter("always")  # what a user would see
            patch.setattr("charrnn.text.cache.LARGE", 1 if name == "train, a large text" else 1 << 30)
            disk = Disk(patch, str(self.here), at, number)
            status, out, err = forged.called(words_of(name, self.here))
        return status, (out if name == "doctor" else "") + err, disk.calls  # it names each broken file there

    def tree(self):
        """All files, and folders, by their names but for what differs in each call, with what is in them."""
        return {
            DRAWN.sub("", str(path.relative_to(self.here))): path.read_bytes() if path.is_file() else b""
            for path in self.here.rglob("*")
            if path.name != ".lock"
        }


def _of_its_kind(path, load, load_other):
    """Load what is a character model's, or that of a model which answers inputs."""
    try:
        return load(path)
    except CharrnnError as error:
        if not any(told in str(error) for told in ("of another kind", "no state of a run")):
            raise
    return load_other(path)


def is_whole(path):
    """Whether a file that holds times is one that a command has written to its end."""
    if path.name == STATE:
        return bool(_of_its_kind(path.parent, load_state, load_conditioned_state))
    if path.suffix == ".safetensors":
        return bool(_of_its_kind(path, load, load_conditioned))
    if path.suffix == ".jsonl":
        lines = path.read_bytes().splitlines(keepends=True)
        return all(json.loads(line) for line in lines if line.endswith(b"\n"))  # the last may be cut off
    if path.suffix == ".png":
        Image.open(path).verify()
        return True
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            return all(arrays[name].size for name in arrays)
    return False


class Undisturbed:
    """What a command does, and makes of the folder, where nothing fails."""

    def __init__(self, world, name):
        world.lay_out(name)
        self.before = world.tree()
        status, self.told, self.calls = world.called(name)
        assert status == 0, self.told
        self.after = world.tree()


def held(world, name, usual, at, number):
    """Fail a call of a command and hold what is told, and what is there, to the law."""
    world.lay_out(name)
    status, told, calls = world.called(name, at, number)
    call = calls[at - 1] if at <= len(calls) else "none"
    what = f"{name}: call {at}, {call}: {errno.errorcode[number]}\n{told}"
    errors = [line for line in told.splitlines() if line.startswith("Error: ")]
    for never in ("Traceback", "unexpected", "Warning", "Exception ignored"):
        assert never not in told, what
    assert (status, len(errors)) in ((0, 0), (1, 1)), what
    if errors:
        assert told.splitlines()[-1] == errors[0], what
        assert "; " in errors[0], what
        assert str(world.here) in told, what
        assert os.strerror(number) in told or call.split()[0] in LOOKING, what
    found = world.tree()
    left = sorted(set(found) - set(usual.before) - set(usual.after) - GOES_ON)
    assert not left, what + f"{left} left"
    assert status == 0 or ("cache/.ids" in found) == ("cache/.entry" in found), what + "ids of no entry are left"
    for path in {*usual.before, *usual.after}:
        told_of = status == 1 or told.count("Note: ") > usual.told.count("Note: ")
        if path not in found:
            assert path not in usual.before or path not in usual.after, what + f"{path} is lost"
            assert told_of or path in usual.before or path.startswith("cache"), (
                what + f"{path} was silently not written"
            )
        elif found[path] not in (usual.before.get(path), usual.after.get(path)):
            assert path.endswith(UNSEEN) or is_whole(world.here / path), what + f"{path} is half"
    if status == 1 and name.startswith("train") and number == errno.EIO:
        run = world.here / ("run" if name == "train on" else "out")
        again = ["train", "--resume", str(run)] if (run / STATE).exists() else words_of(name, world.here)
        status, _, told = forged.called(again)
        assert status == 0, what + f"then {' '.join(again)}:\n{told}"
    return call


@contextmanager
def world_in(folder):
    """A world in a folder."""
    with pytest.MonkeyPatch.context() as patch:
        yield World(Path(folder), patch)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with world_in(tmp_path_factory.mktemp("faults")) as made:
        yield made


@pytest.mark.parametrize("name", COMMANDS)
def test_a_call_of_the_disk_that_fails_is_told_in_a_line_and_nothing_is_lost_or_left(world, name):
    forged.writable_here(COMMANDS[name])
    usual = Undisturbed(world, name)
    choose = random.Random(name)
    for at in choose.sample(range(1, len(usual.calls) + 1), SLOWER.get(name, TRIED)):
        held(world, name, usual, at, choose.choice(ERRORS))


# Calls that broke the law once: a command, the pattern of the first such call, and the error.
FOUND = [
    ("corpus get", "rmdir corpora/.poems", errno.EIO),
    ("neurons dump, for LSTMVis", "truncate .out.hdf5", errno.EINTR),
    ("train", "read out/.lock", errno.EIO),
    ("train, a large text", "fsync cache$", errno.ENOSPC),
    ("train, with event files", "write out/events", errno.ENOSPC),
    ("train on", "open run/best.safetensors", errno.EACCES),
    ("neurons compare", "(listdir|scandir) run/stages", errno.EACCES),
]


@pytest.mark.parametrize(("name", "call", "number"), FOUND)
def test_a_call_that_once_broke_the_law_keeps_it(world, name, call, number):
    forged.writable_here(COMMANDS[name])
    usual = Undisturbed(world, name)
    first = next(at for at, each in enumerate(usual.calls, 1) if re.match(call, each))
    held(world, name, usual, first, number)


def commands(group, words=()):
    """Each command, and the words by which it is called."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))
        else:
            yield " ".join((*words, name)), command


def test_every_command_that_writes_is_among_them():
    called = {command: name for name, command in commands(cli)}  # once each: some have a shorter name too, before it
    writes = {
        name
        for command, name in called.items()
        if any(isinstance(param.type, OutputFile | OutputFolder) for param in command.params)
    }
    assert {name.split(",")[0].removesuffix(" from").removesuffix(" on") for name in COMMANDS} == writes | OTHERS


def main():
    """Fail every call of the commands, or of some, with every error; print how many failed, and what broke the law."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commands", nargs="*", metavar="COMMAND", help="as a key of COMMANDS (all)")
    parser.add_argument("--once", action="store_true", help="fail each call with one of the errors only, in turn")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="fail every Nth call only (%(default)s)")
    options = parser.parse_args()
    found, failed = 0, Counter()
    with tempfile.TemporaryDirectory() as folder, world_in(folder) as world:
        for name in options.commands or COMMANDS:
            usual = Undisturbed(world, name)
            for at in range(1, len(usual.calls) + 1, options.every):
                for number in [ERRORS[at // options.every % len(ERRORS)]] if options.once else ERRORS:
                    failed[errno.errorcode[number]] += 1
                    try:
                        held(world, name, usual, at, number)
                    except AssertionError as error:
                        found += 1
                        print(str(error).split("\nassert")[0], "\n", file=sys.stderr)
            print(f"{name:32} {len(usual.calls):5,} calls", flush=True)
    print(", ".join(f"{count:,} × {name}" for name, count in failed.items()), f"; {found} findings")


if __name__ == "__main__":
    main()

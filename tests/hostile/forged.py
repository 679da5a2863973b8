"""Run folders as a stranger would forge them, sealed again, and every command that reads one.

`test_fuzz.py` forges at random; `python tests/hostile/test_fuzz.py commands` does so for longer.
"""

import io
import json
import os
import random
import re
import shutil
import signal
import sys
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save
from safetensors.torch import save_file

from charrnn.cli.main import main
from charrnn.errors import CharrnnError
from charrnn.model.checkpoint import BEST, LAST, seal
from charrnn.training.history import LOG, SAMPLES
from charrnn.training.resume import STATE, _sealed

KINDS = (
    ("--cell=lstm", "--num-layers=2"),
    ("--cell=gru", "--keep-checkpoints"),
    ("--cell=rnn", "--nonlinearity=tanh", "--embedding-size=0"),
    ("--cell=rnn", "--nonlinearity=relu"),
    ("--cell=peephole", "--min-count=3"),
)
OF_ALL = (
    "--steps=4",
    "--sample-every=2",
    "--hidden-size=4",
    "--seq-length=16",
    "--batch-size=2",
    "--precision=float32",
)

# What a value in a header, an account or a line of a log may be instead.
NUMBERS = [0, -1, 1, 2, 2**31, 2**53, 2**63, 10**18, 10**300, -(10**300), 0.5, 1e-320, 1e-9, 9e38, 1e300, 1e308, -0.0]
STRINGS = ["", "x", "[/x]", "[red]", "\x1b]0;x\x07", "\u202e\n", "../x", "-x", "x;y", "$x_1$", "<b>{{1}}", "9" * 4000]
OTHERS = [None, True, [], {}, [1], {"a": 1}, "\ud800", float("nan"), float("inf")]
WEIGHTS = [0, 1e-45, 1e3, 1e8, 1e15, 1e16, 1e25, 3e38, -3e38, -1e15, np.nan]
CODES = [0, 9, 10, 13, 27, 127, 0x85, 0x301, 0x1161, 0x202E, 0xD800, 0xDFFF, 0xFDD0, 0xFFFD, 0x1F3FD, 0x10FFFF]

OF_ITEMS = (  # models of many short texts, with classes too, and of symbols longer than characters
    ("--each=line",),
    ("--each=text", "--label=kind"),
    ("--symbols=word", "--cell=gru"),
    ("--symbols=spaced", "--cell=rnn"),
)
OF_PAIRS = (  # models that answer an input
    ("--attention=soft",),
    ("--attention=hard", "--cell=gru", "--num-layers=2"),
    ("--attention=none", "--cell=peephole", "--one-way", "--spaced"),
    ("--label=kind", "--cell=rnn"),
)

ON_ITEMS = {
    "info": "info RUN",
    "info, in JSON": "info RUN --json",
    "history": "history RUN",
    "compare": "compare RUN OTHER -o OUT.svg",
    "export": "export RUN -o OUT.json",
    "sample": "sample RUN --length 30 --count 3 --seed 1",
    "sample, in JSON": "sample RUN --length 9 --count 3 --seed 1 --json --nats",
    "score": "score RUN TEXT",
    "score, in JSON": "score RUN TABLE --json",
    "show": "neurons show RUN TEXT --part all --unit 0:1 --length 100 --guesses 2 --no-pager",
    "find": "neurons find RUN TEXT --part all --feature line_position --characters 2000",
    "explore": "neurons explore RUN TEXT --part all --length 100 --characters 2000 -o OUT.html",
    "trace, in JSON": "neurons trace RUN TEXT --part all --at 40 --length 30 --format json",
    "dump": "neurons dump RUN TEXT --part all -o OUT.npz",
    "train on": "train --resume RUN",
}
ON_PAIRS = {
    "info": "info RUN",
    "info, in JSON": "info RUN --json",
    "history": "history RUN",
    "history, in JSON": "history RUN --json",
    "compare": "compare RUN OTHER -o OUT.svg",
    "export": "export RUN -o OUT.json",
    "map apply": "map apply RUN a1",
    "map apply, in JSON": "map apply RUN INPUTS --beam 3 --json",
    "map apply, drawn": "map apply RUN a1 --count 3 --seed 1 --temperature 0.5",
    "map attend": "map attend RUN a1",
    "map attend, as a page": "map attend RUN a1 -o OUT.html",
    "map attend, as a picture": "map attend RUN a1 -o OUT.svg",
    "map attend, in JSON": "map attend RUN a1 --format json",
    "map score": "map score RUN TABLE --part all",
    "map score, in JSON": "map score RUN TABLE --part all --beam 2 --json",
    "map train on": "map train --resume RUN",
    "train from": "train TEXT --init-from RUN --steps 2 --seq-length 8 --batch-size 2 --precision float32 --out OUT",
}
COMMANDS = {
    "info": "info RUN",
    "info, in JSON": "info RUN --json",
    "history": "history RUN",
    "history, in JSON": "history RUN --json",
    "compare": "compare RUN OTHER -o OUT.png",
    "compare, drawn": "compare RUN OTHER RUN -o OUT.svg",
    "compare, in JSON": "compare RUN OTHER --json",
    "sample": "sample RUN --length 30 --seed 1",
    "sample, greedy": "sample RUN --length 30 --temperature 0 --color 0:1 --alternatives",
    "sample, the likeliest": "sample RUN --length 20 --beam 3",
    "sample, some": "sample RUN --length 9 --count 3 --top-k 3 --seed 1 --json --nats",
    "sample, narrow": "sample RUN --length 20 --top-p 0.5 --min-p 0.1 --temperature 1e-3 --prime the",
    "sample, many": "sample RUN --length 5 --count 20 --seed 1",
    "sample, clamped": "sample RUN --length 20 --clamp 0:1=0.5 --color surprisal --alternatives",
    "sample, interactive": "sample RUN --length 9 --interactive",
    "score": "score RUN TEXT",
    "score, in JSON": "score RUN TEXT --json",
    "score, in colour": "score RUN TEXT --color --html OUT.html",
    "score against": "score RUN TEXT --against OTHER --color",
    "score, dynamic": "score RUN TEXT --part test --dynamic --baseline",
    "gradients": "gradients RUN TEXT --part all --distance 4 --losses 3 -o OUT.svg",
    "gradients, in JSON": "gradients RUN TEXT --part all --distance 4 --losses 3 --json",
    "export": "export RUN -o OUT.json",
    "ablate": "neurons ablate RUN TEXT --part all --unit 0:1 --characters 1000 --feature after_space",
    "ablate, in JSON": "neurons ablate RUN TEXT --part all --unit 0:1 --characters 1000 --json",
    "match": "neurons compare RUN OTHER TEXT --characters 2000",
    "match, in JSON": "neurons compare OTHER RUN TEXT --characters 2000 --json",
    "emerge": "neurons compare RUN TEXT --part all --feature line_position --characters 2000 -o OUT.svg",
    "dump": "neurons dump RUN TEXT -o OUT.npz",
    "dump, for LSTMVis": "neurons dump RUN TEXT -o OUT.hdf5",
    "explore": "neurons explore RUN TEXT --part all --length 100 --characters 2000 -o OUT.html",
    "find": "neurons find RUN TEXT --part all --feature line_position --feature after_space --characters 2000",
    "find, in JSON": "neurons find RUN TEXT --part all --feature space_next --characters 2000 --json",
    "gallery": "neurons gallery RUN TEXT --part all --length 60 --characters 2000 --ablated 100 -o OUT",
    "gates": "neurons gates RUN TEXT --part all --characters 1000 -o OUT.svg",
    "gates, in JSON": "neurons gates RUN TEXT --part all --characters 1000 --json",
    "grep": "neurons grep RUN TEXT --unit 0:1 --like 100:130",
    "grep, in JSON": "neurons grep RUN TEXT --unit 0:1 --unit 0:2 --like 100:130 --json",
    "show": "neurons show RUN TEXT --unit 0:1 --length 100 --guesses 2 --no-pager",
    "show, as a page": "neurons show RUN TEXT --unit 0:1 --unit 0:2 --length 100 --format html -o OUT.html",
    "show, as a drawing": "neurons show RUN TEXT --unit 0:1 --length 100 -o OUT.svg",
    "show, as a picture": "neurons show RUN TEXT --unit 0:1 --length 100 -o OUT.png",
    "show, in JSON": "neurons show RUN TEXT --unit 0:1 --length 100 --format json",
    "show a feature's": "neurons show RUN TEXT --part all --feature line_position --length 100 --no-pager",
    "steer": "neurons steer RUN --unit 0:1 --length 30 --prime the",
    "steer, in JSON": "neurons steer RUN --unit 0:1 --length 30 --json",
    "trace": "neurons trace RUN TEXT --at 200 --length 30",
    "trace, by product": "neurons trace RUN TEXT --at 200 --length 30 --measure product -o OUT.html",
    "trace, in JSON": "neurons trace RUN TEXT --at 200 --length 30 --format json",
    "train from": "train TEXT --init-from RUN --steps 2 --seq-length 8 --batch-size 2 --precision float32 --out OUT",
    "train on": "train --resume RUN",
}


def writable_here(command: str) -> None:
    """Skip the test of a command that writes by a package that is not installed."""
    for sign, package in ((".hdf5", "h5py"), ("--tensorboard", "tensorboard")):
        if sign in command:
            pytest.importorskip(package, reason=f"{package} is not installed")


def arguments(command: str, folder: Path) -> list[str]:
    """A command as it is typed, its places in a folder."""
    places = {"RUN": "run", "OTHER": "other", "TEXT": "book.txt", "TABLE": "table.csv", "INPUTS": "inputs.txt"}
    words = [places.get(word, word.replace("OUT", "out")) for word in command.split()]
    return [str(folder / word) if word in places.values() or word.startswith("out") else word for word in words]


def changed(value, choose):
    """The JSON value with something else at one of its places, or one place more or less."""
    if isinstance(value, dict) and value and choose.random() < 0.9:
        key, kind = choose.choice(list(value)), choose.random()
        if kind < 0.06:
            return {name: each for name, each in value.items() if name != key}
        if kind < 0.12:
            return {**value, choose.choice(STRINGS): choose.choice(NUMBERS + STRINGS)}
        return {**value, key: changed(value[key], choose)}
    if isinstance(value, float | int) and not isinstance(value, bool) and choose.random() < 0.8:
        return choose.choice([*NUMBERS, value * 2, -value, value + 1])
    if isinstance(value, str) and choose.random() < 0.7:
        return choose.choice(STRINGS)
    return choose.choice(NUMBERS + STRINGS + OTHERS)


def reseal(path: Path, change) -> None:
    """Change a checkpoint by `change(header, tensors)`, which may return another header, and seal it again."""
    with safe_open(path, framework="numpy") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    header = json.loads(metadata["header"])
    text = json.dumps(change(header, tensors) or header)
    digest = seal(metadata["format_version"], text.encode(), tensors)
    path.write_bytes(save(tensors, metadata | {"header": text, "digest": digest}))


def forge(path: Path, choose: random.Random) -> None:
    """Change a checkpoint, its header, weights or vocabulary, and seal it again."""
    reseal(path, lambda header, tensors: _forged(header, tensors, choose))


def _forged(header, tensors, choose):
    for _ in range(choose.choice([1, 1, 2, 3])):
        kind = choose.random()
        if kind < 0.5:
            header = changed(header, choose)
        elif kind < 0.9:
            _bend(tensors[choose.choice([name for name in tensors if name != "vocabulary"])], choose)
        elif "vocabulary" in tensors:
            _respell(tensors["vocabulary"], choose)
    return header


def _bend(weight, choose):
    value, flat = choose.choice(WEIGHTS), weight.reshape(-1)
    with np.errstate(over="ignore"):
        if choose.random() < 0.4:
            flat[choose.randrange(flat.size)] = value
        elif choose.random() < 0.5:
            flat[:] = value
        else:
            flat *= np.float32(value)


def _respell(codes, choose):
    for _ in range(choose.randrange(1, 4)):
        codes[choose.randrange(codes.size)] = choose.choice(CODES)
    codes.sort()


def forge_state(path: Path, choose: random.Random) -> None:
    """Change what a state says, or its numbers, and seal it again."""
    with safe_open(path, framework="numpy") as file:
        of_pairs = "header" in file.metadata()
    if of_pairs:
        reseal(path, lambda account, tensors: _forged_account(account, tensors, choose))
        return
    with safe_open(path, framework="pt") as file:
        account, tensors = json.loads(file.metadata()["account"]), {n: file.get_tensor(n) for n in file.keys()}  # noqa: SIM118
    account = _forged_account(account, tensors, choose)
    save_file(tensors, path, _sealed(json.dumps(account), tensors))


def _forged_account(account, tensors, choose):
    account["header"]["training"]["steps"] = choose.choice([4, 6])  # as it was, and it is over; or there is more to do
    for _ in range(choose.choice([0, 1, 1, 2])):
        if choose.random() < 0.6:
            account = changed(account, choose)
        else:
            tensor = tensors[choose.choice(list(tensors))].reshape(-1)
            if len(tensor):
                tensor[choose.randrange(len(tensor))] = choose.choice([0, 1, 3, 100])
                if "float" in str(tensor.dtype):
                    with np.errstate(over="ignore"):
                        tensor *= choose.choice([*WEIGHTS[:-3], 2.0, -1])
    return account


def forge_lines(path: Path, choose: random.Random) -> None:
    """Change some lines of a log or of samples, their order, or how many there are."""
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    for _ in range(choose.choice([1, 1, 2, 4])):
        place = choose.randrange(len(lines))
        if choose.random() < 0.75:
            lines[place] = changed(lines[place], choose)
        elif choose.random() < 0.5:
            lines = lines[place:] + lines[:place] + lines[place:]
        else:
            del lines[place + 1 :]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")


def forge_run(run: Path, choose: random.Random) -> None:
    """Change one file of a run folder, or several."""
    for kind in choose.choice(
        [(BEST,), (BEST,), (BEST,), (LOG,), (SAMPLES,), (STATE,), (BEST, LOG, STATE), (LAST, STATE)]
    ):
        of_kind = {LOG: forge_lines, SAMPLES: forge_lines, STATE: forge_state}.get(kind, forge)
        of_kind(run / kind, choose)
    for stage in (run / "stages").glob("*"):
        if choose.random() < 0.3:
            forge(stage, choose)


def laid_out(folder: Path, runs: list[Path], choose: random.Random) -> None:
    """Lay a forged run and an honest one of its kind into a folder."""
    for name in ("run", "other"):
        shutil.rmtree(folder / name, ignore_errors=True)
    run = choose.choice(runs)
    shutil.copytree(run, folder / "run")
    shutil.copytree(choose.choice(runs), folder / "other")
    forge_run(folder / "run", choose)
    for left in folder.glob("out*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()


ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # on a terminal
TEXT = "".join(f'{n}: the cat sat on a mat, and said "hello"\nto the café—owner (at noon).\n' for n in range(60))
PLAIN = {"COLUMNS": "80", "OMP_NUM_THREADS": "1", "CHARRNN_DEBUG": ""}


def called(words: list[str]) -> tuple[object, str, str]:
    """Call the command line in this process; return its exit status and what it wrote to either stream."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="", write_through=True) for _ in range(2))
    typed, handler, status = (
        io.TextIOWrapper(io.BytesIO(b"the\n/help\nx\n"), "utf-8"),
        signal.getsignal(signal.SIGTERM),
        None,
    )
    with (
        patch.object(sys, "argv", ["charrnn", *words]),
        patch.object(sys, "stdin", typed),
        patch.dict(os.environ, PLAIN),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            status = end.code
    signal.signal(signal.SIGTERM, handler)
    return status, *(stream.buffer.getvalue().decode() for stream in (out, err))


@cache
def honest(folder: Path, kinds: tuple[tuple[str, ...], ...] = KINDS) -> list[Path]:
    """A run of each kind over one text, or a table, in a folder; both lie beside them."""
    text, table = folder / "book.txt", folder / "table.csv"
    text.write_text(TEXT, "utf-8")
    table.write_text("text,kind\n" + "".join(f"a{n},b{n % 3} c\n" for n in range(40)), "utf-8")
    (folder / "inputs.txt").write_text("a1\na22\n", "utf-8")
    runs = []
    for kind in kinds:
        runs.append(folder / f"honest-{(*KINDS, *OF_ITEMS, *OF_PAIRS).index(kind)}")
        if runs[-1].exists():  # made for another choice of kinds
            continue
        of_pairs = kind in OF_PAIRS
        source = table if of_pairs or "--label=kind" in kind else text
        words = (
            ("map", "train", str(source), *OF_ALL[:3], "--batch-size=4")
            if of_pairs
            else ("train", str(source), *OF_ALL)
        )
        status, _, err = called([*words, "--out", str(runs[-1]), *kind])
        assert status == 0, err
    return runs


FAMILIES = {"text": (KINDS, COMMANDS), "items": (OF_ITEMS, ON_ITEMS), "pairs": (OF_PAIRS, ON_PAIRS)}


def held(name: str, folder: Path, commands: dict[str, str] = COMMANDS) -> None:
    """Call a command on the run in a folder and hold what it writes to the law; raise the error that it tells."""
    status, out, err = called(arguments(commands[name], folder))
    told = err.splitlines()[-1] if err else ""
    assert status in (0, 1), told
    assert "Traceback" not in err, err
    assert "Error: unexpected" not in err, told
    assert "Warning" not in err, err
    assert not ACTING.search(err), told
    assert name.split(",")[0] in ("sample", "steer", "map apply") or not ACTING.search(out), out
    if status:
        assert told.startswith("Error: "), told
        assert "JSON" not in name or out == ""
        raise CharrnnError(*told.removeprefix("Error: ").split("; ", 1))
    if "JSON" in name:
        json.loads(out, parse_constant=lambda constant: sys.exit(f"{constant} is no JSON"))

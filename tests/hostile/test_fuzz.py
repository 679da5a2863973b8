"""Fuzzing of what reads the files and texts of strangers: whatever the bytes, a law holds and each error is explained.

The suite gives each target some hundreds of mutated inputs, the same ones each time. For minutes or hours, with new
ones each time, and those that got through as seeds of others:

    make fuzz MINUTES=60
"""

import argparse
import atexit
import bz2
import gzip
import importlib.util
import lzma
import random
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import zstandard
from safetensors import safe_open
from safetensors.numpy import save
from safetensors.torch import save_file

from charrnn.display.signs import one_line
from charrnn.errors import CharrnnError
from charrnn.model.checkpoint import BEST, load, seal
from charrnn.neurons.features import FEATURES
from charrnn.runs.lines import step_of
from charrnn.text import opening
from charrnn.text.reading import ERRORS, FORMS, NEWLINES, Reading
from charrnn.text.sources import read
from charrnn.training.history import LOG, SAMPLES, History
from charrnn.training.resume import STATE, _sealed, load_state

_spec = importlib.util.spec_from_file_location("forged", Path(__file__).parent / "forged.py")
forged = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(forged)

FORMATS = Path(__file__).parent / "formats"
MODEL, RUN = FORMATS / "model-1.safetensors", FORMATS / "state-2"
INPUTS = 400  # of each target, in the suite
SLOWER = {"commands": 40, "commands_on_items": 20, "commands_on_pairs": 30}
ENCODINGS = ("utf-8", "utf-8", "utf-16", "utf-32-le", "latin-1", "cp1252", "shift_jis", "utf-7")
PACKERS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstandard.compress}
ACTING = {*map(chr, range(32)), *map(chr, range(127, 160)), *"\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069"}


@cache
def folder():
    """Where a target's input lies as a file, until this process ends."""
    path = Path(tempfile.mkdtemp(prefix="charrnn-fuzz-"))
    atexit.register(shutil.rmtree, path)
    return path


def written(name, content):
    path = folder() / name
    path.write_bytes(content)
    return path


@cache
def tensors_of(path, framework="numpy"):
    with safe_open(path, framework=framework) as file:
        return file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)


# Each target takes bytes; what it raises beside a CharrnnError of one line, or asserts in vain, is a finding.


def checkpoint(data):
    """A file of any bytes, read as a model; one that is whole can be saved as it is and counts its parameters."""
    assert load(written("model", data)).config.parameters > 0


def header(data):
    """A model whose header is anything, under a digest that fits, as a stranger would make it."""
    metadata, tensors = tensors_of(MODEL)
    text = data.decode("utf-8", "replace")
    metadata = metadata | {"header": text, "digest": seal("1", text.encode(), tensors)}
    found = load(written("model", save(tensors, metadata)))
    assert sum(found.header.corpus.split.values()) == found.header.corpus.characters
    assert len(found.vocabulary) == found.config.vocabulary_size


def account(data):
    """A run's state whose account is anything, under a digest that fits."""
    _, tensors = tensors_of(RUN / STATE, "pt")
    save_file(tensors, folder() / STATE, _sealed(data.decode("utf-8", "replace"), tensors))
    found = load_state(folder())
    assert len(found.vocabulary) == found.account.header.model.vocabulary_size


def log(data):
    """A run's log and samples of any lines: what can be read is told, and only what can be told is read."""
    written(LOG, data)
    written(SAMPLES, data)
    told = History.read(folder())
    assert all(line["step"] >= 0 for line in told.log)
    assert told.budget_used is None or told.budget_used >= 0
    assert told.overfitting is None or told.log
    assert all(isinstance(step_of(line), float) for line in data.splitlines())


def text(data):
    """A text of any bytes, read in any way: the same characters whatever the chunks, all of them with a sign."""
    choose = random.Random(data[:2])
    form = choose.choice([None, *FORMS])
    reading = Reading(choose.choice(ENCODINGS), choose.choice(ERRORS), choose.choice(NEWLINES), form)
    path, told = str(written("text", data[2:])), []
    for size in (opening.CHUNK, choose.randint(4, 40)):
        whole, opening.CHUNK = opening.CHUNK, size
        try:
            told.append(read([path], reading).characters)
        except CharrnnError as error:
            told.append(error)
        finally:
            opening.CHUNK = whole
    first, other = told
    failed = [each for each in told if isinstance(each, CharrnnError)]
    if failed:  # a guess is by the first chunk: a few bytes may not show what more would, or show what more does not
        assert len(failed) == len(told) or any(guess in str(failed[0]) for guess in ("no text", "zero bytes"))
        raise failed[0]
    assert first == other
    assert not ACTING & set(one_line(first))
    first.encode()


def archive(data):
    """A packed file of any bytes, or a cut or broken one."""
    suffix = list(PACKERS)[(data or b"\0")[0] % len(PACKERS)]
    broken = bytearray(PACKERS[suffix](data))
    if len(data) % 2:
        broken[len(data) * 7919 % len(broken)] ^= 1 << len(data) % 8
        del broken[len(broken) - len(data) % 5 :]
    with suppress(CharrnnError):
        assert all(opening.chunks(written(f"raw{suffix}", data)))
    unpacked = b"".join(opening.chunks(written(f"packed{suffix}", bytes(broken))))
    assert len(data) % 2 or unpacked == data


def features(data):
    """Any text, read by each scanner: a value at each character, of the kind it promises, and by the past alone."""
    characters = data.decode("utf-8", "replace")
    end = len(data) * 31 % (len(characters) + 1)
    for feature in FEATURES.values():
        values = feature.values(characters)
        known = values[~np.isnan(values)]
        assert values.shape == (len(characters),)
        assert np.isfinite(known).all()
        assert not feature.binary or set(known) <= {0.0, 1.0}
        if not feature.predictive:
            np.testing.assert_array_equal(feature.values(characters[:end]), values[:end], feature.name)


def commands(data):
    """A run folder with a forged header, weights, log, samples or state: any command runs on it, or tells in one line.

    The bytes choose the forgery and the command.
    """
    choose = random.Random(data)
    _forged("text", choose)


def commands_on_items(data):
    """The same with models of items, of classes and of symbols longer than characters."""
    _forged("items", random.Random(data))


def commands_on_pairs(data):
    """The same with models that answer inputs."""
    _forged("pairs", random.Random(data))


def _forged(family, choose):
    kinds, words = forged.FAMILIES[family]
    forged.laid_out(folder(), forged.honest(folder(), kinds), choose)
    forged.held(choose.choice(list(words)), folder(), words)


PROGRAM = (
    b"""#if X /* a "b" */\nint f(int a[]) { if (a[0] && g("x\\"y")) /* c */ return '{'; // d\n\twhile (a) --a;\n}\n"""
)
PYTHON = (
    b'''def f(a):\n    """Doc "string"."""\n    if (a[0] and r'\\'):  # c\n        return f"{a!r}" + """x\n'y"""\n'''
)
PROSE = "ROMEO:\n“O, wilt thou”—he said, \"so?\"\n\nJULIET:\nSee http://a.b/c <a href='x'>(it's 1812)</a>.\n".encode()


def seeds_of_text():
    samples = [PROGRAM, PYTHON, PROSE, "naïve 戦争 \u0439\u0308 \U0001f3fd\u200d\n".encode()]
    return [b"\0\0" + s for s in samples] + [s.decode().encode("utf-16") for s in samples]


SEEDS = {
    checkpoint: lambda: [MODEL.read_bytes()],
    header: lambda: [tensors_of(MODEL)[0]["header"].encode()],
    account: lambda: [tensors_of(RUN / STATE, "pt")[0]["account"].encode()],
    log: lambda: [b'{"step":1,"epoch":0.1,"seconds":1,"learning_rate":0.1,"train_nats":3,"grad_norm":1,"val_nats":2,'
                  b'"chars_per_second":9}\n{"step":2,"text":"a","val_nats":2,"temperature":1}\n'],
    text: seeds_of_text,
    archive: lambda: [PROSE, PROGRAM * 20, *(pack(PROSE) for pack in PACKERS.values())],
    features: lambda: [PROGRAM, PYTHON, PROSE],
    commands: lambda: [b"1", b"2", b"3", b"4"],
    commands_on_items: lambda: [b"1", b"2", b"3", b"4"],
    commands_on_pairs: lambda: [b"1", b"2", b"3", b"4"],
}  # fmt: skip
WORDS = [
    *(b"\" ' \"\"\" \\ /* */ // # ( ) { } [ ] : <!-- while http:// 1e999 -1 NaN 0 null true {} []".split()), b"if (",
    b"\n", b"\n\n", b"\r", b"\t", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xe2\x82", b"\x1b[31m",
    b"ustar", b"\x1f\x8b", b"PK\3\4", b'""', b"9" * 30, b'{"a":' * 300, b"[" * 3000,
    *(sign.encode() for sign in ("\u202e", "é", "\u0301", "\u1161", "\U0001f3fd", "\u200d")),
]  # fmt: skip


def mutated(data, choose):
    """A copy of some bytes with a few changes: bits, bytes, words, repeats, moves and cuts."""
    for _ in range(choose.choice([1, 1, 2, 4, 8])):
        place, end = sorted(choose.randrange(len(data) + 1) for _ in range(2))
        kind = choose.randrange(6)
        if kind == 0 and data:
            place = min(place, len(data) - 1)
            data = data[:place] + bytes([data[place] ^ 1 << choose.randrange(8)]) + data[place + 1 :]
        elif kind == 1:
            data = data[:place] + bytes(choose.randrange(256) for _ in range(choose.randrange(9))) + data[place:]
        elif kind == 2:
            data = data[:place] + choose.choice(WORDS) + data[place:]
        elif kind == 3:
            data = data[:place] + choose.choice(WORDS) + data[place + choose.randrange(6) :]
        elif kind == 4:
            data = data[:place] + data[end:]
        else:
            data = data[:end] + data[place:end][:300] * choose.randrange(1, 4) + data[end:]
    return data


def tried(target, data):
    """Whether the input was accepted; an error is one line that tells a cure."""
    try:
        target(data)
    except CharrnnError as error:
        told = str(error)
    else:
        return True
    assert "; " in told
    assert not ACTING & set(one_line(told))
    return False


@pytest.mark.parametrize("target", SEEDS, ids=lambda target: target.__name__)
def test_whatever_the_bytes_the_law_holds(target):
    choose, inputs = random.Random(target.__name__), SEEDS[target]()
    accepted = sum(tried(target, seed) for seed in inputs)
    assert accepted > 0
    for _ in range(SLOWER.get(target.__name__, INPUTS)):
        accepted += tried(target, mutated(choose.choice(inputs), choose))
    assert target is checkpoint or accepted > len(inputs)  # some get through to what lies behind the first check


# What fuzzing found, each as a target and the bytes.
FOUND = [
    (log, b"[" * 3000),
    (log, b'{"step":"x"}'),
]


@pytest.mark.parametrize(("target", "data"), FOUND)
def test_what_was_found_is_mended(target, data):
    tried(target, data)


BRIEF = ("sample, some", "sample, many", "sample, interactive")  # over before a state is so large, or asks on
RUNS_IT = ("sample", "score", "show", "trace", "steer", "grep", "dump", "ablate", "gradients", "match", "explore")
RUNNING = [name for name in forged.COMMANDS if name.split(",")[0] in RUNS_IT and name not in BRIEF]


@pytest.mark.parametrize("name", RUNNING)
def test_a_network_whose_states_outgrow_float32_is_told_by_every_command_that_runs_it(name):
    forged.writable_here(forged.COMMANDS[name])
    relu = forged.honest(folder())[3]
    for copy in ("run", "other"):
        shutil.rmtree(folder() / copy, ignore_errors=True)
        shutil.copytree(relu, folder() / copy)
    forged.reseal(folder() / "run" / BEST, lambda header, tensors: tensors["layers.0.weight_hh"].fill(1e3))
    with pytest.raises(CharrnnError, match="the network's hidden states grow beyond all numbers on this text; choose"):
        forged.held(name, folder())


def main():
    """Fuzz each target for its share of the time; end at the first finding, which is kept in a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = {target.__name__: target for target in SEEDS}
    parser.add_argument(
        "targets", nargs="*", default=list(names), metavar="TARGET", help=f"of {', '.join(names)} (all)"
    )
    parser.add_argument("--minutes", type=float, default=10, help="for how long (%(default)s)")
    options = parser.parse_args()
    if unknown := set(options.targets) - set(names):
        parser.error(f"there is no target {unknown.pop()}")
    for name in options.targets:
        fuzz(names[name], 60 * options.minutes / len(options.targets))


def fuzz(target, seconds):
    """Try mutated inputs, and inputs that were accepted as seeds of others, until the time is over."""
    choose, inputs, tries, accepted = random.Random(), SEEDS[target](), 0, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = mutated(choose.choice(inputs), choose)[:20_000]
        try:
            taken = tried(target, data)
        except BaseException:
            finding = Path(f"finding-{target.__name__}")
            finding.write_bytes(data)
            print(f"{target.__name__}: a finding after {tries:,} inputs, kept in {finding}", file=sys.stderr)
            raise
        tries, accepted = tries + 1, accepted + taken
        if taken and choose.random() < 0.05:
            inputs.append(data)
    print(f"{target.__name__:10} {tries:9,} inputs, {accepted:9,} accepted, no finding", flush=True)


if __name__ == "__main__":
    main()

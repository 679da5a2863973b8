"""Commands that read, with ever less memory: each ends well, or in a line that says that memory is short.

`python tests/hostile/test_memory.py` starves them at finer steps and prints how they ended. Each call is a copy of a
process that has imported all that there is, whose address space may grow by so many bytes; where a library dies of it
in C++, beyond what Python can catch, that is counted.
"""

import argparse
import importlib
import os
import pkgutil
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from pathlib import Path

import forged
import pytest

import charrnn

COMMANDS = {
    "info": "info RUN",
    "score": "score RUN TEXT",
    "sample": "sample RUN --length 200 --seed 1",
    "neurons show": "neurons show RUN TEXT --unit 0:1 --length 400 --no-pager",
    "neurons find": "neurons find RUN TEXT --part all --feature line_position --characters 2000",
    "train": "train TEXT --out OUT --steps 2 --hidden-size 64 --batch-size 4 --seq-length 64",
    "corpus stats": "corpus stats TEXT",
}
MIB = 1 << 20
ENVIRONMENT = os.environ | {
    "OMP_NUM_THREADS": "1",  # a second thread would not live through a fork
    "MALLOC_MMAP_THRESHOLD_": "8192",  # bytes from which on each allocation is one of its own by the system
}


def levels(fine):
    """How many bytes the address space may grow by: less and less, and nothing at last."""
    ratio = 1.12 if fine else 2.5
    level, found = 300 * MIB, []
    while level > 16384:
        found.append(int(level))
        level /= ratio
    return [*found, 0]


def starved(words, room, folder):
    """Call a command in a copy of this process; return its exit status, negative for a signal, and what it told."""
    import resource

    said = folder / "said"
    child = os.fork()
    if not child:
        said.write_text("")
        with said.open("r+") as kept:
            kept.truncate(0)
            os.dup2(kept.fileno(), 2)
        with open("/proc/self/statm") as pages:
            size = int(pages.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + room, resource.RLIM_INFINITY))
        status = 99
        try:
            status, _, told = forged.called(words)
            os.write(2, told.encode())
        except BaseException:
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(status or 0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, said.read_text("utf-8", "replace")


def starve(names, fine):
    """Starve commands; yield for each call its name, the room, its status, what it told, and what is left."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        temporary = folder / "temporary"
        temporary.mkdir()
        tempfile.tempdir = str(temporary)
        places = {"RUN": folder / "honest-0", "TEXT": folder / "book.txt", "OUT": folder / "out"}
        commands = {name: [str(places.get(word, word)) for word in COMMANDS[name].split()] for name in names}
        if not os.fork():  # what this loads and keeps is not there in the other copies, but compiled
            forged.honest(folder, forged.KINDS[:1])
            list(map(forged.called, commands.values()))
            os._exit(0)
        os.wait()
        for name, words in commands.items():
            for room in levels(fine):
                shutil.rmtree(folder / "out", ignore_errors=True)
                status, told = starved(words, room, folder)
                left = [path.name for path in (*temporary.iterdir(), *folder.rglob(".*.tmp"))]
                yield name, room, status, told, [name for name in left if not name.startswith("torchinductor_")]


def how(status, told, left):
    """How a call ended, in a word; AssertionError where that is not by the law."""
    assert not left, left
    if status < 0:
        assert -status in (signal.SIGSEGV, signal.SIGABRT), told
        return "died in C"
    errors = [line for line in told.splitlines() if line.startswith("Error: ")]
    assert not re.search("Traceback|Warning", told), told
    assert (status, len(errors)) in ((0, 0), (1, 1)), told
    assert status == 0 or ("memory" in errors[0] and "unexpected" not in errors[0]), told
    return "told" if status else "well"


def main():
    """Starve the commands, and print how they ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commands", nargs="*", metavar="COMMAND", help="as a key of COMMANDS (all)")
    parser.add_argument("--coarse", action="store_true", help="at the steps of the tests")
    options = parser.parse_args()
    for module in pkgutil.walk_packages(charrnn.__path__, "charrnn."):  # Python's parser fails oddly without memory
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    ends, broken = {}, 0
    for name, room, *ended in starve(options.commands or COMMANDS, not options.coarse):
        try:
            ends.setdefault(name, Counter())[how(*ended)] += 1
        except AssertionError as error:
            broken += 1
            print(f"{name}, room for {room:,} bytes, status {ended[0]}: {error}", file=sys.stderr)
    for name, counts in ends.items():
        print(f"{name:16}", ", ".join(f"{count} {end}" for end, count in counts.items()))
    sys.exit(bool(broken))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux bounds the address space of a process")
def test_a_command_that_has_too_little_memory_says_so_and_leaves_nothing():
    ended = subprocess.run([sys.executable, __file__, "--coarse"], capture_output=True, text=True, env=ENVIRONMENT)
    assert ended.returncode == 0, ended.stderr
    counts = {line[:16].strip(): line[16:] for line in ended.stdout.splitlines()}
    assert counts.keys() == COMMANDS.keys()
    assert all("well" in ends and "told" in ends for ends in counts.values()), counts


if __name__ == "__main__":
    main()

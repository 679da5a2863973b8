"""A machine that does not help: streams, disks, folders, clocks and signals; nothing is lost by any of them."""

import errno
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib import import_module
from operator import attrgetter
from types import SimpleNamespace

import pytest
from forged import writable_here

from charrnn import files
from charrnn.model.checkpoint import load
from charrnn.training.resume import load_state
from charrnn.training.trainer import Trainer

posix = pytest.mark.skipif(sys.platform == "win32", reason="a shell and signals of POSIX")
SMALL = ("--hidden-size=8", "--embedding-size=4", "--seq-length=8", "--batch-size=2", "--precision=float32")
TRAIN = ["train", "BOOK", *SMALL, "--steps=2", "--out=new"]


def ended(arguments, redirections="", before="", bootstrap="-m charrnn", **env):
    """How a process of the command line ends that a shell has started, with its streams as the shell was told."""
    shell = ["sh", "-c", f'{before} exec "$0" {bootstrap} "$@" {redirections}', sys.executable]
    kept = {name: value for name, value in os.environ.items() if name not in ("CHARRNN_DEBUG", "COLUMNS")}
    environment = {name: value for name, value in (kept | env).items() if value is not None}
    done = subprocess.run(
        [*shell, *map(str, arguments)], capture_output=True, timeout=120, env=environment, check=False
    )
    return SimpleNamespace(status=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())


FULL = "Error: No space left on device: input or output; check the disk and the path"

# What a shell does to the streams -> the command, its exit status, and the last line on stderr.
STREAMS = {
    "training without any stream": (TRAIN, "<&- >&- 2>&-", 0, ""),
    "training with stderr onto a full disk": (TRAIN, "2>/dev/full", 0, ""),
    "training from a stdin that is closed": (["train", "-"], "<&-", 1, "Error: there is no text in -; give a text"),
    "sampling without stdout": (["sample", "RUN", "--length=5"], ">&-", 0, ""),
    "sampling without stderr": (["sample", "RUN", "--length=5"], "2>&-", 0, ""),
    "an error without stderr": (["sample", "nothing"], "2>&-", 1, ""),
    "wrong usage without stderr": (["sample"], "2>&-", 2, ""),
    "describing without stdout": (["info", "RUN"], ">&-", 0, ""),
    "help without stdout": (["--help"], ">&-", 0, ""),
    "a sample onto a full disk": (["sample", "RUN", "--length=5"], ">/dev/full", 1, FULL),
    "a description onto a full disk": (["info", "RUN"], ">/dev/full", 1, FULL),
    "help onto a full disk": (["--help"], ">/dev/full", 1, FULL),
    "an error onto a full disk": (["sample", "nothing"], "2>/dev/full", 1, ""),
}


@posix
@pytest.mark.parametrize("what", STREAMS)
def test_a_stream_that_is_closed_or_full_loses_nothing_else(run, book, here, what):
    arguments, redirections, status, says = STREAMS[what]
    places = {"RUN": run, "BOOK": book}
    done = ended([places.get(argument, argument) for argument in arguments], redirections)
    assert done.status == status, done.err
    assert done.err.splitlines()[-1:] == [says] or (says and done.err.startswith(says)) or not says, done.err
    assert "Traceback" not in done.err
    assert "Error" not in done.out
    if arguments == TRAIN:
        assert load(here / "new" / "best.safetensors").header.figures.step == 2


DROP, READ = 24, 23  # PR_CAPBSET_DROP and PR_CAPBSET_READ of prctl(2)
PAST_MODES = (1, 2)  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, by which root passes over modes
UNPRIVILEGED = f"""-c '
import ctypes, os, sys
for capability in {PAST_MODES}: ctypes.CDLL(None).prctl({DROP}, capability)
os.execv(sys.executable, [sys.executable, "-m", "charrnn", *sys.argv[1:]])'"""


def modes_count():
    """Whether a process here can be one that modes keep out."""
    if not sys.platform.startswith("linux"):
        return False
    probe = f"import ctypes; p = ctypes.CDLL(None).prctl; print(*(p({DROP}, c) for c in {PAST_MODES}))"
    return os.geteuid() != 0 or subprocess.check_output([sys.executable, "-c", probe], text=True).split() == ["0", "0"]


# What may not be written or read -> the command, and how its last line on stderr begins.
MODES = {
    "a folder for the run": (
        TRAIN,
        "Error: new cannot be written (Permission denied); name another folder with --out",
    ),
    "a folder for a page": (
        ["compare", "RUN", "RUN", "--output=curves.svg"],
        "Error: Permission denied: curves.svg; check the disk and the path",
    ),
    "a text": (["score", "RUN", "secret"], "Error: secret cannot be read (Permission denied); check what it is and"),
    "a model": (["info", "secret"], "Error: secret cannot be read as a checkpoint (Permission denied"),
}


@pytest.mark.skipif(not modes_count(), reason="nothing is refused to this user")
@pytest.mark.parametrize("what", MODES)
def test_what_may_not_be_written_or_read_is_named(run, book, here, what):
    arguments, says = MODES[what]
    (here / "secret").write_text("secret")
    (here / "secret").chmod(0)
    here.chmod(0o555)
    places = {"RUN": run, "BOOK": book}
    done = ended([places.get(argument, argument) for argument in arguments], bootstrap=UNPRIVILEGED)
    here.chmod(0o755)
    assert done.status == 1
    assert done.err.splitlines()[-1].startswith(says), done.err
    assert [path.name for path in here.iterdir()] == ["secret"]


HOMELESS = {"HOME": "/nonexistent", "XDG_CACHE_HOME": None, "XDG_DATA_HOME": None, "XDG_CONFIG_HOME": None}
NO_UTF8 = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@posix
def test_without_a_home_folder_everything_works_that_needs_none(run, here):
    for arguments in (["compare", run, run, "--output=curves.png"], ["corpus", "list"]):
        done = ended(arguments, **HOMELESS, CHARRNN_CORPORA=None, MPLCONFIGDIR=None)
        assert (done.status, "Traceback" in done.err) == (0, False), done.err


@posix
def test_in_a_locale_without_utf8_samples_are_still_utf8_and_no_name_is_mistaken(run):
    assert "é" in ended(["sample", run, "--length=500", "--seed=1"], **NO_UTF8).out
    assert ended(["sample", run, "--prime=café"], **NO_UTF8).err == (
        "Error: the value of --prime caf‹U+DCC3›‹U+DCA9› is not in UTF-8; type it in a UTF-8 locale\n"
    )


ODD = 'it\'s "odd"\n[red]<b>%s {x}\x1b[31m'


def test_a_run_in_a_folder_with_quotes_newlines_and_markup_in_its_name_is_whole(row, book, here):
    row(["train", book, *SMALL, "--steps=4", "--out", ODD], 0, "[red]<b>%s {x}␛[31m")
    row(["train", "--resume", ODD], 0, "finished after 4 steps")
    row(["sample", ODD, "--length", 5], 0, "")
    row(["history", ODD], 0, "100 % of its 4 steps used")
    row(["compare", ODD, ODD, "--output", f"{ODD}/curve.png"], 0, "")
    row(["train", book, "--out", ODD], 1, "holds a run already; name another folder with --out")


def test_a_clock_that_goes_back_changes_nothing(row, book, here, monkeypatch):
    row(["train", book, *SMALL, "--steps=4", "--out=straight"], 0, "finished")
    hours = iter(range(10**6, 0, -1))
    monkeypatch.setattr(time, "time", lambda: 3600.0 * next(hours))
    monkeypatch.setattr(time, "time_ns", lambda: 3600 * 10**9 * next(hours))
    row(["train", book, *SMALL, "--steps=4", "--out=back"], 0, "finished")
    one, other = (load_state(here / name).tensors for name in ("straight", "back"))
    assert all((one[name] == other[name]).all() for name in one if name.startswith("model."))


# Names of `OSError` at the first write of each kind -> what `train` says.
@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, "cannot be written (No space left on device); name another folder with --out"),
        (errno.EROFS, "cannot be written (Read-only file system); name another folder with --out"),
        (errno.EDQUOT, "cannot be written (Disk quota exceeded); name another folder with --out"),
        (errno.EIO, "cannot be written (Input/output error); name another folder with --out"),
    ],
    ids=lambda value: errno.errorcode.get(value),
)
def test_a_disk_that_takes_nothing_is_told_before_the_first_step(row, book, here, monkeypatch, number, says):
    def refuse(**_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.tempfile, "mkstemp", refuse)
    row(["train", book, *SMALL, "--steps=2", "--out=new"], 1, says)


@pytest.mark.parametrize("argument", ["page.html", "picture.svg", "picture.png", "values.json"])
def test_a_disk_that_is_full_leaves_an_old_page_as_it_was(charrnn, run, book, here, monkeypatch, argument):
    (here / argument).write_text("old")

    def refuse(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    result = charrnn("neurons", "show", run, book, "--unit=0:0", "--length=50", "--output", argument)
    assert result.status == 1
    assert f"No space left on device: {argument}; check the disk and the path" in result.err.splitlines()[-1]
    assert (here / argument).read_text() == "old"
    assert [path.name for path in here.iterdir()] == [argument]


TEXT = ["RUN", "BOOK", "--part=all"]
AT_PATH = "Error: File too large: {}; check the disk and the path"

# Where no file may grow beyond some thousand bytes: what is called, and its last line on stderr.
ENDS = {
    "a state": (TRAIN, "Error: new/state.safetensors cannot be written (File too large); name another folder with"),
    "values": (["neurons", "dump", *TEXT, "-o", "out.npz"], AT_PATH.format("out.npz")),
    "values for LSTMVis": (["neurons", "dump", *TEXT, "-o", "out.hdf5"], AT_PATH.format("out.hdf5")),
    "values for a while": (["neurons", "show", *TEXT, "--feature=line_position"], "Error: File too large: "),
    "a page": (["neurons", "show", *TEXT, "--unit=0:0", "-o", "out.html"], AT_PATH.format("out.html")),
    "a drawing": (["neurons", "show", *TEXT, "--unit=0:0", "-o", "out.svg"], AT_PATH.format("out.svg")),
    "a picture": (["neurons", "show", *TEXT, "--unit=0:0", "-o", "out.png"], AT_PATH.format("out.png")),
    "an explorer": (["neurons", "explore", *TEXT, "-o", "out.html"], "Error: File too large: "),
    "curves": (["compare", "RUN", "-o", "out.png"], AT_PATH.format("out.png")),
    "gradients": (["gradients", *TEXT, "--distance=5", "-o", "out.svg"], AT_PATH.format("out.svg")),
    "scatter plots": (["neurons", "gates", *TEXT, "-o", "out.png"], AT_PATH.format("out.png")),
    "surprises": (["score", *TEXT, "--html", "out.html"], AT_PATH.format("out.html")),
}


@posix
@pytest.mark.parametrize("what", ENDS)
def test_a_disk_that_ends_is_told_and_nothing_half_is_left(run, book, here, what):
    arguments, says = ENDS[what]
    writable_here(" ".join(map(str, arguments)))
    places = {"RUN": run, "BOOK": book}
    (here / "temporary").mkdir()
    done = ended([places.get(part, part) for part in arguments], before="ulimit -f 4;", TMPDIR=str(here / "temporary"))
    assert done.status == 1, done.err
    assert done.err.splitlines()[-1].startswith(says), done.err
    assert {path.name for path in here.iterdir()} <= {"temporary", "new"}
    assert not list((here / "temporary").glob("charrnn*"))


@posix
def test_a_current_folder_that_was_removed_is_told(book, here):
    done = ended(["train", book, *SMALL, "--steps=2"], before="mkdir gone; cd gone; rmdir ../gone;")
    assert (done.status, done.out) == (1, "")
    assert done.err == "Error: the current folder has been removed; change to one that is there\n"


def test_want_of_memory_is_told_in_one_line(row, run, book, here, monkeypatch):
    def run_out(*_, **__):
        raise MemoryError

    monkeypatch.setattr("charrnn.evaluation.scoring.score_blocks", run_out)
    row(["score", run, book], 1, "Error: out of memory; ask for less at once (a shorter text, fewer samples)")


@posix
def test_a_real_bound_on_memory_is_told_in_one_line(run, here):
    with (here / "large.txt").open("wb") as file:
        file.truncate(1_000_000_000)
    done = ended(["sample", run, "--prime-file=large.txt"], before="ulimit -v 700000;")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("Error: out of memory; ask for less at once"), done.err


def test_without_a_network_the_error_names_two_ways_on(row, here, monkeypatch):
    monkeypatch.setenv("CHARRNN_CORPORA", str(here / "corpora"))
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: (_ for _ in ()).throw(OSError("no network")))
    row(
        ["train", "shakespeare"],
        1,
        "use a copy of the files ('charrnn corpus get shakespeare --mirror DIR_OR_URL'), or",
    )
    assert not list((here / "corpora").iterdir())


def test_two_runs_in_one_folder_do_not_mix(charrnn, row, book, here, monkeypatch):
    both, train_on, refused = ["train", book, *SMALL, "--steps=6", "--out=both"], Trainer._train_on, []

    def meanwhile(self, batch, rate):
        train_on(self, batch, rate)
        if self.step == 3:
            refused.append(charrnn("train", "--resume", "both").err)
            refused.append(charrnn(*both).err)

    monkeypatch.setattr(Trainer, "_train_on", meanwhile)
    row(both, 0, "finished after 6 steps")
    assert [told.split("; ")[0] for told in refused] == [
        f"Error: both is being written to by another run (process {os.getpid()})",
        "Error: both holds a run already",
    ]
    assert load_state(here / "both").account.header.figures.step == 6


# The phase -> a command that is in it, and what of the package is entered there.
PHASES = {
    "reading a text": (["train", "BOOK"], "charrnn.text.opening", "raw"),
    "starting": (TRAIN, "charrnn.training.start", "_network"),
    "training": ([*TRAIN, "--steps=1000000"], "charrnn.training.trainer", "Trainer._train_on"),
    "validating": (TRAIN, "charrnn.training.validation", "measured"),
    "saving": (TRAIN, "charrnn.training.run", "save"),
    "measuring at the end": (TRAIN, "charrnn.api.trained", "_measured"),
    "scoring": (["score", "RUN", "BOOK"], "charrnn.evaluation.scoring", "score_blocks"),
    "sampling": (["sample", "RUN", "--length=1000000"], "charrnn.sampling.sampler", "draw_one"),
    "drawing a page": (
        ["neurons", "show", "RUN", "BOOK", "--unit=0:0", "-o=page.html"],
        "charrnn.display.page",
        "html",
    ),
    "downloading": (["corpus", "get", "shakespeare"], "charrnn.text.download", "download"),
}


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("what", PHASES)
def test_a_signal_in_any_phase_ends_with_its_status_and_leaves_nothing_half(
    charrnn, run, book, here, monkeypatch, what, number
):
    command, module, place = PHASES[what]
    inner, entered = attrgetter(place)(import_module(module)), []

    def signalled(*arguments, **options):
        if not entered:
            entered.append(place)
            os.kill(os.getpid(), number)
        return inner(*arguments, **options)

    monkeypatch.setattr(f"{module}.{place}", signalled)
    monkeypatch.setenv("CHARRNN_CORPORA", str(here))
    result = charrnn(*({"RUN": run, "BOOK": book}.get(argument, argument) for argument in command))
    assert (result.status, len(entered)) == (128 + number, 1), result.err
    assert "Traceback" not in result.err
    assert not [path for path in here.rglob("*") if path.suffix in (".tmp", ".html", ".txt")]
    if (here / "new" / "last.safetensors").exists():
        assert load_state(here / "new").account.header.figures.step >= 0


@contextmanager
def hung_up(monkeypatch, handler):
    """Close the terminal, as it seems to a training that is at its third window: it may tell so more than once."""
    inner, steps = Trainer._train_on, []

    def trained(*arguments):
        steps.append(None)
        for _ in range(2 if len(steps) == 3 else 0):
            os.kill(os.getpid(), signal.SIGHUP)
        return inner(*arguments)

    monkeypatch.setattr(Trainer, "_train_on", trained)
    before = signal.signal(signal.SIGHUP, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@posix
def test_a_terminal_that_is_closed_stops_a_training_at_a_step_that_is_saved(charrnn, book, here, monkeypatch):
    with hung_up(monkeypatch, signal.SIG_DFL):
        result = charrnn("train", book, *SMALL, "--steps=1000", "--sample-every=900", "--out=new")
    assert result.status == 129, result.err
    assert load_state(here / "new").account.header.figures.step == 3


@posix
def test_a_training_that_is_to_outlive_its_terminal_does(charrnn, book, here, monkeypatch):
    with hung_up(monkeypatch, signal.SIG_IGN):  # as nohup does
        assert charrnn("train", book, *SMALL, "--steps=9", "--out=new").status == 0
    assert load_state(here / "new").account.header.figures.step == 9
